"""Failures of transfers: what a person can do about each, and who has taken it upon themselves."""

from sequence.core import clock
from sequence.core.transactions import transactional
from transfers.errors import FailureNotTakeable, TransferNotFound
from transfers.models import FAILED, ErrorCode, Transfer

# Why it failed, to stand after a colon.
REASONS: dict[str, str] = {
    ErrorCode.INSUFFICIENT_FUNDS: "there was not enough money in the source",
    ErrorCode.DISCONNECTED_ACCOUNT: "the institution no longer lets us reach the account",
    ErrorCode.NAME_MISMATCH: "the institution knows the account under another name",
    ErrorCode.PAYMENT_FAILED: "the payment did not go through",
    ErrorCode.PAYMENT_NOT_SUPPORTED: "no rail carries money between the two accounts",
    ErrorCode.TRANSFER_AMOUNT_LESS_THAN_ONE_DOLLAR: "the amount was less than one dollar",
    ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED: "as much was sent by ACH that day as may be",
    ErrorCode.MONTHLY_ACH_CREDIT_LIMIT_REACHED: "as much was sent by ACH that month as may be",
    ErrorCode.DAILY_ACH_DEBIT_LIMIT_REACHED: "as much was pulled by ACH that day as may be",
    ErrorCode.MONTHLY_ACH_DEBIT_LIMIT_REACHED: "as much was pulled by ACH that month as may be",
    ErrorCode.NULL_BALANCE: "nobody has told what the account holds",
    ErrorCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT: "the liability has no minimum payment on record",
    ErrorCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE: "the liability has no statement balance on record",
    ErrorCode.RESOURCE_DELETED: "one of the accounts was deleted",
    ErrorCode.RULE_LOOP_DETECTED: "rules set each other off in a circle",
}
# What to do, by why it failed. Nothing here is done by itself: money that did not move may have been paid otherwise.
REMEDIES: dict[str, str] = {
    ErrorCode.INSUFFICIENT_FUNDS: (
        "The source held too little when it was due. See on its page what it holds now; once it is enough, let the"
        " program ask again with a new Idempotency-Key, or run the rule again."
    ),
    ErrorCode.DISCONNECTED_ACCOUNT: (
        "The institution no longer lets us reach the account. Its holder has to connect it anew; then ask again."
    ),
    ErrorCode.NAME_MISMATCH: (
        "The institution knows the account under another name. Compare the beneficiary with its records, correct it,"
        " and ask again. Until then pay nothing to it: it may be somebody else's account."
    ),
    ErrorCode.PAYMENT_FAILED: (
        "The rail could not carry it, and says no more. Ask the institution outside under the transfer's id before"
        " anybody pays again, so that nothing is paid twice."
    ),
    ErrorCode.PAYMENT_NOT_SUPPORTED: (
        "No rail here carries money between these two accounts. Send it through an account that both can reach."
    ),
    ErrorCode.TRANSFER_AMOUNT_LESS_THAN_ONE_DOLLAR: (
        "No rail moves less than one dollar. Let the rule collect until there is more, or raise its least amount."
    ),
    ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED: (
        "The organization has sent as much by ACH today as it may. Ask again tomorrow, UTC, or raise its limit."
    ),
    ErrorCode.MONTHLY_ACH_CREDIT_LIMIT_REACHED: (
        "The organization has sent as much by ACH this month as it may. Ask again next month, or raise its limit."
    ),
    ErrorCode.DAILY_ACH_DEBIT_LIMIT_REACHED: (
        "The organization has pulled as much by ACH today as it may. Ask again tomorrow, UTC, or raise its limit."
    ),
    ErrorCode.MONTHLY_ACH_DEBIT_LIMIT_REACHED: (
        "The organization has pulled as much by ACH this month as it may. Ask again next month, or raise its limit."
    ),
    ErrorCode.NULL_BALANCE: (
        "The institution never told what the account holds, and the rule needs to know. Connect it anew, or change the"
        " rule to a fixed amount."
    ),
    ErrorCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT: (
        "The liability has no minimum payment. Record its statement on the account's page, and run the rule again."
    ),
    ErrorCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE: (
        "The liability has no statement balance. Record its statement on the account's page, and run the rule again."
    ),
    ErrorCode.RESOURCE_DELETED: (
        "One of its accounts was deleted before it was due. Let the program name another one, and change the rules that"
        " still name this one."
    ),
    ErrorCode.RULE_LOOP_DETECTED: (
        "Rules set off each other in a circle, and it was cut here. Change one of them so that the circle ends."
    ),
}
# What is added where a payment had arrived before it failed.
CAME_BACK = "It had settled and came back: what an account could not take is in suspense, and waits to be posted."


def remedies_of(transfer: Transfer) -> list[str]:
    """Return what a person can do about a transfer that failed, a sentence or two each."""
    remedy = REMEDIES[transfer.error_code or ErrorCode.PAYMENT_FAILED]
    return [remedy, CAME_BACK] if transfer.completed_at is not None else [remedy]


@transactional
def take_failure(*, transfer_id: str, by: str, note: str) -> Transfer:
    """Let ``by`` look after a failed transfer, which nobody else can from then on.

    Raises TransferNotFound, and FailureNotTakeable for one that has not failed or that somebody has taken.
    """
    rows = Transfer.objects.with_accounts().select_for_update(no_key=True, of=("self",))
    transfer = rows.filter(id=transfer_id).first()
    if transfer is None:
        raise TransferNotFound()
    if transfer.status not in FAILED:
        raise FailureNotTakeable(why=f"is {transfer.status} and has not failed")
    if transfer.failure_taken_by is not None:
        raise FailureNotTakeable(why=f"is taken by {transfer.failure_taken_by}")
    transfer.take_failure(by=by, at=clock.now(), note=note)
    return transfer
