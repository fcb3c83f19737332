# ruff: noqa: S608 - the attacks
"""No index and no foreign key says what another one says, for each write pays for it; and none is missing."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Account
from apikeys.models import ApiKey
from rules.models import Rule
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write
from tests.transfers.steps import fund, settle, transfer_between
from transfers.models import EntrySet

pytestmark = [pytest.mark.django_db, pytest.mark.as_owner]

APPS = ("apikeys", "accounts", "transfers", "cards", "rules", "sequence")

# What serves nothing that ``longer`` does not, which begins with the same columns and holds the same rows. One for
# patterns counts as any other: nobody looks for how a text begins.
REDUNDANT_INDEXES = """
    WITH index AS (
        SELECT indexrelid AS id, indrelid AS table_id, indisunique OR indisprimary AS is_unique,
            string_to_array(indkey::text, ' ')::int[] AS columns, indexprs IS NULL AS is_plain,
            pg_get_expr(indpred, indrelid) AS condition, relam AS method
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    )
    SELECT short.id::regclass::text, longer.id::regclass::text
    FROM index short JOIN index longer ON longer.table_id = short.table_id AND longer.method = short.method
        AND longer.id <> short.id AND longer.columns[:cardinality(short.columns)] = short.columns
        AND longer.condition IS NOT DISTINCT FROM short.condition
    WHERE short.table_id::regclass::text = ANY (%s) AND NOT short.is_unique AND short.is_plain AND longer.is_plain
        AND (cardinality(short.columns) < cardinality(longer.columns) OR longer.is_unique OR longer.id < short.id)
    ORDER BY 1, 2
"""
# One column that refers to what a composite foreign key of the same table makes it refer to anyway.
IMPLIED_FOREIGN_KEYS = """
    SELECT simple.conname, composite.conname FROM pg_constraint simple JOIN pg_constraint composite
        ON composite.contype = 'f' AND composite.conrelid = simple.conrelid AND composite.confrelid = simple.confrelid
        AND cardinality(composite.conkey) > 1
        AND composite.confkey[array_position(composite.conkey, simple.conkey[1])] = simple.confkey[1]
    WHERE simple.contype = 'f' AND cardinality(simple.conkey) = 1 AND simple.conrelid::regclass::text = ANY (%s)
        AND NOT EXISTS (
            SELECT FROM pg_attribute other WHERE other.attrelid = simple.conrelid
            AND other.attnum = ANY (composite.conkey) AND other.attnum <> simple.conkey[1] AND NOT other.attnotnull
        )
    ORDER BY 1, 2
"""
# The table, the column and the table that it refers to, of every foreign key of one or more columns.
REFERENCES = """
    SELECT conrelid::regclass::text, attname, confrelid::regclass::text
    FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) WHERE contype = 'f'
"""
# Made by Django with the primary key, on a table of a few rows.
TOLERATED = {("sequence_signinwindow_digest_25894d8a_like", "sequence_signinwindow_pkey")}


def ours() -> list[type[models.Model]]:
    models_of = (apps.get_app_config(app).get_models() for app in APPS)
    return [model for each in models_of for model in each if not model._meta.proxy]


def found(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall()


def tables() -> list[str]:
    return [model._meta.db_table for model in ours()]


def delete(row: models.Model) -> None:
    table = row._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row._meta.pk.get_db_prep_value(row.pk, connection)])


def refusal_of_deleting(row: models.Model) -> str:
    """Return the words with which PostgreSQL refuses to delete the row, whatever triggers and Django think of it."""
    with pytest.raises(IntegrityError) as refused:
        delete(row)
    return str(refused.value)


class TestIndexes:
    def test_none_is_the_beginning_of_another(self):
        assert set(found(REDUNDANT_INDEXES, tables())) - TOLERATED == set()

    @pytest.mark.parametrize(
        "columns",
        ["transfers_transfer (source_id)", "transfers_entryset (organization_id)", "rules_ruleexecution (rule_id)"],
    )
    def test_one_that_is_added_is_found(self, columns):
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX one_more ON {columns}")

        assert "one_more" in {short for short, _ in found(REDUNDANT_INDEXES, tables())}


class TestForeignKeys:
    def test_none_is_implied_by_a_composite_one(self):
        assert found(IMPLIED_FOREIGN_KEYS, tables()) == []

    def test_one_that_is_added_is_found(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE transfers_posting ADD CONSTRAINT one_more"
                " FOREIGN KEY (entry_set_id) REFERENCES transfers_entryset (id)"
            )

        assert [simple for simple, _ in found(IMPLIED_FOREIGN_KEYS, tables())] == ["one_more"]

    def test_of_the_models_are_all_held_by_the_database(self):
        """One without a constraint of its own has a composite one, or is held by what has one.

        The audit trail, which outlives what it tells of, has none on purpose.
        """
        references = set(found(REFERENCES))
        missing = [
            (model._meta.db_table, field.column)
            for model in ours()
            if not hasattr(model, "pgh_tracked_model")
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey)
            and (model._meta.db_table, field.column, field.related_model._meta.db_table) not in references
        ]

        # Of one organization with what they belong to, which has a constraint.
        assert sorted(missing) == [
            ("apikeys_idempotencyrecord", "organization_id"),
            ("transfers_balancemark", "organization_id"),
            ("transfers_posting", "organization_id"),
        ]
        for table, owner in (
            ("apikeys_idempotencyrecord", "apikeys_apikey"),
            ("transfers_balancemark", "accounts_account"),
            ("transfers_posting", "transfers_entryset"),
        ):
            assert (table, "organization_id", owner) in references
            assert (owner, "organization_id", "apikeys_organization") in references


class TestWhatIsReferredTo:
    """DELETE, in raw SQL, past all triggers but those of the foreign keys."""

    @pytest.fixture
    def settled(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 10_00)
        settle()
        return transfer

    def test_stays_while_a_transfer_names_it(self, api, settled, rent):
        assert "transfers_transfer_destination_id_of_same_organization" in refusal_of_deleting(rent)
        assert "of_same_organization" in refusal_of_deleting(ApiKey.objects.get(id=settled.api_key_id))

    def test_stays_while_the_ledger_names_it(self, settled, income):
        fund(income, 1)
        [entry_set] = EntrySet.objects.filter(transfer=settled)

        assert "transfers_posting_entry_set_id_of_same_organization" in refusal_of_deleting(entry_set)
        assert "transfers_entryset_transfer_id_of_same_organization" in refusal_of_deleting(settled)

    def test_stays_while_a_rule_names_it(self, api, income, savings):
        made = write(api, rule(step(move(income, savings, 1_00)), trigger=manual(savings.id)))

        assert "rules_rule_trigger_account_id_of_same_organization" in refusal_of_deleting(savings)
        assert Rule.objects.filter(id=made.id).exists()
        assert Account.objects.filter(id=savings.id).exists()

    def test_stays_while_anything_belongs_to_it(self, settled, acme):
        assert "foreign key" in refusal_of_deleting(acme)
