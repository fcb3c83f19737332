"""The shape of every answer."""

import json
import logging

import pytest

from accounts.models import Account
from apikeys.models import IdempotencyRecord
from sequence.core.api.envelope import json_response
from tests.client import Api
from tests.factories import PodFactory


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


class TestSuccess:
    def test_has_the_request_id_then_the_data(self, api, pod):
        response = api.get(f"/accounts/{pod.id}")

        body = response.json()
        assert list(body) == ["request_id", "data"]
        assert body["request_id"] == response.headers["X-Request-ID"]

    def test_of_a_list_has_page_info_last(self, api, pod):
        body = api.get("/accounts").json()

        assert list(body) == ["request_id", "data", "page_info"]
        assert list(body["page_info"]) == ["end_cursor", "has_next_page"]

    def test_is_utf8_json_with_every_character_as_itself(self, api):
        response = api.post("/accounts/pods", {"nickname": "Miete für 家 🏠"})

        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Length"] == str(len(response.content))
        assert "Miete für 家 🏠".encode() in response.content

    def test_without_content_has_neither_body_nor_content_type(self, api, pod):
        response = api.delete(f"/accounts/{pod.id}")

        assert response.status_code == 204
        assert response.content == b""
        assert "Content-Type" not in response.headers
        assert "X-Request-ID" in response.headers

    def test_of_head_is_that_of_get_without_the_body(self, api, pod):
        response = api.request("HEAD", f"/accounts/{pod.id}")

        assert response.status_code == 200
        assert response.content == b""

    def test_never_holds_a_number_that_is_not_json(self):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_response({"data": float("nan")}, 200)


class TestFailure:
    def test_has_the_request_id_then_code_and_message(self, api):
        response = api.get("/accounts/acc_nothing")

        body = response.json()
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/json"
        assert list(body) == ["request_id", "error"]
        assert body["request_id"] == response.headers["X-Request-ID"]
        assert list(body["error"]) == ["code", "message"]

    def test_of_validation_tells_each_field(self, api):
        response = api.post("/accounts/pods", {"nickname": 5, "savings_target_in_cents": -1, "colour": "red"})

        error = response.json()["error"]
        assert response.status_code == 400
        assert list(error) == ["code", "message", "details"]
        assert error["code"] == "invalid_request"
        assert error["details"] == [
            {"field": "nickname", "code": "invalid", "message": "Give a text."},
            {"field": "savings_target_in_cents", "code": "min_value", "message": "This must be 0 or more."},
            {"field": "colour", "code": "unknown_field", "message": "There is no such field here."},
        ]

    def test_of_validation_has_all_faults_at_once(self, api):
        response = api.post("/accounts/pods", {"nickname": 5, "icon": "", "savings_target_in_cents": -1})

        error = response.json()["error"]
        assert [(detail["field"], detail["code"]) for detail in error["details"]] == [
            ("nickname", "invalid"),
            ("icon", "blank"),
            ("savings_target_in_cents", "min_value"),
        ]
        assert error["message"] == (
            "nickname: Give a text. icon: This field may not be blank. savings_target_in_cents: This must be 0 or more."
        )

    def test_of_validation_keeps_its_message_short(self, api):
        response = api.post("/accounts/pods", {"nickname": "N", "a": 1, "b": 2, "c": 3, "d": 4, "e": 5})

        error = response.json()["error"]
        assert len(error["details"]) == 5
        assert error["message"].endswith("c: There is no such field here. And 2 more.")

    @pytest.mark.parametrize("name", ["code", "message", "non_field_errors", "detail", "request_id", ""])
    def test_of_a_field_named_like_the_envelope_is_still_a_list_of_details(self, api, name):
        response = api.post("/accounts/pods", {"nickname": "Rent", name: "x", "code": 1, "message": 2})

        assert response.status_code == 400
        assert {detail["code"] for detail in response.json()["error"]["details"]} == {"unknown_field"}

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
    def test_of_an_accept_header_without_json_is_not_acceptable(self, api, pod, accept):
        response = api.get("/accounts", headers={"Accept": accept})

        assert response.status_code == 406
        assert response.json()["error"]["code"] == "not_acceptable"

    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/*",
            "text/html, application/json;q=0.1",
            "application/json",
            "",
            "application/json; charset=utf-8",
            "application/json; profile=x; q=0.5, text/plain",
            "application/json; q=0",
            "text/html, */*;q=0.0",
            ",",
            "Application/JSON",
        ],
    )
    def test_is_none_where_accept_allows_json(self, api, accept):
        assert api.get("/accounts", headers={"Accept": accept}).status_code == 200


