"""Gauges of transfers and of the ledger that proves them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min

from sequence.core.gauges import Gauge, seconds_since
from transfers.models import UNDER_WAY, LedgerCheck, Status, Transfer

RECENT = timedelta(hours=1)


def transfer_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield what is under way and how long it has waited, and what became of the last hour's."""
    counts = Transfer.objects.under_way().order_by().values("status").annotate(number=Count("id"))
    found = {row["status"]: row["number"] for row in counts}
    yield Gauge(
        "transfers_under_way",
        "Transfers that may still move money.",
        {status: found.get(status, 0) for status in UNDER_WAY},
        label="status",
    )
    # What waits for its day or its person is late for nobody.
    due = Transfer.objects.accepted().due(now).order_by().aggregate(oldest=Min("created_at"))
    oldest = {"": seconds_since(due["oldest"], now)}
    yield Gauge("transfers_oldest_due_seconds", "How long the oldest one that is due waits for a worker.", oldest)
    recent = now - RECENT
    completed = Transfer.objects.filter(completed_at__gt=recent, status=Status.COMPLETE).count()
    yield Gauge("transfers_completed_last_hour", "Transfers that completed within an hour.", {"": completed})
    failed = Transfer.objects.failed_since(recent).count()
    yield Gauge("transfers_failed_last_hour", "Transfers that failed or came back within an hour.", {"": failed})
    stalled = Transfer.objects.filter(stalled_at__isnull=False).count()
    yield Gauge("transfers_stalled", "Transfers that a worker broke on.", {"": stalled})


def ledger_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield when the ledger was last checked, and what was found; nothing before the first check."""
    check = LedgerCheck.objects.order_by("-started_at").first()
    if check is not None:
        yield Gauge(
            "ledger_check_age_seconds",
            "Since the last check of the ledger.",
            {"": seconds_since(check.started_at, now)},
        )
        yield Gauge("ledger_faults", "Faults that the last check found; 0 is right.", {"": len(check.faults)})
