"""Plans: which rows PostgreSQL read of a table to answer a statement, and along which index."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from tests.roles import by_owner


def scans_of(table: str, statement: str) -> list[tuple[str | None, float]]:
    """Return each way in which the table was read: the index, and how many rows in all, with those thrown away."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        [[plan]] = cursor.fetchall()
    [top] = json.loads(plan) if isinstance(plan, str) else plan
    return [
        (node.get("Index Name"), (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in _nodes(top["Plan"])
        if node.get("Relation Name") == table
    ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def read_postings_by_their_account() -> None:
    """Let the rest of the test's transaction read postings by the index of their accounts.

    So few rows as a test has lie on a page or two, which PostgreSQL would rather read in any other way.
    """
    with by_owner(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX posting_list")
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'transfers_posting'"
            " AND indexdef LIKE '%(organization_id)'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
