"""Naming: whether a statement says to which organization the rows belong that it reads or writes.

PostgreSQL itself is asked, by EXPLAIN: what a statement says of a table stands in the conditions of the table's scans,
also what follows from its joins. What it inserts must have the column.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from sequence.core.api.ids import parse_id
from sequence.core.sweeps import swept_organization

# Where a plan tells what a scan looks for.
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
STATEMENT = re.compile(r"\s*\(?(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
INSERT = re.compile(r'INSERT INTO "?(?P<table>\w+)"?(?: AS \w+)?\s*\((?P<columns>[^)]*)\)', re.IGNORECASE)
# In which PostgreSQL may read or join besides looking rows up one by one.
OTHER_WAYS = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")
# By itself, or as that of the row beside which it is looked for, which is then judged itself.
NAMED = r"\borganization_id = (?:'{0}'::uuid|ANY \('\{{{0}\}}'::uuid\[\]\)|\w+\.organization_id)"


class Unnamed(NamedTuple):
    """A statement that reaches rows of a table by something else than their organization."""

    table: str
    statement: str


@dataclass
class Statements:
    """What was executed: how many, which reached a table unnamed, and which named somebody else."""

    organization_id: str
    others: Collection[str]
    tables: Collection[str]
    seen: int = 0
    unnamed: list[Unnamed] = field(default_factory=list)
    of_others: list[str] = field(default_factory=list)
    nobodys: list[str] = field(default_factory=list)
    _is_explaining: bool = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Look at the statement, then execute it: a wrapper of Django's."""
        if STATEMENT.match(sql) and not self._is_explaining:
            self._is_explaining = True
            try:
                self._look(sql, params[0] if many else params)
            finally:
                self._is_explaining = False
        return execute(sql, params, many, context)

    def _look(self, sql: str, params: Any) -> None:
        self.seen += 1
        with connection.cursor() as cursor:
            # A plan that tells what a join says at the scans themselves, however few rows there are.
            for way in OTHER_WAYS:
                cursor.execute(f"SET LOCAL {way} = off")
            cursor.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {sql}", params)
            [[[told]]] = cursor.fetchall()
            for way in OTHER_WAYS:
                cursor.execute(f"SET LOCAL {way} = on")
        text = " ".join(sql.split())
        if any(str(parse_id("org", other)) in str(told) for other in self.others):
            self.of_others.append(text)
        inserts = {found["table"] for found in INSERT.finditer(sql) if "organization_id" in found["columns"]}
        named = re.compile(NAMED.format(parse_id("org", self.organization_id)))
        for node in nodes(told["Plan"]):
            if node.get("Relation Name") in self.tables and not _is_named(node, named, inserts):
                self.unnamed.append(Unnamed(node["Relation Name"], text))


def _is_named(node: dict[str, Any], named: re.Pattern[str], inserts: set[str]) -> bool:
    if node["Node Type"] == "ModifyTable":  # What it changes or deletes, a scan below has found.
        return node["Operation"] != "Insert" or node["Relation Name"] in inserts
    said = [str(told.get(name)) for told in _with_bitmaps(node) for name in CONDITIONS]
    return any(named.search(condition) for condition in said)


def _with_bitmaps(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        if child["Node Type"].startswith("Bitmap"):
            yield from _with_bitmaps(child)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@contextmanager
def looking(statements: Statements) -> Iterator[Statements]:
    """Look at what this thread executes inside."""
    with connection.execute_wrapper(statements):
        yield statements


@contextmanager
def looking_at_each(said: Sequence[Statements]) -> Iterator[None]:
    """Look at what this thread executes inside, each for the organization that it works for or names, if it is one."""

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        owners = [each for each in said if each.organization_id == swept_organization()]
        if not owners:
            text = f"{sql} {params}"
            owners = [each for each in said if str(parse_id("org", each.organization_id)) in text]
        if len(owners) == 1:
            return owners[0](execute, sql, params, many, context)
        for each in said if STATEMENT.match(sql) else ():
            each.nobodys.append(" ".join(sql.split()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield
