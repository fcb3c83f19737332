"""Services of transfers: ask, cancel, decide, deposit. Each is one transaction; workers do the rest (settlement)."""

from collections.abc import Iterable
from datetime import datetime

import psycopg
from django.db import DatabaseError

from accounts.errors import AccountNotFound
from accounts.models import Account, AccountType
from accounts.services import find_accounts_for_reference, keep_as_shown
from apikeys.authentication import AuthenticatedKey
from apikeys.caps import Spend, add_spent, lock_counters, lock_usage
from apikeys.custody import reason_against
from apikeys.entries import Permission
from apikeys.errors import KeyPaused
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.database.owned import within
from sequence.core.errors import Unauthorized
from sequence.core.money import MAX_CENTS
from sequence.core.transactions import sqlstate_of, transactional
from sequence.core.wakeup import wake_workers
from transfers.approvals import check_accounts, entry_that_allows, find_asking_key, weigh
from transfers.asking import TransferRequest, asked_transfer, pose
from transfers.batches import SettlementBatch, lock_accounts_of
from transfers.errors import (
    AccountTypeNotAllowed,
    BalanceTooLarge,
    InsufficientFunds,
    SomebodyElseMustDecide,
    TransferNotCancellable,
    TransferNotDecidable,
    TransferNotFound,
)
from transfers.foresight import counters_of
from transfers.models import STOPPABLE, CancelReason, Direction, Origin, SimulatedTransfer, Status, Transfer
from transfers.models.guards import PAUSED, SUSPENDED_OR_REVOKED
from transfers.rails.ledger import IncomingRail
from transfers.settlement import give_back
from transfers.sql.counted_insert import insert_counted

# What a transfer's key has to do with it, where a person must not decide.
ASKED = "asked for this"


@transactional
def create_manual_transfer(
    *, key: AuthenticatedKey, request: TransferRequest, request_id: str | None = None
) -> Transfer:
    """Return a new transfer that a worker will settle once it is due, or that waits for approval.

    The caller has checked that an entry of the key matches the pair. Raises AccountNotFound, InvalidRequest for a pair
    that money cannot go between, for a time out of reach and for a reason that an entry wants, MaxAmountExceeded when
    no matching entry's limits all hold (the period caps are counted here, under their locks; where somebody was
    faster, all begins anew), and KeyPaused or Unauthorized for a key that was stopped since it came through the door.
    """
    question = pose(key, request, now=clock.now())
    transfer, permission = asked_transfer(question, request, request_id=request_id)
    _insert(transfer, permission)
    if transfer.status == Status.PROCESSING and transfer.not_before is None:
        wake_workers()
    return transfer


def _insert(transfer: Transfer, permission: Permission) -> None:
    """Put down a transfer that a key asks for. Raises KeyPaused or Unauthorized when the key was stopped meanwhile."""
    try:
        insert_counted(transfer, permission)
    except DatabaseError as error:
        if sqlstate_of(error) == SUSPENDED_OR_REVOKED:
            raise Unauthorized() from None
        if sqlstate_of(error) == PAUSED:
            raise KeyPaused(paused_at=show_time(_detail_of(error))) from None
        raise


def _detail_of(error: DatabaseError) -> datetime:
    cause = error.__cause__
    assert isinstance(cause, psycopg.Error)  # noqa: S101 - tells the type checker
    return datetime.fromisoformat(cause.diag.message_detail or "")


def get_transfer(*, organization_id: str, transfer_id: str) -> Transfer:
    """Return the organization's transfer with its accounts. Raises TransferNotFound."""
    transfer = Transfer.objects.for_organization(organization_id).with_accounts().filter(id=transfer_id).first()
    if transfer is None:
        raise TransferNotFound()
    return transfer


def get_any_transfer(*, organization_id: str, transfer_id: str) -> Transfer | SimulatedTransfer:
    """Return the organization's transfer, a simulated one too, with its accounts. Raises TransferNotFound."""
    simulated = SimulatedTransfer.objects.for_organization(organization_id).with_accounts()
    try:
        return get_transfer(organization_id=organization_id, transfer_id=transfer_id)
    except TransferNotFound:
        found = simulated.filter(id=transfer_id).first()
        if found is None:
            raise
        return found


@transactional
def cancel_transfer(
    *,
    transfer_id: str,
    by: str,
    organization_id: str | None = None,
    reason: CancelReason = CancelReason.BY_KEY,
    note: str | None = None,
) -> Transfer:
    """Stop a transfer that no rail has yet, of the organization where one is named, and give it back to the caps.

    Raises TransferNotFound, TransferNotCancellable.
    """
    transfer = _lock_transfer(transfer_id, organization_id)
    if transfer.status not in STOPPABLE:
        raise TransferNotCancellable(status=transfer.status)
    transfer.decide(status=Status.CANCELLED, by=by, at=clock.now(), reason=reason, note=note)
    give_back([transfer])
    return transfer


@transactional
def approve_transfer(*, transfer_id: str, by: str, note: str | None = None) -> Transfer:
    """Let a transfer that waits for a person go ahead, after checking everything again as of now.

    ``by`` is a staff user's name, or a command's actor. Raises TransferNotFound, TransferNotDecidable, and
    ApprovalRefused with the reason: the person is a custodian of the key (see ``apikeys.custody``), the key is closed
    or may no longer do this, or an account is gone.
    """
    transfer = _lock_transfer(transfer_id)
    if transfer.status != Status.PENDING_APPROVAL:
        raise TransferNotDecidable(status=transfer.status)
    _check_approval(transfer, by)
    transfer.decide(status=Status.PROCESSING, by=by, at=clock.now(), note=note)
    wake_workers()
    return transfer


