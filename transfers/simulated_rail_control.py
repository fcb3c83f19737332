"""Telling the simulated rail what to do with one payment, now."""

from collections.abc import Sequence
from datetime import datetime

from sequence.core import clock
from sequence.core.transactions import transactional
from sequence.core.wakeup import wake_workers
from transfers.errors import NotSimulated, TransferNotFound
from transfers.models import ErrorCode, Outcome, SimulatedPayment, Status, Transfer
from transfers.rails import Report, ReportKind, is_simulated
from transfers.settlement import apply_reports


@transactional
def settle_payment(transfer_id: str) -> Transfer:
    """Let the payment settle now, or, if it is not submitted yet, as planned. Raises as ``_lock`` does."""
    payment, transfer = _lock(transfer_id, [Status.PROCESSING, Status.PENDING])
    payment.outcome, payment.fail_code = Outcome.SETTLE, None
    return _end(payment, transfer, Report(transfer.id, ReportKind.SETTLED))


@transactional
def fail_payment(transfer_id: str, code: ErrorCode) -> Transfer:
    """Let the payment fail with ``code`` now, or, if it is not submitted yet, when it would have settled."""
    payment, transfer = _lock(transfer_id, [Status.PROCESSING, Status.PENDING])
    payment.outcome, payment.fail_code = Outcome.FAIL, code
    return _end(payment, transfer, Report(transfer.id, ReportKind.FAILED, code))


@transactional
def return_payment(transfer_id: str, code: ErrorCode) -> Transfer:
    """Let a completed payment come back with ``code`` now; one under way will complete and then come back."""
    payment, transfer = _lock(transfer_id, [Status.PROCESSING, Status.PENDING, Status.COMPLETE])
    payment.outcome, payment.fail_code, payment.return_code = Outcome.SETTLE, None, code
    if transfer.status != Status.COMPLETE:
        payment.save()
        return transfer
    now = clock.now()
    payment.returns_at = payment.returned_at = now
    payment.save()
    return _apply(Report(transfer.id, ReportKind.RETURNED, code), now)


def _lock(transfer_id: str, statuses: Sequence[Status]) -> tuple[SimulatedPayment, Transfer]:
    """Return the payment, made if the rail does not have it yet, and its transfer. The payment is locked first.

    Raises TransferNotFound, and NotSimulated when there is nothing left to tell.
    """
    transfer = Transfer.objects.filter(id=transfer_id).first()
    if transfer is None:
        raise TransferNotFound()
    if not is_simulated(transfer):
        raise NotSimulated(status=transfer.status, rail=transfer.rail, advice="it is not simulated.")
    own = {"organization_id": transfer.organization_id}
    SimulatedPayment.objects.bulk_create([SimulatedPayment(**own, transfer_id=transfer_id)], ignore_conflicts=True)
    payment = SimulatedPayment.objects.select_for_update().get(**own, transfer_id=transfer_id)
    transfer = Transfer.objects.select_for_update(no_key=True).get(**own, id=transfer_id)
    if transfer.status not in statuses:
        wanted = ", ".join(statuses)
        raise NotSimulated(status=transfer.status, rail=transfer.rail, advice=f"it would have to be {wanted}.")
    return payment, transfer


def _end(payment: SimulatedPayment, transfer: Transfer, report: Report) -> Transfer:
    if transfer.status == Status.PROCESSING:
        payment.save()
        return transfer
    now = clock.now()
    payment.settles_at = now
    payment.end(now)
    payment.save()
    return _apply(report, now)


def _apply(report: Report, now: datetime) -> Transfer:
    apply_reports([report], now=now)
    wake_workers()  # What completed may set off rules.
    return Transfer.objects.with_accounts().get(id=report.transfer_id)
