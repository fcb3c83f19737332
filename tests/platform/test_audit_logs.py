"""The audit log in the vendor's dialect: what keys asked for, in its words."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from sequence.core.api.ids import show_id
from sequence.core.audit_log.models import Via
from sequence.core.audit_log.reads import reads
from sequence.core.audit_log.recording import Entry, record
from sequence.core.audit_log.sealing import seal_entries
from tests.factories import PodFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client_with, acme):
    token = client_with("READ_AUDIT_LOGS", "LIST_ACCOUNTS", "READ_ACCOUNTS:*", "READ_EVENTS").headers["Authorization"]
    headers = {"Authorization": token.replace("ApiKey", "Bearer")}

    def get(path):
        response = Client().get(f"/platform/v1{path}", headers=headers)
        reads.flush()
        while seal_entries(timezone.now()):
            pass
        return response

    return get


def items(response):
    assert response.status_code == 200, response.content
    return response.json()["data"]["items"]


class TestListAuditLog:
    def test_tells_what_was_asked_and_how_it_ended(self, ask, acme):
        pod = PodFactory(organization=acme)
        ask(f"/accounts/{UUID(int=7)}")
        ask("/accounts")

        newest, missing = items(ask("/audit-logs"))[:2]
        assert list(newest) == [
            *("id", "createdAt", "apiKeyId", "apiKeyName", "path", "action", "reason", "requestId", "outcome"),
            "errorCode",
        ]
        assert (newest["path"], newest["action"], newest["outcome"]) == (
            "/platform/v1/accounts",
            "LIST_ACCOUNTS",
            "SUCCESS",
        )
        assert (missing["outcome"], missing["action"]) == ("FAILURE", "GET_ACCOUNT")
        key = ApiKey.objects.get(id=show_id("key", UUID(newest["apiKeyId"])))
        assert newest["apiKeyName"] == key.name
        assert pod.id not in str(newest)

    def test_can_be_of_one_kind_or_key(self, ask):
        ask("/accounts")
        assert items(ask("/audit-logs?action=CREATE_TRANSFER")) == []
        assert len(items(ask("/audit-logs?action=LIST_ACCOUNTS"))) == 1
        assert items(ask(f"/audit-logs?apiKeyId={UUID(int=7)}")) == []

    def test_refuses_a_kind_that_the_vendor_has_no_word_for(self, ask):
        response = ask("/audit-logs?action=PAUSE_KEY")
        assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_PARAMETERS")
        assert ask("/audit-logs?from=yesterday").json()["error"]["message"] == "from is not a valid date"

    def test_has_no_word_for_what_the_vendor_lacks(self, ask):
        ask("/card-transactions/" + str(UUID(int=7)))
        assert items(ask("/audit-logs"))[0]["action"] is None

    def test_tells_words_that_its_filter_does_not_take(self, ask):
        ask("/audit-logs")
        assert items(ask("/audit-logs"))[0]["action"] == "LIST_AUDIT_LOGS"
        assert ask("/audit-logs?action=LIST_AUDIT_LOGS").status_code == 400

    @pytest.mark.parametrize("action", ["CREATE_ACCOUNT", "CREATE_RULE", "UPDATE_RULE", "CREATE_TRANSFER"])
    def test_has_each_word_of_the_vendor(self, ask, acme, action):
        by = f"key:{show_id('key', UUID(int=7))}"
        facts = {"path": "/api/v1/rules", "method": "POST", "status": 201, "request_id": "r-1"}
        record(Entry(organization_id=acme.id, actor=by, via=Via.API, action=action, **facts))
        ask("/beneficiaries")
        assert items(ask("/audit-logs"))[-1]["action"] == action

    def test_clamps_its_window(self, ask):
        long_ago = (timezone.now() - timedelta(days=120)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ask(f"/audit-logs?from={long_ago}").json()["data"]["window"]["truncated"]
        assert not ask("/audit-logs").json()["data"]["window"]["truncated"]
