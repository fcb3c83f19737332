"""Tampering for tests: what only somebody who owns the tables could do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.roles import by_owner


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    """Let statements on the tables past every trigger, ours and the library's."""
    with by_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
