# ruff: noqa: S608 - the attacks
"""Statements that go past the code, to see what PostgreSQL says of them."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from sequence.core.api.ids import parse_id
from transfers.models import EntrySet, Transfer

# What a transfer was asked to be.
ASKED = [
    *("id", "organization_id", "amount_cents", "direction", "origin", "description", "source_id", "destination_id"),
    *("rail", "rule_id", "rule_execution_id", "api_key_id", "request_id", "created_at"),
]


Statement = tuple[str, list]


def commit(*statements: Statement) -> None:
    """Run the statements, and the checks that PostgreSQL makes when they commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refusal(*statements: Statement) -> str:
    """Return the words with which PostgreSQL refuses the statements, at the latest when they would commit."""
    with pytest.raises(DatabaseError) as refused:
        commit(*statements)
    return str(refused.value)


def copy_of(transfer: Transfer, **other: object) -> Statement:
    """Return an INSERT of a transfer like the one, but for some columns."""
    columns = [*ASKED[1:], "status", "updated_at"]
    values = ", ".join("%s" if column in other else column for column in columns)
    sql = (
        f"INSERT INTO transfers_transfer (id, {', '.join(columns)})"
        f" SELECT gen_random_uuid(), {values} FROM transfers_transfer WHERE id = %s"
    )
    return sql, [*(other[column] for column in columns if column in other), uuid_of(transfer)]


def postings_of(entry_set: EntrySet, organization, *legs) -> Statement:
    """Return one INSERT of a posting for each leg: the account, the clearing account, and the cents."""
    sql = (
        "INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, clearing, amount_cents, posted_at)"
        " VALUES " + ", ".join(["(%s, %s, %s, %s, %s, now())"] * len(legs))
    )
    rows = [
        (uuid_of(organization), entry_set.id, account and uuid_of(account), clearing, cents)
        for account, clearing, cents in legs
    ]
    return sql, [value for row in rows for value in row]


def uuid_of(row) -> uuid.UUID:
    return parse_id(row.pk.partition("_")[0], row.pk)
