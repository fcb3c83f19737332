"""Refusals of transfers."""

from collections.abc import Sequence
from typing import Self

from apikeys.limits import REASON, Check
from sequence.core.api.called_reasons import HEADER
from sequence.core.errors import Conflict, Detail, DomainError, InvalidRequest, NotFound


class TransferNotFound(NotFound):
    message = "Transfer not found."


class MaxAmountExceeded(DomainError):
    """No matching entry of the key lets it through: its details are every limit in the way, of every entry."""

    code = "max_amount_exceeded"
    status = 403
    message = "This key may move at most {most} from {source} to {destination}."
    remedy = "Ask a dry run for the smallest changes that would help: less, later, a person, or a wider key."
    sample_names = {"most": "50000 cents a day", "source": "*", "destination": "*"}
    is_outcome = True

    @classmethod
    def because_of(cls, obstacles: Sequence[Check]) -> Self:
        """Return the refusal for these checks, which failed; its message tells the first."""
        limits = [check for check in obstacles if check.limit.code != REASON]
        first = limits[0]
        details: list[Detail] = [
            {"field": "amount_in_cents", "code": check.limit.code, "message": check.sentence} for check in limits
        ]
        ends = {"source": first.entry.source, "destination": first.entry.target}
        return cls(most=first.limit.in_words(first.most), details=details, **ends)


class ReasonRequired(InvalidRequest):
    """The only entry that would let it through wants to know why."""

    @classmethod
    def of_header(cls) -> Self:
        """Return the refusal of a request without a reason."""
        return cls.of(HEADER, "required", f"Say in the header {HEADER} why you ask; this permission wants a reason.")


class TransferNotCancellable(Conflict):
    code = "transfer_not_cancellable"
    message = "The transfer is {status}. Only one that is pending_approval or processing can be cancelled."
    remedy = "Nothing: it is over, or with the payment rail."
    sample_names = {"status": "complete"}


class TransferNotDecidable(Conflict):
    code = "transfer_not_decidable"
    message = "The transfer is {status}. Only one that is pending_approval can be approved or rejected."
    remedy = "Nothing: somebody decided, or it expired."


class FailureNotTakeable(Conflict):
    code = "failure_not_takeable"
    message = "The transfer {why}. Only one that failed can be taken, once."
    remedy = "Nothing: it did not fail, or somebody looks after it."


class ApprovalRefused(Conflict):
    """The transfer cannot be approved as things stand now. It stays undecided: it may be rejected."""

    code = "approval_refused"
    message = "{reason} Reject the transfer, or mend that and approve it again."
    remedy = "Reject it, or mend what the message names and approve it then."


class SomebodyElseMustDecide(ApprovalRefused):
    """The transfer may well be approved, but not by this person, who may only reject it."""

    message = "{reason} You may only reject it."


class SuspenseItemNotFound(NotFound):
    message = "Suspense item not found."


class SuspenseNotPostable(Conflict):
    code = "suspense_not_postable"
    message = "The suspense item stays where it is. {why}"
    remedy = "Propose an account that can take it, and let another person confirm it."


class InsufficientFunds(Conflict):
    code = "insufficient_funds"
    message = "{name} has {available_cents} cents available, not {amount_cents}."
    remedy = "Wait for money, or move less."


class BalanceTooLarge(Conflict):
    code = "balance_too_large"
    message = "{name} can hold at most {most_cents} cents."
    remedy = "Move less."


class AccountTypeNotAllowed(Conflict):
    code = "not_on_this_account"
    message = "{name} is {kind}. {advice}"
    remedy = "Name an account of a kind that can."


class NotSimulated(Conflict):
    code = "not_on_the_simulated_rail"
    message = "The transfer is {status} on the rail '{rail}': {advice}"
    remedy = "Choose a transfer that is on the simulated rail."
