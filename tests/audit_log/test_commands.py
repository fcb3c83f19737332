"""What a command changes is in the audit log under its name and that of the operating system's user."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from apikeys.models import ApiKey, IdempotencyRecord, Organization
from sequence.core import clock
from sequence.core.api.ids import new_id
from sequence.core.audit_log.models import AuditEntry
from sequence.core.commands import base
from sequence.core.commands.base import operator_name


@pytest.fixture
def key(client_with) -> ApiKey:
    client_with("LIST_ACCOUNTS")
    return ApiKey.objects.get()


def run(*words: str) -> None:
    call_command(*words, stdout=StringIO(), stderr=StringIO())


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.order_by("position"))


class TestEntry:
    def test_names_command_object_and_organization(self, key):
        run("pause_api_key", key.id, "--note", "A test")

        [entry] = entries()
        assert entry.actor == f"command:pause_api_key:{operator_name()}"
        assert (entry.via, entry.action, entry.outcome) == ("command", "PAUSE_API_KEY", "success")
        assert (entry.method, entry.path, entry.status, entry.error_code) == (None, None, None, None)
        assert (entry.resource_type, entry.resource_id) == ("api_key", key.id)
        assert (entry.organization_id, entry.reason) == (key.organization_id, None)  # The note is for people.

    def test_and_the_trail_lead_to_each_other(self, key):
        run("pause_api_key", key.id)

        [entry] = entries()
        context = key.events.latest("pgh_id").pgh_context.metadata
        assert context["request_id"] == entry.request_id

    def test_is_about_what_was_made(self, db):
        run("create_organization", "--name", "New")
        made = Organization.objects.get()
        run("create_api_key", "--organization", made.id, "--name", "K", "--permission", "LIST_ACCOUNTS")

        assert [(entry.resource_id, entry.organization_id) for entry in entries()] == [
            (made.id, made.id),
            (ApiKey.objects.get().id, made.id),
        ]

    def test_of_what_belongs_to_no_organization_has_none(self, db):
        run("create_staff_groups")

        assert [(entry.action, entry.organization_id) for entry in entries()] == [("CREATE_STAFF_GROUPS", None)]

    def test_of_a_refusal_stands_alone(self, db):
        missing = new_id("txr")
        with pytest.raises(CommandError):
            run("approve_transfer", missing)

        [entry] = entries()
        assert (entry.outcome, entry.error_code) == ("failure", "not_found")
        assert (entry.resource_type, entry.resource_id, entry.organization_id) == ("transfer", missing, None)

    def test_is_one_however_many_batches_there_are(self, api):
        for key in "abc":
            api.request("POST", "/accounts/pods", {"nickname": key}, idempotency_key=key)
        IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(days=3), expires_at=clock.now())
        before = AuditEntry.objects.count()
        run("purge_idempotency_records")

        assert not IdempotencyRecord.objects.exists()
        assert AuditEntry.objects.count() == before + 1

    def test_that_cannot_be_written_undoes_the_change(self, key, monkeypatch):
        def break_down(entry):
            raise DatabaseError("disk full")

        monkeypatch.setattr(base, "record", break_down)
        with pytest.raises(DatabaseError):
            run("pause_api_key", key.id)

        assert ApiKey.objects.get().paused_at is None

    def test_is_not_there_for_looking(self, key):
        for words in [
            ("show_api_key", key.id),
            ("list_api_keys",),
            ("verify_audit_log",),
            ("run_worker", "--once"),
        ]:
            run(*words)

        assert entries() == []

    def test_is_there_for_work_of_many_transactions(self, db):
        run("encrypt_again")

        assert [entry.action for entry in entries()] == ["ENCRYPT_AGAIN"]
