"""What the business does with accounts. Each function is one transaction."""

from typing import Any

from django.utils import timezone

from accounts.bank_numbers import issue_bank_numbers
from accounts.errors import AccountNotEmpty, AccountNotFound
from accounts.models import Account, AccountType
from accounts.signals import account_deleting
from sequence.transactions import transactional


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


def _create_account(**fields: Any) -> Account:
    now = timezone.now()
    return Account.objects.create(created_at=now, updated_at=now, balance_updated_at=now, **fields)


def get_account(*, organization_id: str, account_id: str) -> Account:
    """Return the organization's account. Raises AccountNotFound, for somebody else's and for a deleted one too."""
    account = Account.objects.of(organization_id).open().filter(id=account_id).first()
    if account is None:
        raise AccountNotFound()
    return account


def lock_accounts(*account_ids: str, organization_id: str) -> list[Account]:
    """Return the organization's accounts, locked, in the order they were asked for.

    Rows are locked in primary-key order, so that two transfers in opposite directions wait for each other instead of
    deadlocking. Somebody else's account raises AccountNotFound, exactly as a missing or deleted one does.
    """
    rows = Account.objects.of(organization_id).open().filter(id__in=account_ids).order_by("id")
    locked = {account.id: account for account in rows.select_for_update(no_key=True)}
    if missing := set(account_ids) - set(locked):
        raise AccountNotFound(account_id=min(missing))
    return [locked[account_id] for account_id in account_ids]


@transactional
def edit_account(*, organization_id: str, account_id: str, **changes: Any) -> Account:
    """Set name, icon or description, and return the account. Raises AccountNotFound."""
    [account] = lock_accounts(account_id, organization_id=organization_id)
    account.edit(**changes)
    return account


@transactional
def delete_account(*, organization_id: str, account_id: str) -> None:
    """Delete the account, for good. Raises AccountNotFound, AccountNotEmpty, AccountInUse."""
    [account] = lock_accounts(account_id, organization_id=organization_id)
    if account.type != AccountType.EXTERNAL_ACCOUNT and account.balance_cents:
        raise AccountNotEmpty(
            name=account.name,
            what=f"a balance of {account.balance_cents} cents",
            advice="Move the money to another account, then delete this one.",
        )
    account_deleting.send(Account, account=account)
    account.delete_softly()
