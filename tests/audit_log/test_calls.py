"""What each call of a key leaves in the audit log."""

from datetime import timedelta

import pytest
from django.db import DatabaseError

from apikeys import audited_calls
from apikeys.models import ApiKey
from apikeys.tokens import new_token, shown_part
from sequence.core import clock
from sequence.core.api.ids import new_id
from sequence.core.audit_log.beyond_limit import GRACE, record_calls_beyond_limit
from sequence.core.audit_log.models import AuditEntry, CallsBeyondLimit
from sequence.core.audit_log.reads import reads
from tests.client import Api
from tests.factories import PodFactory, set_balance
from tests.staff import sign_in
from transfers.models import Transfer


def entries(**which) -> list[AuditEntry]:
    reads.flush()
    return list(AuditEntry.objects.filter(**which).order_by("position"))


def last() -> AuditEntry:
    return entries()[-1]


@pytest.fixture
def pods(acme):
    one, other = PodFactory(organization=acme), PodFactory(organization=acme)
    set_balance(one, 10_000)
    return one, other


@pytest.fixture
def body(pods):
    return {"source_account_id": pods[0].id, "destination_account_id": pods[1].id, "amount_in_cents": 100}


class TestWrite:
    def test_is_told_with_all_that_the_contract_names(self, api, acme, body):
        headers = {"X-Request-ID": "feat-1", "X-Called-Reason": "The rent"}

        answer = api.request("POST", "/transfers", body, headers=headers)

        [entry] = entries()
        assert (entry.via, entry.action, entry.method, entry.path) == (
            "api",
            "CREATE_TRANSFER",
            "POST",
            "/api/v1/transfers",
        )
        assert (entry.outcome, entry.status, entry.error_code) == ("success", 201, None)
        assert (entry.request_id, entry.reason) == ("feat-1", "The rent")
        assert (entry.resource_type, entry.resource_id) == ("transfer", answer.json()["data"]["id"])
        assert entry.actor == f"key:{ApiKey.objects.get().id}"
        assert entry.organization_id == acme.id

    @pytest.mark.parametrize("key", [None, "k"])
    def test_has_no_effect_where_its_entry_cannot_be_written(self, transactional_db, api, body, monkeypatch, key):
        def break_down(entry):
            raise DatabaseError("disk full")

        monkeypatch.setattr(audited_calls, "record", break_down)

        answer = api.request("POST", "/transfers", body, idempotency_key=key)

        assert answer.status_code == 500
        assert not Transfer.objects.exists()
        monkeypatch.undo()
        assert api.request("POST", "/transfers", body, idempotency_key=key).status_code == 201

    def test_that_is_refused_is_told_though_it_is_undone(self, api, pods):
        answer = api.request("DELETE", f"/accounts/{pods[0].id}")

        assert answer.status_code == 409
        [entry] = entries()
        assert (entry.action, entry.outcome, entry.status) == ("DELETE_ACCOUNT", "failure", 409)
        assert entry.error_code == answer.json()["error"]["code"]
        assert (entry.resource_type, entry.resource_id) == ("account", pods[0].id)

    def test_under_a_key_is_told_once_and_so_is_each_repetition(self, api, body):
        for _ in range(3):
            api.request("POST", "/transfers", body, idempotency_key="k")

        assert Transfer.objects.count() == 1
        told = {(entry.status, entry.outcome, entry.resource_id) for entry in entries()}
        assert told == {(201, "success", Transfer.objects.get().id)}
        assert len(entries()) == 3

    def test_refused_under_a_key_is_told_once_and_so_is_each_repetition(self, api, pods):
        for _ in range(2):
            api.request("DELETE", f"/accounts/{pods[0].id}", idempotency_key="k")

        assert [(entry.status, entry.outcome) for entry in entries()] == [(409, "failure")] * 2

    def test_with_a_key_of_another_request_is_a_refusal(self, api, body):
        api.request("POST", "/transfers", body, idempotency_key="k")
        api.request("POST", "/transfers", {**body, "amount_in_cents": 200}, idempotency_key="k")

        assert last().error_code == "idempotency_key_mismatch"

    def test_that_breaks_is_told_as_well(self, api, body, monkeypatch):
        monkeypatch.setattr("transfers.services.create_manual_transfer", lambda **_: 1 / 0)

        api.request("POST", "/transfers", body)

        assert (last().status, last().error_code) == (500, "unexpected_error")


