"""The sweeps that carry transfers from acceptance to their end. Each call does one batch in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apikeys.spending import Spend, add_spent
from sequence.transactions import transactional
from transfers.ach_limits import ReachedLimits
from transfers.batches import Batch, lock_accounts_of
from transfers.models import ErrorCode, RailName, Status, Transfer
from transfers.rails import RAILS, Report, ReportKind

# Large enough that the statements of a batch weigh nothing against its rows, small enough to hold locks for a moment.
BATCH_SIZE = 100
# A week is long enough for a person to come back from anywhere, and no money waits for somebody who never will.
APPROVAL_LIFETIME = timedelta(days=7)


@transactional
def accept(now: datetime) -> int:
    """Take transfers out of PROCESSING: complete what the ledger alone can move, hand the rest to its rail.

    Not enough funds makes one INCOMPLETE, a limit or a deleted account an ERROR; neither moves anything.
    """
    transfers = _claim(Transfer.objects.accepted())
    if not transfers:
        return 0
    # The limits' rows before the accounts', here as everywhere.
    limits = ReachedLimits.lock(transfers, now)
    batch = Batch(lock_accounts_of(transfers), now=now)
    for transfer in transfers:
        _accept(transfer, batch, limits)
    batch.write()
    return len(transfers)


def _accept(transfer: Transfer, batch: Batch, limits: ReachedLimits) -> None:
    accounts = [batch.accounts[id] for id in (transfer.source_id, transfer.destination_id) if id]
    if any(account.deleted_at is not None for account in accounts):
        batch.fail(transfer, Status.ERROR, ErrorCode.RESOURCE_DELETED)
    elif _lacks_funds(transfer, batch):
        batch.fail(transfer, Status.INCOMPLETE, ErrorCode.INSUFFICIENT_FUNDS)
    elif transfer.rail != RailName.SIMULATED:
        batch.complete(transfer)
    elif code := limits.code_for(transfer):
        batch.fail(transfer, Status.ERROR, code)
    else:
        limits.count(transfer)
        batch.hand_to_rail(transfer)


def _lacks_funds(transfer: Transfer, batch: Batch) -> bool:
    if transfer.source_id is None:
        return False
    # An institution that never told a balance decides for itself.
    available_cents = batch.available_cents(transfer.source_id)
    return available_cents is not None and available_cents < transfer.amount_cents


def submit(now: datetime) -> int:
    """Give the rails what they do not have for sure. Not in one transaction: a real rail is a call to somebody else.

    Nothing is locked meanwhile, since a PENDING transfer waits for its rail alone; a crash in between repeats the
    submission, which a rail takes once.
    """
    transfers = list(Transfer.objects.unsubmitted()[:BATCH_SIZE])
    for name, rail in RAILS.items():
        given = [transfer for transfer in transfers if transfer.rail == name]
        if given:
            rail.submit(given, now=now)
    ids = [transfer.id for transfer in transfers]
    return Transfer.objects.filter(id__in=ids, submitted_at=None).update(submitted_at=now) if ids else 0


@transactional
def collect(now: datetime) -> int:
    """Apply what the rails report."""
    reports = [report for rail in RAILS.values() for report in rail.collect(now=now, limit=BATCH_SIZE)]
    if reports:
        apply_reports(reports, now=now)
    return len(reports)


@transactional
def apply_reports(reports: Sequence[Report], *, now: datetime) -> None:
    """Complete, fail or reverse the transfers that the rails report on. A report that is no news changes nothing."""
    by_id = {report.transfer_id: report for report in reports}
    rows = Transfer.objects.filter(id__in=by_id).order_by("id").select_for_update(no_key=True, of=("self",))
    transfers = list(rows)
    batch = Batch(lock_accounts_of(transfers), now=now)
    for transfer in transfers:
        _apply(by_id[transfer.id], transfer, batch)
    batch.write()


def _apply(report: Report, transfer: Transfer, batch: Batch) -> None:
    code = report.code or ErrorCode.PAYMENT_FAILED
    if report.kind is ReportKind.RETURNED:
        if transfer.status == Status.COMPLETE:
            batch.reverse(transfer, code)
    elif transfer.status == Status.PENDING:
        if report.kind is ReportKind.SETTLED:
            batch.complete(transfer)
        else:
            batch.fail(transfer, Status.ERROR, code)


@transactional
def expire_approvals(now: datetime) -> int:
    """Cancel what nobody decided in time, and give it back to the caps."""
    transfers = _claim(Transfer.objects.undecided_since(now - APPROVAL_LIFETIME))
    for transfer in transfers:
        transfer.decide(status=Status.CANCELLED, by="expired undecided", at=now)
    give_back(transfers)
    return len(transfers)


def give_back(transfers: Sequence[Transfer]) -> None:
    """Return the transfers' amounts to the caps they were counted by."""
    add_spent(
        Spend(transfer.spend_id, transfer.created_at, -transfer.amount_cents)
        for transfer in transfers
        if transfer.spend_id is not None
    )


def _claim(due: "QuerySet[Transfer]") -> list[Transfer]:
    """Lock one batch of due rows; what another worker holds is that worker's."""
    return list(due.select_for_update(skip_locked=True, no_key=True, of=("self",))[:BATCH_SIZE])


SWEEPS = (expire_approvals, accept, submit, collect)
