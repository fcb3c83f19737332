# ruff: noqa: S608 - the attacks
"""manage.py check_ledger: who wrote to the trail or to transfers past their guards is found, as far as rows tell."""

from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.services import create_organization, set_organization_status
from sequence.core.api.ids import parse_id
from sequence.core.audit import run_audited
from sequence.core.database.append_only import append_only_tables, kept_tables
from tests.past_guards import unguarded
from tests.transfers.steps import settle, transfer_between
from transfers import services
from transfers.ledger_invariants import find_faults
from transfers.models import CancelReason
from transfers.trail_invariants import OF_TRANSFERS, trail_checks

# Only the owner of the tables could do any of this.
pytestmark = pytest.mark.as_owner

EVENTS = "transfers_transferdecision"
NAMES = {check.name for check in trail_checks()}


@pytest.fixture
def books(client_with, income, rent, bank):
    """Transfers that were approved, rejected, cancelled after approval, and never decided about."""
    api = client_with("MANUAL_TRANSFER:*>*@2000;approval=0", "MANUAL_TRANSFER:*>*;approval=0")
    transfers = {name: transfer_between(api, income, rent, 10_00) for name in ("approved", "rejected", "cancelled")}
    for name in ("approved", "cancelled"):
        run_audited(
            lambda name=name: services.approve_transfer(transfer_id=transfers[name].id, by="staff:bob"),
            actor="staff:bob",
        )
    services.reject_transfer(transfer_id=transfers["rejected"].id, by="staff:bob")
    services.cancel_transfer(transfer_id=transfers["cancelled"].id, by="staff:cleo", reason=CancelReason.REJECTED)
    settle(timezone.now())
    free = client_with("MANUAL_TRANSFER:*>*")
    transfers["undecided"] = transfer_between(free, income, bank, 5_00)
    return transfers


@pytest.fixture
def tampered(books):
    """Return a function that writes past all guards, and then what is found: pairs of check and subject."""

    def write(table: str, sql: str) -> set[tuple[str, str]]:
        with unguarded(table), connection.cursor() as cursor:
            cursor.execute(sql)
        return {(fault.check, fault.subject) for fault in find_faults()}

    return write


def of(transfer, column: str = "id") -> str:
    return f"{column} = '{parse_id('txr', transfer.id)}'"


class TestTransfers:
    def test_are_right_as_they_are(self, books):
        assert find_faults() == []

    @pytest.mark.parametrize(
        "change",
        [
            "amount_cents = amount_cents + 1",
            "source_id = destination_id, destination_id = source_id",
            "organization_id = gen_random_uuid()",
        ],
    )
    @pytest.mark.parametrize("which", ["approved", "rejected", "cancelled"])
    def test_that_ask_for_something_else_than_was_decided_are_found(self, tampered, books, change, which):
        with connection.cursor() as cursor:  # Past the foreign keys, too.
            cursor.execute("SET session_replication_role = replica")
        found = tampered("transfers_transfer", f"UPDATE transfers_transfer SET {change} WHERE {of(books[which])}")

        assert ("transfers_are_what_was_decided_about", books[which].id) in found

    @pytest.mark.parametrize(
        "change", ["decided_by = 'staff:me'", "decided_by = NULL", "decision_note = 'Fine'", "cancelled_by = 'me'"]
    )
    def test_that_somebody_else_decided_are_found(self, tampered, books, change):
        found = tampered("transfers_transfer", f"UPDATE transfers_transfer SET {change} WHERE {of(books['approved'])}")

        assert found == {("decisions_are_on_the_trail", books["approved"].id)}

    def test_whose_failure_somebody_took_past_the_trail_are_found(self, tampered, books):
        found = tampered(
            "transfers_transfer",
            "UPDATE transfers_transfer SET status = 'incomplete', error_code = 'insufficient_funds',"
            " completed_at = NULL, failure_taken_by = 'staff:me', failure_taken_at = now(), failure_note = 'Mine'"
            f" WHERE {of(books['approved'])}",
        )

        assert ("decisions_are_on_the_trail", books["approved"].id) in found

    def test_that_were_never_decided_about_in_truth_are_found(self, tampered, books):
        id = books["undecided"].id
        found = tampered(
            "transfers_transfer", f"UPDATE transfers_transfer SET decided_by = 'me' WHERE {of(books['undecided'])}"
        )

        assert found == {("decisions_are_on_the_trail", id)}

    def test_that_come_back_to_life_are_found(self, tampered, books):
        id = books["rejected"].id
        found = tampered(
            "transfers_transfer",
            "UPDATE transfers_transfer SET status = 'incomplete', error_code = 'insufficient_funds',"
            f" cancel_reason = NULL WHERE {of(books['rejected'])}",
        )

        assert ("decisions_are_on_the_trail", id) in found

    def test_that_are_gone_are_found(self, tampered, books):
        found = tampered("transfers_transfer", f"DELETE FROM transfers_transfer WHERE {of(books['rejected'])}")

        assert ("decisions_are_about_transfers", books["rejected"].id) in found

    def test_that_went_the_other_way_are_found(self, tampered, books):
        swap = "source_id = destination_id, destination_id = source_id"
        found = tampered("transfers_transfer", f"UPDATE transfers_transfer SET {swap} WHERE {of(books['approved'])}")

        assert ("postings_go_the_transfers_way", books["approved"].id) in found

    def test_that_are_somebody_elses_than_their_postings_are_found(self, tampered, books, globex):
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
        organization = parse_id("org", globex.id)
        found = tampered(
            "transfers_entryset",
            f"UPDATE transfers_entryset SET organization_id = '{organization}'"
            f" WHERE {of(books['approved'], 'transfer_id')}",
        )

        assert ("transfers_and_postings_are_of_one_organization", books["approved"].id) in found


