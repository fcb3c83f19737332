"""Distribution over many machines: what Citus would demand of each table, held against the table in docs/scaling.md.

A distributed table has its organization, in every primary or unique key and in every foreign key to another one:
https://docs.citusdata.com/en/stable/develop/reference_ddl.html. The page names each table, what it is to be, and
all that a migration to it still has to change; a new table or key fails here until it stands there.
"""

import re

import pytest
from django.db import connection

from sequence.local.launch.install import ROOT

PAGE = ROOT / "docs" / "scaling.md"
KINDS = {"distributed", "reference", "local"}
ROW = re.compile(r"^\| `(?P<table>\w+)` \| (?P<kind>\w+) \| (?P<lacking>.*) \|$", re.MULTILINE)

TABLES = """
SELECT relname, EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = pg_class.oid AND attname = 'organization_id' AND attnotnull AND NOT attisdropped
)
FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""
# Unique indexes are those of keys and those that stand alone. A key column is none that is only INCLUDEd.
KEYS = """
SELECT indrelid::regclass::text, indisprimary, array_agg(attname::text ORDER BY attname) FROM pg_index
JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = 'public'::regnamespace
JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY((indkey::int[])[0:indnkeyatts - 1])
WHERE indisunique GROUP BY indexrelid, indrelid, indisprimary
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, confrelid::regclass::text, (
    SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute
    WHERE attrelid = conrelid AND attnum = ANY(conkey)
)
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""


def ask(question: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


@pytest.fixture
def page() -> dict[str, tuple[str, str]]:
    """What the page says of each table: its kind, and what it lacks."""
    return {row["table"]: (row["kind"], row["lacking"]) for row in ROW.finditer(PAGE.read_text())}


def what_is_lacking(kinds: dict[str, str]) -> dict[str, list[str]]:
    """Return what each table that is to be distributed has to be given before it can be."""
    lacking: dict[str, list[str]] = {table: [] for table, kind in kinds.items() if kind == "distributed"}
    for table, has_organization in ask(TABLES):
        if table in lacking and not has_organization:
            lacking[table].append("the column, not null")
    for table, is_primary, columns in sorted(ask(KEYS), key=lambda key: (not key[1], key[2])):
        if table in lacking and "organization_id" not in columns:
            lacking[table].append(f"{'primary' if is_primary else 'unique'} {', '.join(columns)}")
    for table, other, columns in sorted(ask(FOREIGN_KEYS)):
        if table in lacking and other in lacking and "organization_id" not in columns:
            lacking[table].append(f"foreign {', '.join(columns)}")
    return lacking


@pytest.mark.django_db
class TestEveryTable:
    def test_stands_on_the_page_with_what_it_is_to_be(self, page):
        assert page.keys() == {table for table, _ in ask(TABLES)}
        assert {kind for kind, _ in page.values()} <= KINDS

    def test_that_has_an_organization_is_distributed(self, page):
        owned = {table for table, has_organization in ask(TABLES) if has_organization}

        assert owned <= {table for table, (kind, _) in page.items() if kind == "distributed"}

    def test_that_is_distributed_lacks_what_the_page_says_and_no_more(self, page):
        lacking = what_is_lacking({table: kind for table, (kind, _) in page.items()})

        said = {table: words for table, (kind, words) in page.items() if kind == "distributed"}
        assert said == {table: "; ".join(items) or "nothing" for table, items in lacking.items()}

    def test_that_is_not_distributed_says_why(self, page):
        assert all(why.strip() for _, why in page.values())

    def test_that_is_distributed_points_to_no_local_one(self, page):
        kind_of = {table: kind for table, (kind, _) in page.items()}
        pointing = [(kind_of[table], kind_of[other]) for table, other, _ in ask(FOREIGN_KEYS)]

        assert ("distributed", "local") not in pointing

    def test_that_is_none_of_an_organization_points_to_nothing_of_one(self, page):
        """A reference table may be pointed to from everywhere, and may itself point to nothing that is distributed."""
        kind_of = {table: kind for table, (kind, _) in page.items()}
        wrong = [
            (table, other)
            for table, other, _ in ask(FOREIGN_KEYS)
            if kind_of[table] != "distributed" and kind_of[other] == "distributed"
        ]

        assert wrong == []
