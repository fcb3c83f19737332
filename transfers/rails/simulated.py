"""An ACH-like rail that is not one: it settles after a while, and fails or returns payments when told to."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from sequence.core.api.ids import show_id
from sequence.core.database.ordered_update import update_in_id_order
from sequence.core.database.owned import within
from transfers.models import ErrorCode, Outcome, SimulatedMark, SimulatedPayment, Transfer
from transfers.rails.base import End, OutsideRail, Report, ReportKind
from transfers.sql.sweeps import SimulatedNews, tell_simulated_news


class SimulatedRail(OutsideRail):
    """Keeps its payments in a table that stands for the institution outside."""

    name = "simulated"
    label = "Simulated ACH"
    has_ach_limits = True

    def carries(self, source: End, destination: End) -> bool:
        return source.is_external != destination.is_external

    def submit(self, transfers: Sequence[Transfer], *, now: datetime) -> None:
        ends = [account_id for transfer in transfers for account_id in (transfer.source_id, transfer.destination_id)]
        owners = {transfer.organization_id for transfer in transfers}
        known = within(SimulatedMark.objects.all(), owners).filter(account_id__in=ends)
        marks = {mark.account_id: mark for mark in known}
        settles_at = now + timedelta(seconds=settings.SIMULATED_RAIL_DELAY_SECONDS)
        payments = [
            _payment(
                transfer, marks.get(transfer.destination_id or "") or marks.get(transfer.source_id or ""), settles_at
            )
            for transfer in sorted(transfers, key=lambda transfer: transfer.id)
        ]
        SimulatedPayment.objects.bulk_create(payments, ignore_conflicts=True)
        # One that was told beforehand how to end has no time yet.
        own = within(SimulatedPayment.objects.all(), owners)
        told = own.filter(transfer_id__in=[payment.transfer_id for payment in payments])
        update_in_id_order(told.filter(settles_at=None), settles_at=settles_at)

    def rows_with_news(self, at: datetime) -> "QuerySet[SimulatedPayment]":
        return SimulatedPayment.objects.with_news(at)

    def collect(self, *, now: datetime, limit: int, except_for: Collection[str] = ()) -> list[Report]:
        return [_report(news) for news in tell_simulated_news(now, limit=limit, except_for=except_for)]


def _payment(transfer: Transfer, mark: SimulatedMark | None, settles_at: datetime) -> SimulatedPayment:
    payment = SimulatedPayment(organization_id=transfer.organization_id, transfer_id=transfer.id, settles_at=settles_at)
    if mark is not None and mark.fail_code:
        payment.outcome, payment.fail_code = Outcome.FAIL, mark.fail_code
    elif mark is not None and mark.return_code:
        payment.return_code, payment.return_delay_seconds = mark.return_code, mark.return_delay_seconds
    return payment


def _report(news: SimulatedNews) -> Report:
    id = show_id("txr", news.transfer_id)
    if news.comes_back:
        return Report(id, ReportKind.RETURNED, ErrorCode(news.return_code or ""))
    if news.outcome == Outcome.FAIL:
        return Report(id, ReportKind.FAILED, ErrorCode(news.fail_code or ""))
    return Report(id, ReportKind.SETTLED)
