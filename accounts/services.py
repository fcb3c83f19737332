"""Services of accounts: open, edit, record statements, delete. Each is one transaction."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.db import connection

from accounts.bank_numbers import issue_bank_numbers
from accounts.descriptions import describe
from accounts.errors import AccountNotEmpty, AccountNotFound, LiabilityFieldNotAllowed, NotAnExternalAccount
from accounts.models import Account, AccountType, ExternalAccountType
from sequence.core import clock
from sequence.core.api.ids import parse_id
from sequence.core.database.row_lookup import RowLookup
from sequence.core.errors import InvalidRequest, Private
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject
from sequence.core.wired import wired

# Raises AccountNotEmpty or AccountInUse while its app needs the account, which is locked, in the transaction that
# deletes it. Which there are stands in the wiring.
DeletionGuard = Callable[[Account], None]

# The look-ups that most requests make.
_OPEN_ACCOUNT = RowLookup(Account, "organization_id = %s AND id = %s AND deleted_at IS NULL")
_NAMED = "organization_id = %s AND id = ANY(%s) AND deleted_at IS NULL ORDER BY id"
_NAMED_ACCOUNTS = RowLookup(Account, _NAMED)
_REFERENCED_ACCOUNTS = RowLookup(Account, f"{_NAMED} FOR KEY SHARE")


def create_income_source(
    *, organization_id: str, beneficiary_name: str, nickname: str, icon: str | None = None
) -> Account:
    """Return a new income source with bank numbers of its own and a balance of zero."""
    numbers = issue_bank_numbers()
    return _create_account(
        organization_id=organization_id,
        type=AccountType.INCOME_SOURCE,
        name=nickname,
        icon=icon,
        beneficiary_name=beneficiary_name,
        routing_number=numbers.routing_number,
        routing_number_last_four=numbers.routing_number[-4:],
        bank_account_number=numbers.account_number,
        bank_account_number_last_four=numbers.account_number[-4:],
    )


def create_pod(
    *,
    organization_id: str,
    beneficiary_name: str,
    nickname: str,
    icon: str | None = None,
    description: str | None = None,
    savings_target_in_cents: int | None = None,
) -> Account:
    """Return a new pod with a balance of zero."""
    return _create_account(
        organization_id=organization_id,
        type=AccountType.POD,
        name=nickname,
        icon=icon,
        description=description,
        savings_target_cents=savings_target_in_cents,
        beneficiary_name=beneficiary_name,
    )


def keep_name_free(*, organization_id: str, type: str, name: str) -> None:
    """Let nobody else take the name among live accounts of the type until the transaction ends, who asks so too.

    For a dialect in which names are unique. Raises InvalidRequest where it is taken.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [f"{organization_id} {type} {name}"])
    same = Account.objects.for_organization(organization_id).not_deleted().filter(type=type, name=name)
    if same.exists():
        raise InvalidRequest.of("name", "taken", "Another account of this type has this name.")


def connect_external_account(
    *,
    organization_id: str,
    name: str,
    external_account_type: ExternalAccountType,
    institution_name: str,
    icon: str | None = None,
    description: str | None = None,
    balance_cents: int | None = None,
    interest_rate_percent: Decimal | None = None,
    last_statement_balance_cents: int | None = None,
    next_payment_minimum_cents: int | None = None,
    next_payment_due_on: date | None = None,
) -> Account:
    """Return a new account at another institution, with the last that is known of it.

    Raises LiabilityFieldNotAllowed when a debt's facts are given for something that is none.
    """
    facts = {
        "interest_rate_percent": interest_rate_percent,
        "last_statement_balance_cents": last_statement_balance_cents,
        "next_payment_minimum_cents": next_payment_minimum_cents,
        "next_payment_due_on": next_payment_due_on,
    }
    _check_facts(external_account_type, facts)
    return _create_account(
        organization_id=organization_id,
        type=AccountType.EXTERNAL_ACCOUNT,
        external_account_type=external_account_type,
        name=name,
        icon=icon,
        description=description,
        institution_name=institution_name,
        balance_cents=balance_cents,
        **facts,
    )


def _check_facts(external_account_type: str | None, facts: JsonObject) -> None:
    if external_account_type != ExternalAccountType.LIABILITY and any(fact is not None for fact in facts.values()):
        raise LiabilityFieldNotAllowed(type=external_account_type)


@transactional
def record_statement(*, organization_id: str, account_id: str, balance_cents: int, **facts: object) -> Account:
    """Take over what the institution says its account holds now, or a debt's facts too, and return the account.

    The facts are those of ``connect_external_account``; what the institution does not mention stays as it was. What is
    on its way from or to the account stays held and expected: an institution counts a payment when it has it. Raises
    AccountNotFound, NotAnExternalAccount where the ledger holds the balance, LiabilityFieldNotAllowed.
    """
    [account] = lock_accounts(account_id, organization_id=organization_id)
    if account.type != AccountType.EXTERNAL_ACCOUNT:
        raise NotAnExternalAccount(name=account.private_name)
    _check_facts(account.external_account_type, facts)
    account.set_snapshot(balance_cents=balance_cents, **facts)
    return account


