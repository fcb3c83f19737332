"""A repeated Idempotency-Key with another request is refused."""

import pytest

from accounts.models import Account
from apikeys.models import IdempotencyRecord
from tests.apikeys.repeats import INCOME, KEY, PODS


class TestMismatch:
    FIRST = {"nickname": "Rent", "icon": "house", "savings_target_in_cents": 5}

    @pytest.fixture(autouse=True)
    def _first(self, api):
        api.post(PODS, self.FIRST, idempotency_key=KEY)

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({**FIRST, "nickname": "Food"}, ["nickname"]),
            ({**FIRST, "nickname": "Food", "icon": "x"}, ["icon", "nickname"]),
            ({**FIRST, "description": "New"}, ["description"]),
            ({"nickname": "Rent", "icon": "house"}, ["savings_target_in_cents"]),
            ({**FIRST, "savings_target_in_cents": 5.0}, ["savings_target_in_cents"]),
            ({**FIRST, "icon": None}, ["icon"]),
            ({}, ["icon", "nickname", "savings_target_in_cents"]),
            ({**FIRST, "nickname": {"a": 1}}, ["nickname"]),
        ],
    )
    def test_names_the_fields_that_differ(self, api, body, fields):
        response = api.post(PODS, body, idempotency_key=KEY)

        error = response.json()["error"]
        assert response.status_code == 400
        assert error["code"] == "idempotency_key_mismatch"
        assert [detail["field"] for detail in error["details"]] == fields
        assert {detail["code"] for detail in error["details"]} == {"mismatch"}
        assert Account.objects.count() == 1

    def test_of_the_path_or_method_names_the_first_ones(self, api):
        pod_id = Account.objects.get().id
        for method, path in [("POST", INCOME), ("PATCH", f"/accounts/{pod_id}"), ("DELETE", f"/accounts/{pod_id}")]:
            response = api.request(method, path, {"nickname": "Rent"}, idempotency_key=KEY)

            assert response.status_code == 400
            assert response.json()["error"]["code"] == "idempotency_key_mismatch"
            assert "POST /api/v1/accounts/pods" in response.json()["error"]["message"]
        assert list(Account.objects.values_list("name", "deleted_at")) == [("Rent", None)]

    def test_leaves_the_record_as_it_was(self, api):
        record = IdempotencyRecord.objects.values().get()
        api.post(PODS, {"nickname": "Food"}, idempotency_key=KEY)

        assert IdempotencyRecord.objects.values().get() == record
        assert api.post(PODS, self.FIRST, idempotency_key=KEY).headers["Idempotent-Replayed"] == "true"


class TestNestedMismatch:
    """No body of an account nests; rules will. Any field may be sent, since idempotency comes before validation."""

    @pytest.fixture(autouse=True)
    def _any_body(self, monkeypatch):
        monkeypatch.setattr(
            "apikeys.viewsets.KeyedViewSet.authorize", lambda self, *_: setattr(self, "body", {"nickname": "x"})
        )

    @pytest.mark.parametrize(
        ("before", "now", "fields"),
        [
            ({"a": {"b": [{"c": 1}, {"c": 2}]}}, {"a": {"b": [{"c": 1}, {"c": 3}]}}, ["a.b[1].c"]),
            ({"a": [1, 2]}, {"a": [1, 2, 3]}, ["a"]),
            ({"a": [1, 2]}, {"a": [2, 1]}, ["a[0]", "a[1]"]),
            ({"a": {"b": 1}}, {"a": {"c": 1}}, ["a.b", "a.c"]),
            ({"a": {"b": 1}}, {"a": [1]}, ["a"]),
            ({"a": 1}, {"a": True}, ["a"]),
            ({"a": 0}, {"a": False}, ["a"]),
            ({"a": 1}, {"a": 1.0}, ["a"]),
            ({"a": None}, {}, ["a"]),
            ({"a": "1"}, {"a": 1}, ["a"]),
            ({"a": ""}, {"a": None}, ["a"]),
            ({"a": {}}, {"a": []}, ["a"]),
        ],
    )
    def test_names_the_innermost_fields_that_differ(self, api, before, now, fields):
        assert api.post(PODS, before, idempotency_key=KEY).status_code == 201

        error = api.post(PODS, now, idempotency_key=KEY).json()["error"]

        assert error["code"] == "idempotency_key_mismatch"
        assert [detail["field"] for detail in error["details"]] == fields
        assert Account.objects.count() == 1
