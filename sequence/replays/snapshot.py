"""Snapshot of the database: what was committed at one instant, read over a connection of its own, holding no lock."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

# Rows that are held in memory at a time.
BATCH = 1000

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


class Snapshot:
    """Reads by SQL. Every statement sees the same instant."""

    def __init__(self, reading: BaseDatabaseWrapper) -> None:
        self._reading = reading

    def fetch(self, statement: str, values: Values) -> list[Row]:
        """Return all rows."""
        with self._reading.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def stream(self, statement: str, values: Values) -> Iterator[Row]:
        """Yield the rows, which the server keeps and hands out in batches."""
        with self._reading.chunked_cursor() as cursor:
            cursor.execute(statement, values)
            while rows := cursor.fetchmany(BATCH):
                yield from rows


@contextmanager
def open_snapshot() -> Iterator[Snapshot]:
    """Open a snapshot of now and give it up in the end.

    The connection is another one than the process's own, which goes on writing meanwhile: how far the reader is, and
    whatever else a worker does between two pieces.
    """
    reading: BaseDatabaseWrapper = connection.copy()
    try:
        reading.set_autocommit(False)
        with reading.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Snapshot(reading)
    finally:
        reading.close()