class TestRead:
    def test_is_told_when_the_batch_is_written(self, api, pods):
        api.get(f"/accounts/{pods[0].id}")
        assert not AuditEntry.objects.exists()

        [entry] = entries()
        assert (entry.action, entry.status, entry.resource_id) == ("GET_ACCOUNT", 200, pods[0].id)

    def test_by_HEAD_and_by_a_POST_that_only_asks_are_reads(self, api, body):
        api.request("HEAD", "/accounts")
        api.request("POST", "/transfers/dry-run", body)
        assert not AuditEntry.objects.exists()

        assert [(entry.method, entry.action) for entry in entries()] == [
            ("HEAD", "LIST_ACCOUNTS"),
            ("POST", "DRY_RUN_TRANSFER"),
        ]

    def test_is_left_out_where_that_is_set(self, api, settings, body):
        settings.AUDIT_READS = False

        api.get("/accounts")
        api.get("/accounts?nonsense=1")
        api.request("POST", "/transfers", body)

        assert [entry.action for entry in entries()] == ["CREATE_TRANSFER"]

    def test_tells_the_path_without_the_query_and_percent_encoded(self, api):
        api.get("/idempotency-keys/a%20b?endpoint=POST%20/x")

        assert last().path == "/api/v1/idempotency-keys/a%20b"


class TestRefusal:
    def test_at_the_door_is_told_whatever_it_is_for(self, client_with, acme):
        api = client_with("LIST_ACCOUNTS")
        api.get("/rules")
        api.get("/accounts?x=1")
        api.request("POST", "/accounts/pods", raw=b"{")
        api.get("/accounts", headers={"Accept": "text/html"})
        acme.api_keys.update(paused_at=clock.now(), paused_by="test")
        api.get("/accounts")

        assert [(entry.action, entry.status, entry.error_code) for entry in entries()] == [
            ("CREATE_ACCOUNT", 403, "forbidden"),
            ("LIST_RULES", 403, "forbidden"),
            ("LIST_ACCOUNTS", 400, "invalid_request"),
            ("LIST_ACCOUNTS", 406, "not_acceptable"),
            ("LIST_ACCOUNTS", 403, "key_paused"),
        ]

    def test_of_whoever_has_no_valid_key_is_in_the_log_file_alone(self, api, acme):
        Api(None).get("/accounts")
        Api("sk_nonsense").get("/accounts")
        api.request("PUT", "/accounts")
        api.get("/nothing")
        acme.api_keys.update(revoked_at=clock.now())
        api.get("/accounts")

        assert entries() == []

    def test_names_what_the_call_was_about(self, api):
        id = new_id("rule")
        api.get(f"/rules/{id}/versions")

        assert (last().status, last().resource_type, last().resource_id) == (404, "rule", id)


class TestRateLimit:
    @pytest.fixture
    def limited(self, api, acme, settings):
        settings.RATE_LIMIT_ENABLED = True
        acme.api_keys.update(rate_limit_per_minute=2)
        return api

    def test_leaves_one_entry_a_minute_that_counts(self, limited, set_clock):
        now = clock.now()
        set_clock(now)
        for _ in range(5):
            limited.get("/accounts")
        assert record_calls_beyond_limit(clock.now()) == 0
        assert len(entries()) == 2

        set_clock(now + timedelta(days=365))
        assert record_calls_beyond_limit(clock.now()) == 1
        assert record_calls_beyond_limit(clock.now()) == 0

        entry = last()
        assert (entry.action, entry.status, entry.error_code) == ("LIST_ACCOUNTS", 429, "rate_limit_exceeded")
        assert entry.reason == "3 calls beyond the rate limit in this minute"
        assert entry.outcome == "failure"
        assert not CallsBeyondLimit.objects.exists()

    def test_is_written_only_when_the_minute_is_over(self, limited):
        for _ in range(3):
            limited.get("/accounts")
        ends_at = CallsBeyondLimit.objects.get().ends_at

        assert record_calls_beyond_limit(ends_at) == 0
        assert record_calls_beyond_limit(ends_at + GRACE) == 1


class TestSecretThatWasPasted:
    """Who may read the log, or a file of it, must not find there what opens somebody else's door."""

    def test_is_not_in_the_entry_nor_in_the_log_file(self, api, body, caplog):
        token = new_token()
        headers = {"X-Request-ID": token, "X-Called-Reason": f"My key is {token}"}
        caplog.set_level("INFO")

        api.get(f"/accounts/{token}")
        api.request("POST", "/transfers", body, headers=headers)

        [asked], [moved] = entries(method="GET"), entries(method="POST")
        shown = f"{shown_part(token)}***"
        assert asked.path == f"/api/v1/accounts/{shown}"
        assert (moved.request_id, moved.reason) == (shown, f"My key is {shown}")
        assert Transfer.objects.get().called_reason == f"My key is {shown}"
        lines = [str(record.msg) for record in caplog.records]
        assert any(shown in line for line in lines)
        assert not any(token in line for line in lines)

    def test_is_not_in_the_entry_of_a_page(self, db):
        token = new_token()

        sign_in(name="root", is_superuser=True).post(f"/admin/apikeys/apikey/{token}/change/")

        [entry] = entries(via="admin")
        assert token not in f"{entry.path} {entry.resource_id}"
