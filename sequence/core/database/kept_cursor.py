"""Cursor that is kept from one statement to the next, for statements that every request pays for.

A new one costs Python as much again as sending the statement does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


def fetch(statement: str, values: Values) -> list[Row]:
    """Return the rows that the statement answers, all of them, so that the cursor is free for the next."""
    cursor = _cursor()
    cursor.execute(statement, values)
    return cursor.fetchall()


def run(statement: str, values: Values) -> None:
    """Run a statement that answers no rows."""
    _cursor().execute(statement, values)


def _cursor() -> CursorWrapper:
    """Return the cursor of the connection that this thread has now."""
    # Looked up once: each look through django.db.connection costs as much as a function of ours.
    connection: Any = connections[DEFAULT_DB_ALIAS]
    kept: CursorWrapper | None = getattr(connection, "kept_cursor", None)
    # Whoever looks on at the statements (a test, DEBUG) is served by a cursor that reports them.
    if connection.queries_logged:
        return connection.cursor()
    if kept is None or kept.cursor.connection is not connection.connection:
        kept = connection.kept_cursor = connection.cursor()
    return kept
