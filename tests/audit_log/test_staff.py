"""What staff do is in the audit log: each POST that does something, whether it is let through or not."""

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from apikeys.models import ApiKey, IdempotencyRecord, Organization
from sequence.core.admin import acts
from sequence.core.audit_log.models import AuditEntry
from sequence.core.audit_log.sealing import seal_entries
from tests.factories import PodFactory, set_balance
from tests.staff import page_of, seen_on, sign_in
from transfers.errors import TransferNotCancellable
from transfers.models import Transfer


@pytest.fixture
def root(db):
    return sign_in(name="root", is_superuser=True)


@pytest.fixture
def key(client_with) -> ApiKey:
    client_with("LIST_ACCOUNTS")
    return ApiKey.objects.get()


@pytest.fixture
def waiting(client_with, acme) -> Transfer:
    one, other = PodFactory(organization=acme), PodFactory(organization=acme)
    set_balance(one, 100_000)
    api = client_with(f"MANUAL_TRANSFER:{one.id}>{other.id};approval=0")
    body = {"source_account_id": one.id, "destination_account_id": other.id, "amount_in_cents": 500}
    assert api.request("POST", "/transfers", body).status_code == 201
    return Transfer.objects.get()


def last() -> AuditEntry:
    return AuditEntry.objects.filter(via="admin").latest("position")


class TestList:
    def test_calls_done_what_led_a_person_on(self, root, waiting):
        root.post(page_of(waiting, "approve"), {"note": "By phone"})

        html = root.get(f"/admin/sequence/auditentry/?request={last().request_id}").content.decode()

        assert 'badge good">Done<' in html
        assert ">302<" not in html


class TestAct:
    def test_on_a_page_that_asks_is_told_with_its_object(self, root, waiting):
        path = page_of(waiting, "approve")
        response = root.post(path, {"note": "By phone"})

        entry = last()
        assert (entry.action, entry.actor, entry.outcome) == ("APPROVE_TRANSFER", "staff:root", "success")
        assert (entry.method, entry.path, entry.status) == ("POST", path, 302)
        assert (entry.resource_type, entry.resource_id) == ("transfer", waiting.id)
        assert entry.organization_id == waiting.organization_id
        assert entry.request_id == response.headers["X-Request-ID"]

    def test_keeps_a_note_from_programs(self, root, waiting, api):
        root.post(page_of(waiting, "approve"), {"note": "By phone"})
        seal_entries(timezone.now())

        logged = api.get("/audit-logs?action=APPROVE_TRANSFER")
        assert [entry["reason"] for entry in logged.json()["data"]] == [None]
        assert "By phone" not in logged.content.decode()
        assert "By phone" in root.get(f"/admin/transfers/transfer/{waiting.id}/change/").content.decode()

    def test_that_answers_with_a_page_is_told(self, root, key):
        root.post(page_of(key, "stop"), {"note": ""})

        assert (last().action, last().status, last().resource_id) == ("PAUSE_KEY", 200, key.id)
        assert last().reason is None

    def test_on_an_organization_is_of_that_organization(self, root, acme):
        root.post(page_of(acme, "stop"))

        assert (last().action, last().organization_id) == ("SUSPEND_ORGANIZATION", acme.id)
        assert (last().resource_type, last().resource_id) == ("organization", acme.id)

    def test_of_changing_and_of_making_is_told(self, root, acme):
        root.post(page_of(acme), {"name": "Acme 2", "legal_name": "Acme"})
        assert (last().action, last().resource_id) == ("CHANGE_ORGANIZATION", acme.id)

        root.post("/admin/apikeys/organization/add/", {"name": "New", "legal_name": ""})
        made = Organization.objects.get(name="New")
        assert (last().action, last().organization_id) == ("CREATE_ORGANIZATION", made.id)

    def test_on_several_rows_at_once_is_one_entry(self, root, api, acme):
        for key in "ab":
            api.request("POST", "/accounts/pods", {"nickname": key}, idempotency_key=key)
        ids = [str(record.pk) for record in IdempotencyRecord.objects.all()]
        form = {"action": "expire", "_selected_action": ids}
        path = "/admin/apikeys/idempotencyrecord/"
        asked = root.post(path, {**form, "seen": None})
        assert not AuditEntry.objects.filter(via="admin").exists()

        root.post(path, {**form, "confirmed": "yes", "seen": seen_on(asked)})

        assert last().action == "EXPIRE_IDEMPOTENCY_RECORD"
        assert (last().organization_id, last().resource_id) == (acme.id, None)

    def test_on_a_page_of_Djangos_is_told_by_its_address(self, root):
        person = User.objects.get(username="root")
        person.set_password("an old and quiet password")
        person.save()
        root.force_login(person)
        password = "a long and quiet password"
        root.post(
            "/admin/password_change/",
            {"old_password": "an old and quiet password", "new_password1": password, "new_password2": password},
        )

        assert (last().action, last().outcome, last().resource_id) == ("CHANGE_PASSWORD", "success", None)


class TestNothing:
    def test_is_told_of_looking_asking_and_a_form_that_is_not_valid(self, root, acme, key):
        root.get(page_of(acme))
        root.get(page_of(key, "stop"))
        root.post("/admin/apikeys/organization/add/", {"name": "", "legal_name": ""})

        assert not AuditEntry.objects.filter(via="admin").exists()


class TestRefusal:
    def test_of_the_service_is_told(self, root, waiting, monkeypatch):
        def refuse(**_):
            raise TransferNotCancellable(status="complete")

        monkeypatch.setattr("transfers.services.approve_transfer", refuse)
        root.post(page_of(waiting, "approve"))

        assert (last().action, last().outcome) == ("APPROVE_TRANSFER", "failure")
        assert last().error_code == TransferNotCancellable.code

    def test_of_what_changed_meanwhile_is_told(self, root, waiting):
        root.post(page_of(waiting, "approve"), {"seen": "00"})

        assert (last().action, last().error_code) == ("APPROVE_TRANSFER", "changed_meanwhile")

    def test_of_who_may_not_is_told(self, waiting):
        viewer = sign_in("transfers.view_transfer", name="viewer")

        assert viewer.post(page_of(waiting, "approve"), {"seen": None}).status_code == 403

        assert (last().actor, last().outcome, last().error_code) == ("staff:viewer", "failure", "forbidden")
        assert (last().action, last().resource_id) == ("APPROVE_TRANSFER", waiting.id)


class TestEntryThatCannotBeWritten:
    def test_undoes_the_act(self, root, waiting, monkeypatch):
        def break_down(entries):
            raise DatabaseError("disk full")

        monkeypatch.setattr(acts, "record_all", break_down)
        with pytest.raises(DatabaseError):
            root.post(page_of(waiting, "approve"))

        assert Transfer.objects.get().status == "pending_approval"