def _create_account(**fields: object) -> Account:
    now = clock.now()
    return Account.objects.create(created_at=now, updated_at=now, balance_updated_at=now, **fields)


def get_account(*, organization_id: str, account_id: str) -> Account:
    """Return the organization's account. Raises AccountNotFound, for somebody else's and for a deleted one too."""
    found = _OPEN_ACCOUNT.find(parse_id("org", organization_id), parse_id("acc", account_id))
    if not found:
        raise AccountNotFound(missing=[account_id])
    return found[0]


def find_account(account_id: str) -> Account:
    """Return the account, whosever it is, for an operator. Raises AccountNotFound, for a deleted one too."""
    account = Account.objects.not_deleted().filter(id=account_id).first()
    if account is None:
        raise AccountNotFound(missing=[account_id])
    return account


def name_accounts_of(ids: Collection[str]) -> dict[str, str]:
    """Return the names of accounts by id, deleted ones too; of what is no account's id there is none."""
    return dict(Account.objects.filter(id__in=ids).values_list("id", "name"))


def name_accounts(organization_id: str) -> list[tuple[str, str]]:
    """Return the id of every open account of the organization with its facts for people, in the order of the names."""
    accounts = Account.objects.for_organization(organization_id).not_deleted().order_by("name", "id")
    return [(account_id, description.line) for account_id, description in describe(accounts).items()]


def lock_accounts(*account_ids: str, organization_id: str) -> list[Account]:
    """Return the organization's accounts, locked, in the order they were asked for.

    Rows are locked in primary-key order, so that two transfers in opposite directions wait for each other instead of
    deadlocking. Somebody else's account raises AccountNotFound, exactly as a missing or deleted one does.
    """
    rows = Account.objects.for_organization(organization_id).not_deleted().filter(id__in=account_ids).order_by("id")
    # The full lock also waits for whoever has just read the account to refer to it: see find_accounts_for_reference.
    locked = {account.id: account for account in rows.select_for_update()}
    if missing := set(account_ids) - set(locked):
        raise AccountNotFound(missing=missing)
    return [locked[account_id] for account_id in account_ids]


def keep_as_shown(account_ids: Iterable[str]) -> None:
    """Keep the accounts as a page has just told of them until the transaction ends: locked, in id order."""
    rows = Account.objects.filter(id__in=list(account_ids)).order_by("id")
    list(rows.select_for_update(no_key=True).values_list("id"))


def find_accounts_for_reference(*account_ids: str, organization_id: str) -> list[Account]:
    """Return the organization's accounts, kept from being deleted until the transaction ends, in the order asked for.

    The weakest lock there is: it waits for a deletion or an edit, never for money that moves. Raises AccountNotFound.
    """
    return _in_order(account_ids, _REFERENCED_ACCOUNTS, organization_id)


def find_accounts(*account_ids: str, organization_id: str) -> list[Account]:
    """Return what ``find_accounts_for_reference`` does without a lock: to tell a person of them, not to act."""
    return _in_order(account_ids, _NAMED_ACCOUNTS, organization_id)


def _in_order(account_ids: Sequence[str], lookup: RowLookup[Account], organization_id: str) -> list[Account]:
    ids = [parse_id("acc", account_id) for account_id in account_ids]
    found = {account.id: account for account in lookup.find(parse_id("org", organization_id), ids)}
    if missing := set(account_ids) - set(found):
        raise AccountNotFound(missing=missing)
    return [found[account_id] for account_id in account_ids]


@transactional
def edit_account(*, organization_id: str, account_id: str, **changes: object) -> Account:
    """Set name, icon, description or savings target, and return the account. Raises AccountNotFound."""
    [account] = lock_accounts(account_id, organization_id=organization_id)
    account.edit(**changes)
    return account


@transactional
def delete_account(*, organization_id: str, account_id: str) -> None:
    """Delete the account, for good. Raises AccountNotFound, AccountNotEmpty, AccountInUse."""
    [account] = lock_accounts(account_id, organization_id=organization_id)
    if account.type != AccountType.EXTERNAL_ACCOUNT and account.balance_cents:
        raise AccountNotEmpty(
            name=account.private_name,
            what=Private(f"a balance of {account.balance_cents} cents", about=account.id, otherwise="money in it"),
            advice="Move the money to another account, then delete this one.",
        )
    guards: Sequence[DeletionGuard] = wired("ACCOUNT_DELETION_GUARDS")
    for refuse in guards:
        refuse(account)
    account.delete_softly()