class TestDecisions:
    @pytest.mark.parametrize(
        "attack",
        [
            f"DELETE FROM {EVENTS} WHERE {{}}",
            f"UPDATE {EVENTS} SET decided_by = 'staff:me' WHERE {{}}",
            f"UPDATE {EVENTS} SET status = 'processing' WHERE {{}}",
        ],
    )
    def test_that_were_rewritten_are_found(self, tampered, books, attack):
        found = tampered(EVENTS, attack.format(of(books["rejected"], "pgh_obj_id")))

        assert found == {("decisions_are_on_the_trail", books["rejected"].id)}

    def test_about_another_amount_are_found(self, tampered, books):
        about = of(books["approved"], "pgh_obj_id")
        found = tampered(EVENTS, f"UPDATE {EVENTS} SET amount_cents = 1 WHERE {about}")

        assert found == {("transfers_are_what_was_decided_about", books["approved"].id)}


class TestRows:
    @pytest.fixture
    def key(self, books) -> ApiKey:
        return ApiKey.objects.order_by("id").first()

    def test_that_changed_without_an_event_are_found(self, tampered, key):
        found = tampered("apikeys_apikey", f"UPDATE apikeys_apikey SET name = 'Mine' WHERE id = '{uuid_of(key)}'")

        assert found == {("apikeys_apikey_is_as_last_told", key.id)}

    def test_whose_last_event_was_rewritten_are_found(self, tampered, key):
        found = tampered(
            "apikeys_apikeyevent",
            f"UPDATE apikeys_apikeyevent SET created_by = 'me' WHERE pgh_obj_id = '{uuid_of(key)}'",
        )

        assert found == {("apikeys_apikey_is_as_last_told", key.id)}

    def test_whose_last_event_is_gone_are_found(self, tampered, acme):
        set_organization_status(organization_id=acme.id, status="suspended")
        last = "(SELECT max(pgh_id) FROM apikeys_organizationevent)"
        found = tampered("apikeys_organizationevent", f"DELETE FROM apikeys_organizationevent WHERE pgh_id = {last}")

        assert found == {("apikeys_organization_is_as_last_told", acme.id)}

    def test_that_are_gone_without_an_event_are_found(self, tampered):
        organization = create_organization(name="Nobody", legal_name="Nobody")
        uuid = parse_id("org", organization.id)
        found = tampered("apikeys_organization", f"DELETE FROM apikeys_organization WHERE id = '{uuid}'")

        assert found == {("apikeys_organization_is_as_last_told", organization.id)}


class TestContexts:
    def test_that_are_gone_are_found(self, tampered):
        found = tampered("pghistory_context", "DELETE FROM pghistory_context WHERE metadata ->> 'actor' = 'staff:bob'")

        assert {check for check, _ in found} == {"events_have_their_context"}
        assert any(subject.startswith(f"event of {EVENTS} ") for _, subject in found)

    def test_of_another_transaction_are_found(self, tampered):
        found = tampered("pghistory_context", "UPDATE pghistory_context SET created_at = created_at - interval '1 s'")

        assert {check for check, _ in found} == {"events_have_their_context"}


class TestGuards:
    @pytest.mark.parametrize("table", sorted(kept_tables()))
    def test_that_are_off_are_found(self, db, table):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER sequence_never_truncated")

        assert [(fault.check, fault.subject, fault.message) for fault in find_faults()] == [
            ("guards_are_on", f"the table {table}", "its trigger sequence_never_truncated is switched off")
        ]

    @pytest.mark.parametrize("table", sorted(append_only_tables()))
    def test_that_are_gone_are_found(self, db, table):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER sequence_append_only ON {table}")

        assert [(fault.check, fault.subject, fault.message) for fault in find_faults()] == [
            ("guards_are_on", f"the table {table}", "its trigger sequence_append_only is missing")
        ]

    @pytest.mark.parametrize("trigger", ["balance_moves_only_with_postings", "begins_empty"])
    def test_of_balances_that_are_off_are_found(self, db, trigger):
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE %s", [f"pgtrigger_{trigger}%"])
            [name] = cursor.fetchone()
            cursor.execute(f"ALTER TABLE accounts_account DISABLE TRIGGER {name}")

        assert [fault.check for fault in find_faults()] == ["guards_are_on"]

    def test_of_references_that_are_off_are_found(self, db):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE transfers_posting DISABLE TRIGGER ALL")

        assert "guards_are_on" in {fault.check for fault in find_faults()}


def uuid_of(key: ApiKey) -> str:
    return str(parse_id("key", key.id))


def test_each_check_of_transfers_has_a_planted_fault():
    tried = Path(__file__).read_text()

    assert [check.name for check in OF_TRANSFERS if f'"{check.name}"' not in tried] == []
    assert len(NAMES) > len(OF_TRANSFERS) + 10
