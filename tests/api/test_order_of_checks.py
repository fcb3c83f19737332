"""A request with two faults is refused for the one that the contract checks first."""

import json

import pytest

from accounts.models import Account
from sequence.core.api.bodies import MAX_BYTES
from sequence.core.api.ids import new_id
from tests.client import Api
from tests.factories import PodFactory

TOO_LARGE = b'{"nickname": "' + b"x" * MAX_BYTES + b'"}'
BAD_REQUEST_ID = {"X-Request-ID": "no good"}
PODS = "/accounts/pods"


def outcome(response) -> tuple[int, str]:
    return response.status_code, json.loads(response.content)["error"]["code"]


class TestOrderOfChecks:
    @pytest.fixture
    def mine(self, acme):
        return PodFactory(organization=acme, name="Mine")

    @pytest.fixture
    def editor(self, client_with, mine):
        return client_with(f"EDIT_ACCOUNTS:{mine.id}", "CREATE_ACCOUNTS")

    @pytest.fixture
    def lister(self, client_with):
        return client_with("LIST_ACCOUNTS")

    @pytest.fixture(autouse=True)
    def _nothing_changes(self, mine):
        yield
        assert list(Account.objects.values_list("name", "deleted_at")) == [("Mine", None)]

    def test_unknown_path_comes_before_authentication(self):
        assert outcome(Api(None).get("/nothing", headers=BAD_REQUEST_ID)) == (404, "not_found")

    def test_method_comes_before_authentication(self):
        response = Api(None).get("/accounts/income-sources", headers=BAD_REQUEST_ID)

        assert outcome(response) == (405, "method_not_allowed")
        assert response.headers["Allow"] == "POST"

    @pytest.mark.parametrize("token", [None, "sk_nonsense"])
    def test_authentication_comes_before_everything_about_the_request(self, token):
        requests = [
            {"headers": BAD_REQUEST_ID},
            {"idempotency_key": ""},
            {"headers": {"Accept": "text/html"}},
            {"raw": TOO_LARGE},
            {"raw": b"{", "content_type": "text/plain"},
            {"body": {"nickname": 1}},
        ]
        for request in requests:
            assert outcome(Api(token).post(PODS, **request)) == (401, "unauthorized")

    def test_authentication_comes_before_the_rate_limit(self, settings, editor):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        editor.get("/accounts")

        assert outcome(Api("sk_nonsense").get("/accounts")) == (401, "unauthorized")

    def test_rate_limit_comes_before_the_scope(self, settings, lister):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        assert outcome(lister.post(PODS, {"nickname": "New"})) == (403, "forbidden")

        assert outcome(lister.post(PODS, {"nickname": "New"})) == (429, "rate_limit_exceeded")

    def test_scope_comes_before_headers_and_body(self, lister):
        requests = [
            {"headers": BAD_REQUEST_ID},
            {"idempotency_key": "two words"},
            {"headers": {"Accept": "text/html"}},
            {"raw": TOO_LARGE},
            {"raw": b"{}", "content_type": "text/plain"},
            {"raw": b'{"nickname": '},
            {"body": {"nickname": 1}},
        ]
        for request in requests:
            assert outcome(lister.post(PODS, **request)) == (403, "forbidden")

    def test_scope_comes_before_existence(self, lister, mine):
        for account_id in [mine.id, new_id("acc")]:
            assert outcome(lister.get(f"/accounts/{account_id}")) == (403, "forbidden")

    def test_headers_come_before_size_and_media_type(self, editor):
        for headers in [BAD_REQUEST_ID, {"Idempotency-Key": ""}]:
            response = editor.post(PODS, raw=TOO_LARGE, content_type="text/plain", headers=headers)
            assert outcome(response) == (400, "invalid_request")

    def test_request_id_comes_before_the_idempotency_key(self, editor):
        response = editor.post(PODS, {}, headers={"X-Request-ID": "", "Idempotency-Key": ""})

        assert response.json()["error"]["details"][0]["field"] == "X-Request-ID"

    def test_size_comes_before_media_type(self, editor):
        response = editor.post(PODS, raw=TOO_LARGE, content_type="text/plain")

        assert outcome(response) == (413, "payload_too_large")

    def test_media_type_comes_before_the_body(self, editor):
        response = editor.post(PODS, raw=b"{", content_type="text/plain")

        assert outcome(response) == (415, "unsupported_media_type")

    def test_idempotency_comes_before_validation(self, editor, mine):
        path = f"/accounts/{mine.id}"
        editor.patch(path, {"nickname": "Mine"}, idempotency_key="k")

        assert outcome(editor.patch(path, {"nickname": 1}, idempotency_key="k")) == (400, "idempotency_key_mismatch")
        assert outcome(editor.patch(path, {"nickname": 1}, idempotency_key="new")) == (400, "invalid_request")

    def test_idempotency_comes_before_resource_permission(self, editor, mine):
        editor.patch(f"/accounts/{mine.id}", {"nickname": "Mine"}, idempotency_key="k")

        response = editor.patch(f"/accounts/{new_id('acc')}", {"nickname": "Mine"}, idempotency_key="k")

        assert outcome(response) == (400, "idempotency_key_mismatch")

    def test_malformed_json_comes_before_idempotency(self, editor, mine):
        editor.patch(f"/accounts/{mine.id}", {"nickname": "Mine"}, idempotency_key="k")

        response = editor.patch(f"/accounts/{mine.id}", raw=b"{", idempotency_key="k")

        assert outcome(response) == (400, "invalid_request")

    def test_validation_comes_before_resource_permission(self, editor):
        foreign = f"/accounts/{new_id('acc')}"

        assert outcome(editor.patch(foreign, {"nickname": 1})) == (400, "invalid_request")
        assert outcome(editor.patch(foreign + "?x=1", {"nickname": "New"})) == (400, "invalid_request")
        assert outcome(editor.patch(foreign, {"nickname": "New"})) == (403, "forbidden")

    def test_resource_permission_comes_before_existence(self, editor, mine):
        somebody_elses = PodFactory(name="Theirs")

        answers = [
            editor.delete(f"/accounts/{account_id}", headers={"X-Request-ID": "r"})
            for account_id in [new_id("acc"), somebody_elses.id, "nonsense", mine.id.lower()]
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
        somebody_elses.refresh_from_db()
        assert somebody_elses.deleted_at is None
        somebody_elses.delete()

    def test_existence_comes_before_state(self, client_with, mine):
        everywhere = client_with("EDIT_ACCOUNTS:*")
        theirs = PodFactory(balance_cents=5)

        assert outcome(everywhere.delete(f"/accounts/{theirs.id}")) == (404, "not_found")
        theirs.delete()
