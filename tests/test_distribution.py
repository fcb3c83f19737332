"""Distribution over many machines: what Citus would demand of each table, held against what it is to be.

A distributed table has its organization, in every primary or unique key and in every foreign key to another one:
https://docs.citusdata.com/en/stable/develop/reference_ddl.html. ``sequence.distribution`` names each table, and prints
what primary keys still want; a new table or key fails here until it stands there.
"""

import re
from collections.abc import Collection

import pytest
from django.db import connection

from sequence.distribution import DISTRIBUTED, NOT_DISTRIBUTED, Key, Kind, kind_of
from sequence.local.launch.install import ROOT

PAGE = ROOT / "docs" / "scaling.md"
ROW = re.compile(r"^\| `(?P<table>\w+)` \| (?P<kind>\w+) \| (?P<why>.*) \|$", re.MULTILINE)
# Besides its primary key. What ON CONFLICT names is not among it: it is the same before and after.
LACKING: dict[str, list[str]] = {
    "apikeys_apikey": ["unique digest", "unique replaces_id"],
    "apikeys_spentpair": ["unique spend_id"],
    "cards_card": ["unique account_id, id"],
    "cards_cardtransaction": [
        "unique card_id, id",
        "unique entry_set_id",
        "foreign account_id, card_id",
        "foreign card_id, purchase_id",
    ],
    "transfers_balancemark": ["foreign posting_id"],
    "transfers_entryset": ["unique kind, transfer_id"],
    "transfers_suspenseitem": ["unique entry_set_id", "unique posting_id", "foreign posting_id"],
}

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


def what_is_lacking(tables: Collection[str]) -> dict[str, list[str]]:
    """Return what each of the tables, which are to be distributed, has to be given before it can be."""
    lacking: dict[str, list[str]] = {table: [] for table in tables}
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
    def test_is_to_be_something(self):
        assert DISTRIBUTED | NOT_DISTRIBUTED.keys() == {table for table, _ in ask(TABLES)}
        assert not DISTRIBUTED & NOT_DISTRIBUTED.keys()

    def test_that_has_an_organization_is_distributed(self):
        assert {table for table, has_organization in ask(TABLES) if has_organization} == DISTRIBUTED

    def test_that_is_distributed_lacks_what_stands_here_and_no_more(self):
        lacking = {table: words for table, words in what_is_lacking(DISTRIBUTED).items() if words}
        lacking = {table: [key for key in keys if not key.startswith("primary ")] for table, keys in lacking.items()}

        assert {table: keys for table, keys in lacking.items() if keys} == LACKING

    def test_that_is_distributed_points_to_no_local_one(self):
        pointing = [(kind_of(table), kind_of(other)) for table, other, _ in ask(FOREIGN_KEYS)]

        assert (Kind.DISTRIBUTED, Kind.LOCAL) not in pointing

    def test_that_is_none_of_an_organization_points_to_nothing_of_one(self):
        """A reference table may be pointed to from everywhere, and may itself point to nothing that is distributed."""
        wrong = [
            (table, other)
            for table, other, _ in ask(FOREIGN_KEYS)
            if kind_of(table) is not Kind.DISTRIBUTED and kind_of(other) is Kind.DISTRIBUTED
        ]

        assert wrong == []


class TestThePage:
    def test_says_what_is_not_distributed_and_why(self):
        rows = {row["table"]: (row["kind"], row["why"]) for row in ROW.finditer(PAGE.read_text())}

        assert rows == {table: (kind.value, why) for table, (kind, why) in NOT_DISTRIBUTED.items()}


class TestAKey:
    def test_that_is_an_index_alone_is_made_anew_with_the_organization_and_its_condition(self):
        as_index = "CREATE UNIQUE INDEX once ON public.t USING btree (lower(name), id DESC) INCLUDE (b) WHERE (c > 0)"
        key = Key("t", "once", None, as_index, None, ["lower(name)", "id"])

        assert key.drop == "DROP INDEX once"
        assert key.widened == as_index.replace("id DESC)", "id DESC, organization_id)")
