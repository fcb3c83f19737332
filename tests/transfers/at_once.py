"""Doing things at the same moment, each on a database connection of its own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import Any

from django.db import connection, connections, transaction

# Long enough for a busy machine; only a failing test ever waits for it.
PATIENCE_SECONDS = 120


def at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Return what each of the works returned, or the exception that it raised."""
    works = list(works)
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(PATIENCE_SECONDS)
            return work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@contextmanager
def held_by_somebody_else(lock: Callable[[], Any]):
    """Do ``lock`` in the open transaction of another connection, for as long as the block lasts."""
    is_locked, may_end = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock()
                is_locked.set()
                may_end.wait(PATIENCE_SECONDS)
        finally:
            is_locked.set()
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        is_locked.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            may_end.set()
            holding.result(PATIENCE_SECONDS)


def deadlocks() -> int:
    """Return how many deadlocks PostgreSQL has broken here, as far as closed connections have told it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]
