# ruff: noqa: S608 - the attacks
"""What is append-only stays as it is, attacked in raw SQL; which tables these are is found, not listed."""

import uuid
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from pghistory.core import event_models
from pghistory.models import Context, Event

from apikeys.models import Organization
from sequence.core.audit import run_audited
from sequence.core.database.append_only import append_only_tables, install_guards, kept_tables, missing_guards

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner

# Found by enumeration; named here once, so that it is seen when the enumeration finds less.
LEDGER = {"transfers_entryset", "transfers_posting", "rules_ruleversion", "cards_carddecline", "apikeys_keycustodian"}
KEPT = {
    "transfers_transfer",
    "transfers_suspenseitem",
    "cards_card",
    "cards_cardtransaction",
    "rules_rule",
    "rules_ruleexecution",
    "sequence_auditentry",
    "sequence_auditsigningkey",
}


def refusal(sql: str) -> str:
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refused.value)


def first_column(table: str) -> str:
    model = next(model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table)
    return model._meta.concrete_fields[0].column


@pytest.fixture
def tracked_tomorrow() -> Iterator[str]:
    """The table of one more event model, whose author forgot ``append_only=True``."""

    class Tomorrow(Event):
        pgh_tracked_model = Organization

        class Meta:
            app_label = "sequence"

    yield Tomorrow._meta.db_table
    del apps.all_models["sequence"]["tomorrow"]
    apps.clear_cache()


class TestAppendOnlyTables:
    def test_are_the_audit_trail_and_the_ledger(self):
        trail = {model._meta.db_table for model in event_models()} | {Context._meta.db_table}

        assert len(trail) > 10
        assert append_only_tables() == trail | LEDGER
        assert kept_tables() == trail | LEDGER | KEPT

    @pytest.mark.parametrize("table", sorted(append_only_tables()))
    def test_refuse_to_be_updated_and_deleted(self, db, table):
        column = first_column(table)

        assert "it is append-only" in refusal(f"UPDATE {table} SET {column} = {column}")
        assert "it is append-only" in refusal(f"DELETE FROM {table}")

    @pytest.mark.parametrize("table", sorted(kept_tables()))
    def test_refuse_to_be_truncated(self, db, table):
        words = refusal(f"TRUNCATE {table} CASCADE")

        # The first by the alphabet refuses, and some have one of django-pgtrigger's as well.
        assert any(one in words for one in ("its rows are kept for good", "is append-only", "are never removed"))

    @pytest.mark.parametrize("table", sorted(KEPT))
    def test_refuse_to_lose_rows_that_may_change(self, db, table):
        assert "they are kept for good" in refusal(f"DELETE FROM {table}")

    def test_are_guarded_as_soon_as_they_are_made(self, db, tracked_tomorrow):
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {tracked_tomorrow} (pgh_id serial PRIMARY KEY)")
            assert {table for table, _ in missing_guards(cursor)} == {tracked_tomorrow}

        install_guards(using="default")

        assert "it is append-only" in refusal(f"DELETE FROM {tracked_tomorrow}")


class TestGuards:
    def test_that_were_switched_off_stay_off_until_somebody_looks(self, acme):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE pghistory_context DISABLE TRIGGER sequence_append_only")
        install_guards(using="default")

        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM pghistory_context")
            cursor.execute("SELECT count(*) FROM pghistory_context")
            assert cursor.fetchone() == (0,)

    def test_cannot_be_ignored(self, db):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('pgtrigger.ignore', array_agg(tgname)::text, true) FROM pg_trigger"
                " WHERE NOT tgisinternal"
            )

        assert "it is append-only" in refusal("UPDATE transfers_posting SET amount_cents = 1")


class TestContexts:
    """Who and why: written with the first change, and not again."""

    def test_are_written_once_for_all_changes_of_a_transaction(self, db):
        def two_changes():
            one = Organization.objects.create(name="A", legal_name="A Inc.")
            Organization.objects.filter(id=one.id).update(name="B")
            return one

        one = run_audited(two_changes, actor="staff:ann", reason="A test")

        events = apps.get_model("apikeys.OrganizationEvent").objects.filter(pgh_obj_id=one.id)
        assert events.count() == 2
        [context] = {event.pgh_context for event in events}
        assert context.metadata == {"actor": "staff:ann", "reason": "A test"}

    def test_keep_their_facts(self, db):
        known = uuid.uuid4()

        def note(actor: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('pghistory.context_id', %s, true),"
                    " set_config('pghistory.context_metadata', jsonb_build_object('actor', %s::text)::text, true)",
                    [str(known), actor],
                )
            Organization.objects.create(name=actor, legal_name=actor)

        note("staff:ann")
        with pytest.raises(DatabaseError, match="is on the trail with other facts"), transaction.atomic():
            note("staff:bob")

        assert Context.objects.get(id=known).metadata == {"actor": "staff:ann"}
