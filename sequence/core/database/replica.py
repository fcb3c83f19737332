"""Replica: a server that follows the one that writes, for readers that can bear to be late, and for exports.

How late it is, it is asked before each reading, never guessed. Whatever is wrong with it (it is away, too late, or has
become a server that writes), the one that writes is read instead: nobody is refused for want of a replica.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections

from sequence.core.database.availability import close_if_dead, reason_of
from sequence.core.typing import Rows

log = structlog.get_logger("sequence.replica")

ALIAS = "replica"

# One that did not answer is left alone for so long: each look at it may cost as much as connecting may take.
REST_SECONDS = 10.0
# An export waits so long for the replica to have what the other server had when it was asked for.
PATIENCE_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.05

# Up to where the log was written, and when; what is visible there is before it.
_WHERE_IT_IS = "SELECT pg_current_wal_insert_lsn()::text, now()"
# Whether it follows, whether it has all of that, and how old the newest is that it has: by the other server's clock.
_HOW_LATE = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn,
    extract(epoch FROM %s::timestamptz - pg_last_xact_replay_timestamp())::float8
"""


@dataclass
class Reading:
    """What a reader allows, in seconds, and how late what it got may have been: None where it came from the server
    that writes."""

    bears_seconds: float
    was_late_seconds: float | None = None


_reading: ContextVar[Reading | None] = ContextVar("reading_from_replica", default=None)
_rests_until = 0.0


@contextmanager
def bearing(seconds: float | None) -> Iterator[Reading | None]:
    """Let what is read inside by ``read`` be as late as that; None lets nothing."""
    reading = None if seconds is None else Reading(seconds)
    token = _reading.set(reading)
    try:
        yield reading
    finally:
        _reading.reset(token)


def read(rows: Rows) -> list[Any]:
    """Return the rows, from the replica where the reader can bear how late it is."""
    reading = _reading.get()
    late = None if reading is None else _lateness(*_now())
    if reading is None or late is None or late > reading.bears_seconds:
        return list(rows)
    try:
        found = list(rows.using(ALIAS))
    except Error as error:  # Whatever it is: a query of ours that is wrong fails there as well.
        _leave_alone(error)
        return list(rows)
    reading.was_late_seconds = max(late, reading.was_late_seconds or 0.0)
    return found


def up_to_date() -> str:
    """Return the alias of a server that has all that was committed until now: the replica if it soon has."""
    if not is_there():
        return DEFAULT_DB_ALIAS
    place, now = _now()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (late := _lateness(place, now)) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    return ALIAS if late == 0 else DEFAULT_DB_ALIAS


def is_there() -> bool:
    """Say whether there is one to be asked."""
    return ALIAS in settings.DATABASES and time.monotonic() >= _rests_until


def _now() -> tuple[str, datetime | None]:
    """Return where the server that writes is; nothing of use where there is no replica to hold against it."""
    if not is_there():
        return "", None
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_WHERE_IT_IS)
        place, now = cursor.fetchone()
    return place, now


def _lateness(place: str, now: datetime | None) -> float | None:
    """Return how many seconds late the replica is at most; None where it cannot be read."""
    if not is_there():
        return None
    try:
        close_if_dead(connections[ALIAS])
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_HOW_LATE, [place, now])
            follows, has_all, seconds = cursor.fetchone()
    except (OperationalError, InterfaceError) as error:
        _leave_alone(error)
        return None
    if not follows:
        return None  # It was promoted, or never was one: what it has may be nobody's truth.
    return 0.0 if has_all else seconds


def _leave_alone(error: Exception) -> None:
    global _rests_until
    log.warning("replica_unreachable", reason=reason_of(error))
    _rests_until = time.monotonic() + REST_SECONDS
    connections[ALIAS].close()
