"""Plans: which rows PostgreSQL read of a table to answer a statement, and along which index."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection


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
