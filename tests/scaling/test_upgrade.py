# ruff: noqa: S608 - names of our own tables
"""The upgrade that names the organization of each row: rows from before get that of what they are about."""

import importlib
import re
from itertools import chain

import pytest
from django.db import connection

from sequence.core.worker import run_once
from transfers.models import ErrorCode, SimulatedMark

UPGRADES = ("rules.migrations.0008_name_the_organization", "transfers.migrations.0008_name_the_organization")
FILL = re.compile(r"ALTER TABLE (\w+) ALTER COLUMN organization_id")


def fills() -> dict[str, list[str]]:
    """Return what the migrations say to fill each table."""
    operations = chain.from_iterable(importlib.import_module(name).Migration.operations for name in UPGRADES)
    texts = [operation.sql for operation in operations if isinstance(getattr(operation, "sql", None), list)]
    return {found[1]: text for text in texts if (found := FILL.match(text[1]))}


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def owners(table: str) -> list[tuple]:
    """Return each row of the table, as it is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT organization_id, row::text FROM {table} row ORDER BY 2")
        return cursor.fetchall()


@pytest.fixture
def old(houses):
    """The tables as the release before left them, with rows of both houses."""
    for house in houses:
        SimulatedMark.objects.create(account=house.bank, fail_code=ErrorCode.PAYMENT_FAILED)
        house.api.post(f"/transfers/{house.ask(house.pod, 1_00)}/cancel", {}, idempotency_key="cancel")
    run_once()
    before = {table: owners(table) for table in fills()}
    execute(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE rules_ruleversion DROP CONSTRAINT rule_version_within_organization CASCADE",
    )
    for table in fills():
        # As no row is updated, guards let it pass.
        drop = f"ALTER TABLE {table} ALTER COLUMN organization_id DROP NOT NULL"
        execute(drop, f"ALTER TABLE {table} ALTER COLUMN organization_id TYPE uuid USING NULL")
        assert {owner for owner, _ in owners(table)} == {None}
    return before


@pytest.mark.django_db
@pytest.mark.as_owner
def test_rows_from_before_are_of_whom_they_are_about(old):
    for statements in fills().values():
        execute(*statements)

    assert len(old) == 7
    for table, rows in old.items():
        assert owners(table) == rows, table
        assert len({owner for owner, _ in rows}) == 2, table
