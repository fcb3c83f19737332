"""An ACH-like rail that is not one: it settles after a while, and fails or returns payments when told to."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from sequence.core.sweeps import swept_organization
from transfers.models import ErrorCode, Outcome, SimulatedMark, SimulatedPayment, Transfer
from transfers.rails.base import End, OutsideRail, Report, ReportKind


class SimulatedRail(OutsideRail):
    """Keeps its payments in a table that stands for the institution outside."""

    name = "simulated"
    label = "Simulated ACH"
    has_ach_limits = True

    def carries(self, source: End, destination: End) -> bool:
        return source.is_external != destination.is_external

    def submit(self, transfers: Sequence[Transfer], *, now: datetime) -> None:
        ends = [account_id for transfer in transfers for account_id in (transfer.source_id, transfer.destination_id)]
        marks = {mark.account_id: mark for mark in SimulatedMark.objects.filter(account_id__in=ends)}
        settles_at = now + timedelta(seconds=settings.SIMULATED_RAIL_DELAY_SECONDS)
        payments = [
            _payment(
                transfer, marks.get(transfer.destination_id or "") or marks.get(transfer.source_id or ""), settles_at
            )
            for transfer in transfers
        ]
        SimulatedPayment.objects.bulk_create(payments, ignore_conflicts=True)
        # One that was told beforehand how to end has no time yet.
        told = SimulatedPayment.objects.filter(transfer_id__in=[payment.transfer_id for payment in payments])
        told.filter(settles_at=None).update(settles_at=settles_at)

    def collect(self, *, now: datetime, limit: int, except_for: Collection[str] = ()) -> list[Report]:
        settles = Q(settled_at=None, settles_at__lte=now)
        returns = Q(settled_at__isnull=False, returned_at=None, returns_at__lte=now)
        due = SimulatedPayment.objects.filter(settles | returns).order_by("transfer_id")
        if organization_id := swept_organization():
            due = due.filter(transfer_id__in=Transfer.objects.of(organization_id).values("id"))
        if except_for:
            due = due.exclude(transfer_id__in=except_for)
        payments = list(due.select_for_update(skip_locked=True)[:limit])
        reports = [_report(payment, now) for payment in payments]
        SimulatedPayment.objects.bulk_update(payments, ["settled_at", "returns_at", "returned_at"])
        return reports


def _payment(transfer: Transfer, mark: SimulatedMark | None, settles_at: datetime) -> SimulatedPayment:
    payment = SimulatedPayment(transfer_id=transfer.id, settles_at=settles_at)
    if mark is not None and mark.fail_code:
        payment.outcome, payment.fail_code = Outcome.FAIL, mark.fail_code
    elif mark is not None and mark.return_code:
        payment.return_code, payment.return_delay_seconds = mark.return_code, mark.return_delay_seconds
    return payment


def _report(payment: SimulatedPayment, now: datetime) -> Report:
    """Tell the payment's next news, and note on it that they are told."""
    if payment.settled_at is not None:
        payment.returned_at = now
        return Report(payment.transfer_id, ReportKind.RETURNED, ErrorCode(payment.return_code or ""))
    payment.end(now)
    if payment.outcome == Outcome.FAIL:
        return Report(payment.transfer_id, ReportKind.FAILED, ErrorCode(payment.fail_code or ""))
    return Report(payment.transfer_id, ReportKind.SETTLED)
