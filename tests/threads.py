"""Doing things at the same moment, each on a database connection of its own."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import Any

from django.db import connection, connections, transaction

# Long enough for a busy machine; only a failing test ever waits for it.
PATIENCE_SECONDS = 120


class Crew:
    """Some threads that keep their connections from one round to the next and close them at the end."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPoolExecutor(size)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.all_at_once(connections.close_all)
        self.pool.shutdown()

    def all_at_once(self, work: Callable[[], Any]) -> list[Any]:
        """Return what ``work`` returned in each thread, or the exception that it raised there."""
        return self.at_once(*[work] * self.size)

    def at_once(self, *works: Callable[[], Any]) -> list[Any]:
        """Return what each of the ``works`` returned or raised, one for each thread of the crew."""
        start = Barrier(self.size)

        def run(work: Callable[[], Any]) -> Any:
            start.wait(PATIENCE_SECONDS)
            try:
                return work()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                return error

        futures = [self.pool.submit(run, work) for work in works]
        return [future.result(PATIENCE_SECONDS) for future in futures]


@contextmanager
def in_background(work: Callable[[], Any]):
    """Run ``work`` in a thread of its own and give its future."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future: Future[Any] = pool.submit(run)
        yield future
        future.result(PATIENCE_SECONDS)


@contextmanager
def in_open_transaction(work: Callable[[], Any]):
    """Do ``work`` in another connection, and commit only when the block ends."""
    is_done, may_commit = Event(), Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                is_done.set()
                may_commit.wait(PATIENCE_SECONDS)
        finally:
            is_done.set()

    with in_background(run):
        is_done.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            may_commit.set()


def wait_until_somebody_waits_for_a_lock(*, count: int = 1) -> None:
    """Return once ``count`` other connections of this database wait for a lock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                # What others wait for in pg_stat_activity is not for the application's role to see.
                "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE NOT granted AND datname = current_database()"
            )
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.005)
    raise AssertionError(f"Fewer than {count} connections came to wait for a lock.")
