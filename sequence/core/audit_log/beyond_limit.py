"""Calls beyond a key's rate limit: counted while the minute lasts, and one entry when it is over."""

from datetime import datetime, timedelta

from sequence.core.audit_log.models import CallsBeyondLimit, Via
from sequence.core.audit_log.recording import Entry, record_all
from sequence.core.database.kept_cursor import run
from sequence.core.due import due_when
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional
from sequence.core.typing import Rows

BATCH_SIZE = 100
# Whoever was refused in the last instant of a minute is counted a moment later.
GRACE = timedelta(seconds=2)

_COUNT = """
INSERT INTO sequence_callsbeyondlimit AS seen
    (actor, ends_at, calls, organization_id, via, action, method, path, request_id)
VALUES (%s, %s, 1, %s::uuid, %s, %s, %s, %s, %s)
ON CONFLICT (actor, ends_at, organization_id) DO UPDATE SET calls = seen.calls + 1
"""


def count_beyond_limit(entry: Entry, *, ends_at: datetime) -> None:
    """Count a call in the minute that ends at ``ends_at``; the first one stands for all of them."""
    organization = entry.values()[1]
    run(
        _COUNT,
        [
            entry.actor,
            ends_at,
            organization,
            entry.via.value,
            entry.action,
            entry.method,
            entry.path,
            entry.request_id,
        ],
    )


def _over(now: datetime) -> Rows:
    return CallsBeyondLimit.objects.filter(ends_at__lte=now - GRACE)


@due_when(lambda now: [_over(now)])
@transactional
def record_calls_beyond_limit(now: datetime) -> int:
    """Record the minutes that are over, an entry each, and return how many that was."""
    over = swept(_over(now)).order_by("ends_at", "id").select_for_update(skip_locked=True)
    rows = list(over[:BATCH_SIZE])
    record_all([_entry(row) for row in rows])
    CallsBeyondLimit.objects.filter(id__in=[row.id for row in rows]).delete()
    return len(rows)


def _entry(row: CallsBeyondLimit) -> Entry:
    return Entry(
        organization_id=row.organization_id,
        actor=row.actor,
        via=Via(row.via),
        action=row.action,
        method=row.method,
        path=row.path,
        status=429,
        error_code="rate_limit_exceeded",
        is_failure=True,
        request_id=row.request_id,
        reason=f"{row.calls} call{'' if row.calls == 1 else 's'} beyond the rate limit in this minute",
    )
