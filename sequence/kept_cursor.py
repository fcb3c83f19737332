"""Cursor that is kept from one statement to the next, for statements that every request pays for.

A new one costs Python as much again as sending the statement does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

Row = tuple[Any, ...]


def fetch(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
    """Return the rows that the statement answers, all of them, so that the cursor is free for the next."""
    cursor = _cursor()
    cursor.execute(statement, values)
    return cursor.fetchall() if cursor.description else []


def _cursor() -> CursorWrapper:
    """Return the cursor of the connection that this thread has now."""
    kept: CursorWrapper | None = getattr(connection, "kept_cursor", None)
    # Whoever looks on at the statements (a test, DEBUG) is served by a cursor that reports them.
    if kept is None or connection.queries_logged or kept.cursor.connection is not connection.connection:
        kept = connection.cursor()
        if not connection.queries_logged:
            connection.kept_cursor = kept  # type: ignore[attr-defined]
    return kept