@transactional
def reject_transfer(*, transfer_id: str, by: str, note: str | None = None) -> Transfer:
    """Cancel a transfer that waits for a person. Raises TransferNotFound, TransferNotDecidable."""
    transfer = _lock_transfer(transfer_id)
    if transfer.status != Status.PENDING_APPROVAL:
        raise TransferNotDecidable(status=transfer.status)
    transfer.decide(status=Status.CANCELLED, by=by, at=clock.now(), reason=CancelReason.REJECTED, note=note)
    give_back([transfer])
    return transfer


def lock_for_decisions(transfer_ids: Iterable[str]) -> None:
    """Lock what deciding on the transfers, one after the other in this transaction, will lock or tell of.

    All rows of a kind at once, in the order in which everybody locks them: two people who decide on the same ones wait
    for each other instead of deadlocking.
    """
    rows = Transfer.objects.filter(id__in=list(transfer_ids)).select_related("api_key").order_by("id")
    transfers = list(rows.select_for_update(no_key=True, of=("self",)))
    keep_as_shown({id for transfer in transfers for id in (transfer.source_id, transfer.destination_id) if id})
    lock_counters(counters_of(transfers))


def _check_approval(transfer: Transfer, by: str) -> None:
    key = find_asking_key(transfer)
    against = reason_against(key, by=by, role=ASKED)
    if against is not None:
        raise SomebodyElseMustDecide(reason=against)
    check_accounts(transfer)
    # Counted by the entry that allows it now.
    _count_by(transfer, entry_that_allows(weigh(transfer, key, look=lock_usage)))


def _count_by(transfer: Transfer, entry: Permission) -> None:
    if entry.spend_id is None or entry.spend_id == transfer.spend_id:
        return
    give_back([transfer])
    transfer.spend_id = entry.spend_id
    transfer.save(update_fields=["spend_id"])
    add_spent([Spend(transfer.organization_id, entry.spend_id, transfer.counted_at, transfer.amount_cents)])


@transactional
def deposit(*, account_id: str, amount_cents: int, origin: Origin, by: str) -> Transfer:
    """Return a completed transfer of money that arrived from outside by itself.

    Raises AccountNotFound, AccountTypeNotAllowed, BalanceTooLarge.
    """
    account = _find_ledger_account(account_id)
    transfer = _incoming(account, amount_cents, origin, by)
    transfer.direction, transfer.destination = Direction.MONEY_IN, account
    return _complete_at_once(transfer)


@transactional
def pull_from_outside(*, account_id: str, amount_cents: int, by: str) -> Transfer:
    """Return a completed transfer of money that somebody outside drew from a pod or an income source.

    Raises AccountNotFound, AccountTypeNotAllowed, InsufficientFunds; the money then stays.
    """
    account = _find_ledger_account(account_id)
    transfer = _incoming(account, amount_cents, Origin.EXTERNAL_PULL, by)
    transfer.direction, transfer.source = Direction.MONEY_OUT, account
    return _complete_at_once(transfer)


def _find_ledger_account(account_id: str) -> Account:
    account = Account.objects.filter(id=account_id).first()
    if account is None:
        raise AccountNotFound()
    [account] = find_accounts_for_reference(account_id, organization_id=account.organization_id)
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        raise AccountTypeNotAllowed(
            name=account.private_name, kind="an external account", advice="Name an income source or a pod instead."
        )
    return account


def _incoming(account: Account, amount_cents: int, origin: Origin, by: str) -> Transfer:
    now = clock.now()
    return Transfer(
        organization_id=account.organization_id,
        amount_cents=amount_cents,
        origin=origin,
        status=Status.PROCESSING,
        rail=IncomingRail.name,
        decided_by=by,
        decided_at=now,
        created_at=now,
        updated_at=now,
    )


def _complete_at_once(transfer: Transfer) -> Transfer:
    transfer.save(force_insert=True)
    batch = SettlementBatch(lock_accounts_of([transfer]), now=transfer.created_at)
    if transfer.source_id:
        available_cents = batch.available_cents(transfer.source_id) or 0
        if transfer.shortfall_cents(available_cents):
            raise InsufficientFunds(
                name=batch.accounts[transfer.source_id].private_name,
                available_cents=available_cents,
                amount_cents=transfer.amount_cents,
            )
    if not batch.stays_countable(transfer):
        raise BalanceTooLarge(name=batch.accounts[transfer.destination_id or ""].private_name, most_cents=MAX_CENTS)
    batch.complete(transfer)
    batch.write()
    wake_workers()  # What arrived may set off rules.
    return transfer


def _lock_transfer(transfer_id: str, organization_id: str | None = None) -> Transfer:
    known = [organization_id] if organization_id else []
    rows = within(Transfer.objects.with_accounts().select_for_update(no_key=True, of=("self",)), known)
    transfer = rows.filter(id=transfer_id).first()
    if transfer is None:
        raise TransferNotFound()
    return transfer