class TestUnexpectedError:
    @pytest.fixture
    def _broken(self, monkeypatch):
        def explode(**_):
            Account.objects.filter(name="Rent").update(name="Half done")
            raise RuntimeError("the secret of the house")

        monkeypatch.setattr("accounts.services.create_income_source", explode)
        monkeypatch.setattr("accounts.services.get_account", explode)

    @pytest.mark.usefixtures("_broken")
    @pytest.mark.parametrize("idempotency_key", [None, "once"])
    def test_leaks_nothing_undoes_everything_and_leaves_the_key_free(self, api, pod, idempotency_key):
        response = api.post(
            "/accounts/income-sources",
            {"nickname": "Payroll"},
            idempotency_key=idempotency_key,
            headers={"X-Request-ID": "mine-1"},
        )

        assert response.status_code == 500
        assert response.json() == {
            "request_id": "mine-1",
            "error": {
                "code": "unexpected_error",
                "message": "Something went wrong on our side. Quote request id mine-1 when you ask about it.",
            },
        }
        assert [account.name for account in Account.objects.all()] == ["Rent"]
        assert not IdempotencyRecord.objects.exists()

    @pytest.mark.usefixtures("_broken")
    def test_is_logged_with_its_cause_under_the_request_id(self, api, pod, caplog):
        api.get(f"/accounts/{pod.id}", headers={"X-Request-ID": "mine-2"})

        [record] = [record for record in caplog.records if record.name == "sequence.failures"]
        assert record.msg["event"] == "unexpected_error"
        assert record.levelno == logging.ERROR
        assert record.msg["request_id"] == "mine-2"
        assert record.msg["organization_id"] == pod.organization_id
        assert "the secret of the house" in record.msg["exception"]

    def test_outside_of_a_view_has_the_envelope_too(self, db, settings):
        settings.ROOT_URLCONF = "tests.api.broken_urls"

        response = Api(None).get("/broken", headers={"X-Request-ID": "mine-4"})

        assert response.status_code == 500
        assert json.loads(response.content)["error"]["code"] == "unexpected_error"
        assert response.json()["request_id"] == response.headers["X-Request-ID"] == "mine-4"


class TestEachRequest:
    def test_writes_one_log_line_with_what_it_was(self, api, caplog):
        caplog.set_level(logging.INFO)
        api.get("/accounts?first=1", headers={"X-Request-ID": "mine-5"})

        [line] = [record.msg for record in caplog.records if record.name == "sequence.requests"]
        assert {name: line[name] for name in ["event", "method", "path", "status", "request_id"]} == {
            "event": "request",
            "method": "GET",
            "path": "/api/v1/accounts",
            "status": 200,
            "request_id": "mine-5",
        }

    def test_keeps_secrets_and_bodies_out_of_the_log(self, api, caplog):
        caplog.set_level(logging.DEBUG)
        api.post("/accounts/pods", {"nickname": "Very private"}, idempotency_key="private-key")
        api.post("/accounts/pods", {"nickname": "Very private", "bad": 1})

        token = api.headers["Authorization"].removeprefix("ApiKey ")
        lines = "\n".join(str(record.msg) for record in caplog.records if record.name.startswith("sequence"))
        assert "/api/v1/accounts/pods" in lines
        assert "Very private" not in lines
        assert token not in lines
