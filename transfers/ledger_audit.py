"""Ledger audit: runs the invariants and keeps what they found; once a day a worker does it by itself."""

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from sequence.core import clock
from transfers.ledger_invariants import count_checks, find_faults
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
    return 0 if _is_checked(now) else _check_alone(now)


@transaction.atomic
def _check_alone(now: datetime) -> int:
    """Check, unless another worker is at it. The lock ends with the transaction, behind a pooler too."""
    with connection.cursor() as cursor:
        if not connection.savepoint_ids:  # PostgreSQL takes it only as the first word of a transaction.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        [is_mine] = cursor.fetchone()
    if not is_mine or _is_checked(now):
        return 0
    LedgerCheck.objects.filter(started_at__lt=now - KEPT).delete()
    return check_ledger(by="worker").checks


def _is_checked(now: datetime) -> bool:
    return LedgerCheck.objects.filter(started_at__gt=now - EVERY, started_at__lte=now).exists()
