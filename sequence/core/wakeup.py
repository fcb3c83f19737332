"""Wake-up of the workers: a NOTIFY after the commit that made work. Rows are the truth; this only saves a wait.

It is a statement of its own because a NOTIFY inside a transaction holds PostgreSQL's one lock on the queue of
notifications until the commit is on the disk: all commits of the installation would go one after another, and no two
of them could share a flush. https://www.postgresql.org/docs/current/sql-notify.html
"""

import time

import structlog
from django.conf import settings
from django.db import Error, OperationalError, connection, transaction

from sequence.core.database.availability import is_away, reason_of

log = structlog.get_logger("sequence.core.wakeup")

CHANNEL = "sequence_work"
# One wake-up stands for all commits of a process that follow it within this time: workers look again after LINGER.
QUIET_SECONDS = 0.002
# So long a worker that was woken and found nothing waits before it looks once more; longer than QUIET_SECONDS.
LINGER_SECONDS = 0.01

_last_sent = float("-inf")


def wake_workers() -> None:
    """Wake the workers as soon as the current transaction has committed; a wake-up that fails is logged, not raised.

    Once for a transaction, however often it is asked for.
    """
    # One that was asked for within a savepoint which was undone is no longer among them: Django takes it out.
    if not any(asked[1] is _notify for asked in connection.run_on_commit):
        transaction.on_commit(_notify, robust=True)


def _notify() -> None:
    global _last_sent
    now = time.monotonic()
    if now - _last_sent < QUIET_SECONDS:
        return
    _last_sent = now
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def listen() -> None:
    """Let the current connection hear wake-ups from here on, if it can. One that stays deaf costs the wait alone.

    A pooler lends the server's connections from transaction to transaction: one that listens would stay behind, and
    wake whoever has it next.
    """
    if settings.DATABASE_CONNECTIONS_ARE_SHARED:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
    except Error as error:
        if is_away(error):
            raise
        log.warning("wake_ups_are_not_heard", reason=reason_of(error))


def wait_for_wakeup(seconds: float) -> bool:
    """Return when the workers are woken, or after the time; whether it was heard."""
    raw = connection.connection
    if raw is None:
        raise OperationalError("the connection is closed")
    return any(True for _ in raw.notifies(timeout=seconds, stop_after=1))
