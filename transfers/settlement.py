"""Settlement sweeps, which carry transfers from acceptance to their end. Each call does one batch, or a few."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from django.db.models import QuerySet

from apikeys.caps import Spend, add_spent
from sequence.core.database.ordered_update import update_in_id_order
from sequence.core.due import due_when
from sequence.core.sweeps import DATABASE_TROUBLE, do_batch, swept
from sequence.core.transactions import transactional
from transfers.ach_limits import ReachedLimits
from transfers.batches import SettlementBatch, lock_accounts_of
from transfers.models import APPROVAL_LIFETIME, CancelReason, ErrorCode, RailTrouble, Status, Transfer
from transfers.rails import (
    OutsideRail,
    RailUnreachable,
    Report,
    ReportKind,
    names_that_settle_at_once,
    news_of_rails,
    outside_rails,
)
from transfers.sql.sweeps import settle_funded

log = structlog.get_logger("sequence.settlement")

# Large enough that the statements of a batch weigh nothing against its rows, small enough to hold locks for a moment.
BATCH_SIZE = 100
# Of accepted transfers, before others of a worker's sweeps have their turn: each of them costs a commit.
BATCHES = 5


@due_when(lambda now: [Transfer.objects.accepted().due(now).ready(now)])
def accept(now: datetime) -> int:
    """Take transfers out of PROCESSING: complete what the ledger alone can move, hand the rest to its rail.

    Not enough funds makes one INCOMPLETE, a limit or a deleted account an ERROR; neither moves anything. What the
    payers can fund goes together, in one statement; the rest one after another, in a transaction of its own, since it
    locks limits before accounts.
    """
    done = 0
    for _ in range(BATCHES):
        claimed, settled = _settle_funded(now)
        left = claimed - settled
        decided = settled + (do_batch(_accept_batch, now, size=left, defer=defer) if left else 0)
        done += decided
        if decided < BATCH_SIZE:
            break
    return done


def _settle_funded(now: datetime) -> tuple[int, int]:
    try:
        return _settle_funded_batch(now)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        log.error("settling_together_broke", exc_info=error)
        return BATCH_SIZE, 0  # One after another they tell which of them it is.


@transactional
def _settle_funded_batch(now: datetime) -> tuple[int, int]:
    return settle_funded(now, limit=BATCH_SIZE, rails=names_that_settle_at_once())


@transactional
def _accept_batch(now: datetime, *, limit: int, claimed: list[str]) -> None:
    transfers = _claim(Transfer.objects.accepted().due(now).ready(now).with_stop(), limit)
    claimed[:] = [transfer.id for transfer in transfers]
    if not transfers:
        return
    # The limits' rows before the accounts', here as everywhere.
    limits = ReachedLimits.lock(transfers, now)
    batch = SettlementBatch(lock_accounts_of(transfers), now=now)
    for transfer in transfers:
        accept_one(transfer, batch, limits)
    batch.write()


def accept_one(transfer: Transfer, batch: SettlementBatch, limits: ReachedLimits) -> None:
    """Decide what becomes of a transfer that is due."""
    accounts = [batch.accounts[id] for id in (transfer.source_id, transfer.destination_id) if id]
    # A stop cancels what it finds, and the database refuses what comes after it: this is for what neither has seen.
    if reason := getattr(transfer, "stop_reason", None):
        batch.cancel(transfer, CancelReason(reason))
    elif any(account.deleted_at is not None for account in accounts):
        batch.fail(transfer, Status.ERROR, ErrorCode.RESOURCE_DELETED)
    elif _lacks_funds(transfer, batch):
        batch.fail(transfer, Status.INCOMPLETE, ErrorCode.INSUFFICIENT_FUNDS)
    elif code := limits.code_for(transfer):
        batch.fail(transfer, Status.ERROR, code)
    else:
        limits.count(transfer)
        batch.set_off(transfer)


def _lacks_funds(transfer: Transfer, batch: SettlementBatch) -> bool:
    if transfer.source_id is None:
        return False
    return transfer.shortfall_cents(batch.available_cents(transfer.source_id)) > 0


@due_when(lambda now: [Transfer.objects.unsubmitted().ready(now)])
def submit(now: datetime) -> int:
    """Give the rails what they do not have for sure. Not in one transaction: a real rail is a call to somebody else.

    Nothing is locked meanwhile, since a PENDING transfer waits for its rail alone; a crash in between repeats the
    submission, which a rail takes once. A rail that breaks on one transfer gets the others all the same, and one that
    cannot be reached keeps no other rail waiting.
    """
    return sum(_submit_to(rail, now) for rail in outside_rails())


def _submit_to(rail: OutsideRail, now: datetime) -> int:
    due = swept(Transfer.objects.unsubmitted().ready(now))
    transfers = list(due.filter(rail=rail.name)[:BATCH_SIZE])
    if not transfers:
        return 0
    try:
        return _hand_over(rail, transfers, now)
    except RailUnreachable as error:
        log.warning("rail_unreachable", rail=rail.name, exc_info=error)
        return 0
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        log.error("submission_broke", rail=rail.name, rows=len(transfers), exc_info=error)
    return sum(_hand_over_alone(rail, transfer, now) for transfer in transfers)


def _hand_over(rail: OutsideRail, transfers: Sequence[Transfer], now: datetime) -> int:
    rail.submit(transfers, now=now)
    ids = [transfer.id for transfer in transfers]
    unsubmitted = swept(Transfer.objects.filter(id__in=ids, submitted_at=None))
    return update_in_id_order(unsubmitted, submitted_at=now, stalled_at=None)


def _hand_over_alone(rail: OutsideRail, transfer: Transfer, now: datetime) -> int:
    try:
        return _hand_over(rail, [transfer], now)
    except RailUnreachable as error:
        log.warning("rail_unreachable", rail=rail.name, exc_info=error)
        return 0
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        log.error("row_deferred", row=transfer.id, exc_info=error)
        defer(transfer.id, now)
        return 1


@due_when(lambda now: news_of_rails(now))
def collect(now: datetime) -> int:
    """Apply what the rails report, each in a transaction of its own: one that breaks keeps no other one waiting."""
    return sum(_collect_from(rail, now) for rail in outside_rails())


def _collect_from(rail: OutsideRail, now: datetime) -> int:
    try:
        return do_batch(partial(_collect_batch, rail), now, size=BATCH_SIZE, defer=defer)
    except RailUnreachable as error:
        log.warning("rail_unreachable", rail=rail.name, exc_info=error)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        log.error("collection_broke", rail=rail.name, exc_info=error)
        RailTrouble.objects.update_or_create(rail=rail.name, defaults={"broke_at": now})
    return 0


@transactional
def _collect_batch(rail: OutsideRail, now: datetime, *, limit: int, claimed: list[str]) -> None:
    resting = list(swept(Transfer.objects.resting(now)).values_list("id", flat=True))
    reports = rail.collect(now=now, limit=limit, except_for=resting)
    claimed[:] = [report.transfer_id for report in reports]
    if reports:
        apply_reports(reports, now=now)


@transactional
def apply_reports(reports: Sequence[Report], *, now: datetime) -> None:
    """Complete, fail or reverse the transfers that the rails report on, in the order of the reports.

    A report that is no news changes nothing.
    """
    ids = {report.transfer_id for report in reports}
    rows = swept(Transfer.objects.filter(id__in=ids)).order_by("id").select_for_update(no_key=True, of=("self",))
    transfers = {transfer.id: transfer for transfer in rows}
    batch = SettlementBatch(lock_accounts_of(transfers.values()), now=now)
    for report in reports:
        if report.transfer_id in transfers:
            _apply(report, transfers[report.transfer_id], batch)
    batch.write()


def _apply(report: Report, transfer: Transfer, batch: SettlementBatch) -> None:
    code = report.code or ErrorCode.PAYMENT_FAILED
    if transfer.status == Status.PENDING:
        if report.kind is ReportKind.SETTLED:
            batch.complete(transfer)
        else:
            # One that comes back before it was told to have settled has failed, for all that we know.
            batch.fail(transfer, Status.ERROR, code)
    elif transfer.status == Status.COMPLETE and report.kind is ReportKind.RETURNED:
        batch.reverse(transfer, code)


def defer(transfer_id: str, at: datetime) -> None:
    """Note that a worker broke on the transfer: nothing of it is done, and it is tried again after a rest."""
    swept(Transfer.objects.filter(id=transfer_id)).update(stalled_at=at)


@due_when(lambda now: [Transfer.objects.undecided_since(now - APPROVAL_LIFETIME)])
@transactional
def expire_approvals(now: datetime) -> int:
    """Cancel what nobody decided in time, and give it back to the caps."""
    transfers = _claim(Transfer.objects.undecided_since(now - APPROVAL_LIFETIME))
    for transfer in transfers:
        transfer.decide(status=Status.CANCELLED, by="worker:expire_approvals", at=now, reason=CancelReason.EXPIRED)
    give_back(transfers)
    return len(transfers)


def give_back(transfers: Sequence[Transfer]) -> None:
    """Return the transfers' amounts to the caps they were counted by."""
    add_spent(
        Spend(transfer.organization_id, transfer.spend_id, transfer.counted_at, -transfer.amount_cents)
        for transfer in transfers
        if transfer.spend_id is not None
    )


def _claim(due: "QuerySet[Transfer]", limit: int = BATCH_SIZE) -> list[Transfer]:
    """Lock one batch of due rows; what another worker holds is that worker's."""
    return list(swept(due).select_for_update(skip_locked=True, no_key=True, of=("self",))[:limit])
