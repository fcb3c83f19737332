"""What holds for every answer of the API, whoever asks for whatever."""

import time

import pytest

from sequence.core.errors import InvalidRequest
from tests.factories import PodFactory


class TestCaches:
    @pytest.mark.parametrize("path", ["/accounts", "/accounts/acc_1", "/nowhere", "/schema"])
    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_keep_no_answer(self, api, method, path):
        assert getattr(api, method)(path).headers["Cache-Control"] == "no-store"

    def test_keep_no_refusal_of_a_stranger(self, client):
        assert client.get("/api/v1/accounts").headers["Cache-Control"] == "no-store"


class TestDeliberateAbsences:
    """As apikeys/introduction.md tells them."""

    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_no_page_of_another_origin_is_let_in(self, api, method):
        asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        answer = api.request(method, "/accounts", headers=asking)

        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]

    def test_answers_are_not_compressed(self, api):
        answer = api.get("/schema", headers={"Accept-Encoding": "gzip, br, zstd"})

        assert "Content-Encoding" not in answer.headers


class TestHost:
    def test_that_is_not_ours_is_refused_in_the_envelope(self, client, db):
        answer = client.get("/api/v1/accounts", headers={"Host": "evil.example"})

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "Host"

    def test_is_of_no_matter_to_a_load_balancer(self, client, db):
        assert client.get("/healthz", headers={"Host": "10.0.0.5"}).status_code == 200


class TestManyFaults:
    # Both take less than a second; looking at every part took seven.
    CPU_SECONDS = 2

    def rule(self, acme, part):
        pod = PodFactory(organization=acme)
        children = [{"condition": part}] * 100
        step = {"conditions": {"all": [{"any": children}] * 20}, "actions": [{"type": "none"}]}
        return {"trigger": {"type": "MANUAL", "account_id": pod.id}, "steps": [step] * 5}

    def post(self, api, body):
        began = time.process_time()
        answer = api.post("/rules", body)
        assert time.process_time() - began < self.CPU_SECONDS
        assert answer.status_code == 400
        return answer

    def test_are_told_up_to_a_hundred(self, api, acme):
        answer = self.post(api, self.rule(acme, {"fact": 1}))

        details = answer.json()["error"]["details"]
        assert len(details) == 100
        assert details[-1]["message"].startswith("And ")
        assert details[-1]["message"].endswith(" more.")
        assert len(answer.content) < 20_000

    def test_are_not_needed_to_refuse_more_than_a_rule_may_have(self, api, acme):
        part = {"fact": "TRANSFER_AMOUNT", "operator": "EQUALS", "value": 1}
        answer = self.post(api, self.rule(acme, part))

        assert "max_length" in {detail["code"] for detail in answer.json()["error"]["details"]}

    def test_of_one_kind_are_counted_exactly(self):
        fault = {"field": "a", "code": "b", "message": "C."}

        assert len(InvalidRequest.with_details([fault] * 100).details) == 100
        details = InvalidRequest.with_details([fault] * 15_000).details
        assert details[-1]["message"] == "And 14,901 more."
