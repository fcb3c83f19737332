"""Wake-up of the workers: a NOTIFY after the commit that made work. Rows are the truth; this only saves a wait.

It is a statement of its own because a NOTIFY inside a transaction holds PostgreSQL's one lock on the queue of
notifications until the commit is on the disk: all commits of the installation would go one after another, and no two
of them could share a flush. https://www.postgresql.org/docs/current/sql-notify.html
"""

import time

from django.db import OperationalError, connection, transaction

CHANNEL = "sequence_work"
# One wake-up stands for all commits of a process that follow it within this time: workers look again after LINGER.
QUIET_SECONDS = 0.002
# So long a worker that was woken and found nothing waits before it looks once more; longer than QUIET_SECONDS.
LINGER_SECONDS = 0.01

_last_sent = float("-inf")


def wake_workers() -> None:
    """Wake the workers as soon as the current transaction has committed; a wake-up that fails is logged, not raised."""
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
    """Let the current connection hear wake-ups from here on."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def wait_for_wakeup(seconds: float) -> bool:
    """Return when the workers are woken, or after the time; whether it was heard."""
    raw = connection.connection
    if raw is None:
        raise OperationalError("the connection is closed")
    return any(True for _ in raw.notifies(timeout=seconds, stop_after=1))
