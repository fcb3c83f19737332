"""A query string is as strict as a body."""

import pytest

from accounts.models import Account
from tests.factories import PodFactory


class TestQuery:
    @pytest.fixture(autouse=True)
    def pod(self, acme):
        return PodFactory(organization=acme, name="Rent")

    @pytest.mark.parametrize(
        ("query", "field", "code"),
        [
            ("colour=red", "colour", "unknown_field"),
            ("Type=pod", "Type", "unknown_field"),
            ("=1", "", "unknown_field"),
            ("first=1&first=2", "first", "repeated"),
            ("first=1&first=1", "first", "repeated"),
            ("colour=1&colour=2", "colour", "repeated"),
            ("type=", "type", "invalid_choice"),
            ("type=POD", "type", "invalid_choice"),
            ("type=%00", "type", "invalid_choice"),
            ("first=", "first", "invalid"),
            ("first", "first", "invalid"),
            ("first=0", "first", "invalid"),
            ("first=101", "first", "invalid"),
            ("first=-1", "first", "invalid"),
            ("first=%2B1", "first", "invalid"),
            ("first=1.0", "first", "invalid"),
            ("first=1e1", "first", "invalid"),
            ("first=1_0", "first", "invalid"),
            ("first=%201", "first", "invalid"),
            ("first=%EF%BC%91", "first", "invalid"),
            ("first=" + "9" * 5000, "first", "invalid"),
            ("after=", "after", "blank"),
            ("after=x", "after", "bad_cursor"),
            ("after=%00", "after", "control_character"),
        ],
    )
    def test_is_refused_with(self, api, query, field, code):
        response = api.get(f"/accounts?{query}")

        error = response.json()["error"]
        assert response.status_code == 400
        assert error["code"] == "invalid_request"
        assert [(detail["field"], detail["code"]) for detail in error["details"]] == [(field, code)]

    def test_of_one_account_has_no_parameters(self, api, pod):
        assert api.get(f"/accounts/{pod.id}?first=1").status_code == 400

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_of_a_write_has_no_parameters(self, api, pod, method):
        response = api.request(method, f"/accounts/{pod.id}?dry_run=1", {"nickname": "New"})

        pod.refresh_from_db()
        assert response.status_code == 400
        assert (pod.name, pod.deleted_at) == ("Rent", None)

    def test_of_a_creation_has_no_parameters(self, api):
        assert api.post("/accounts/pods?nickname=x", {"nickname": "New"}).status_code == 400
        assert Account.objects.count() == 1

    def test_with_more_parameters_than_anybody_means_is_refused(self, api):
        query = "&".join(f"p{number}=1" for number in range(2000))

        assert api.get(f"/accounts?{query}").status_code == 400

    @pytest.mark.parametrize("query", ["", "&", "type=pod", "type=%70od", "first=1", "first=100", "first=01"])
    def test_may_be(self, api, query):
        assert [account["name"] for account in api.get(f"/accounts?{query}").json()["data"]] == ["Rent"]
