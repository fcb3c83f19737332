"""Running the checks of the ledger and keeping what they found; once a day a worker does it by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import connection

from sequence.core import clock
from transfers.checks import count_checks, find_faults
from transfers.models import LedgerCheck

log = structlog.get_logger("sequence.ledger")

EVERY = timedelta(days=1)
# A fault that is a day old is still new to somebody; after a quarter nobody asks.
KEPT = timedelta(days=90)
# Any number that no other advisory lock of the project has.
_LOCK = 7_314_001


def check_ledger(*, by: str) -> LedgerCheck:
    """Run all checks now and return what they found, which is kept."""
    started_at = clock.now()
    faults = [vars(fault) for fault in find_faults()]
    if faults:
        log.error("ledger_is_wrong", faults=len(faults), first=faults[0])
    return LedgerCheck.objects.create(
        started_at=started_at, finished_at=clock.now(), by=by, checks=count_checks(), faults=faults
    )


def check_ledger_daily(now: datetime) -> int:
    """Check the ledger if nobody did within a day; return how many checks of it ran. One worker does it."""
    if _is_checked(now):
        return 0
    with _only_one() as is_mine:
        if not is_mine or _is_checked(now):
            return 0
        LedgerCheck.objects.filter(started_at__lt=now - KEPT).delete()
        return check_ledger(by="worker").checks


def _is_checked(now: datetime) -> bool:
    return LedgerCheck.objects.filter(started_at__gt=now - EVERY).exists()


@contextmanager
def _only_one() -> Iterator[bool]:
    """Say whether nobody else is at it. PostgreSQL lets go of the lock when the process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_mine = bool(cursor.fetchone()[0])
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
