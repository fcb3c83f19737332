"""No byte of one organization ever reaches another, and a key sees only what its list allows."""

import pytest

from accounts.models import Account
from sequence.core.api.ids import new_id
from tests.factories import PodFactory


def requests_about(account_id: str):
    return [
        ("GET", f"/accounts/{account_id}", None),
        ("PATCH", f"/accounts/{account_id}", {"nickname": "Stolen"}),
        ("DELETE", f"/accounts/{account_id}", None),
    ]


class TestAnotherOrganization:
    @pytest.fixture
    def secret(self, globex):
        return PodFactory(organization=globex, name="Secret of Globex")

    def test_is_told_exactly_what_it_is_told_of_nothing(self, api, secret):
        for theirs, missing in zip(requests_about(secret.id), requests_about(new_id("acc")), strict=True):
            for idempotency_key in [None, "k" + theirs[0]]:
                options = {"headers": {"X-Request-ID": "r"}}
                answer = api.request(*theirs, idempotency_key=idempotency_key and idempotency_key + "1", **options)
                nothing = api.request(*missing, idempotency_key=idempotency_key and idempotency_key + "2", **options)

                assert answer.status_code == 404
                assert answer.content == nothing.content
        secret.refresh_from_db()
        assert (secret.name, secret.deleted_at) == ("Secret of Globex", None)

    def test_sees_nothing_of_it_in_lists(self, api, acme, secret):
        PodFactory(organization=acme, name="Mine")

        for path in ["/accounts", "/accounts?type=pod", "/accounts?first=100"]:
            response = api.get(path)
            assert [account["name"] for account in response.json()["data"]] == ["Mine"]
            assert secret.id not in response.content.decode()

    def test_creates_nothing_in_it(self, api, acme, globex):
        for path in ["/accounts/pods", "/accounts/income-sources"]:
            api.post(path, {"nickname": "Mine"})

        assert not Account.objects.for_organization(globex.id).exists()
        assert Account.objects.for_organization(acme.id).count() == 2

    def test_cannot_be_reached_by_naming_its_id_in_a_permission(self, client_with, secret):
        api = client_with(f"READ_ACCOUNTS:{secret.id}", f"EDIT_ACCOUNTS:{secret.id}")

        for request in requests_about(secret.id):
            assert api.request(*request).status_code == 404
        secret.refresh_from_db()
        assert secret.name == "Secret of Globex"


class TestResources:
    """``403`` or ``404``: a key without ``*`` learns nothing about what exists."""

    @pytest.fixture
    def mine(self, acme):
        return PodFactory(organization=acme, name="Mine")

    @pytest.fixture
    def other(self, acme):
        return PodFactory(organization=acme, name="Other")

    def test_on_the_list_are_reached(self, client_with, mine):
        api = client_with(f"READ_ACCOUNTS:{new_id('acc')},{mine.id}", f"EDIT_ACCOUNTS:{mine.id}")

        assert [api.request(*request).status_code for request in requests_about(mine.id)] == [200, 200, 204]

    def test_off_the_list_are_forbidden_alike_whether_they_exist_or_not(self, client_with, globex, mine, other):
        api = client_with(f"READ_ACCOUNTS:{mine.id}", f"EDIT_ACCOUNTS:{mine.id}")
        deleted = PodFactory(organization=mine.organization)
        deleted.delete_softly()

        for account_id in [
            other.id,
            deleted.id,
            PodFactory(organization=globex).id,
            new_id("acc"),
            mine.id.lower(),
            mine.id.replace("acc_", "rule_"),
            mine.id + "x",
            "*",
        ]:
            for method, path, body in requests_about(account_id):
                response = api.request(method, path, body)
                assert response.status_code == 403
                assert response.json()["error"] == {
                    "code": "forbidden",
                    "message": "This API key does not have the required permission.",
                }
        other.refresh_from_db()
        assert (other.name, other.deleted_at) == ("Other", None)

    @pytest.mark.parametrize(
        "account_id",
        ["nonsense", "acc_", "acc_1", "*", "acc_" + "Z" * 26, "%00", "%F0%9F%98%80", "a" * 5000, "..", "null"],
    )
    def test_that_are_malformed_are_simply_not_found_by_a_key_for_everything(self, api, account_id):
        for request in requests_about(account_id):
            response = api.request(*request)
            assert response.status_code == 404
            assert response.json()["error"]["message"] == "Account not found."

    def test_spelled_differently_are_not_found_by_a_key_for_everything(self, api, mine):
        for account_id in [mine.id.lower(), mine.id.replace("acc_", "rule_"), mine.id[4:], mine.id + "%20"]:
            assert api.get(f"/accounts/{account_id}").status_code == 404

    def test_of_several_entries_add_up(self, client_with, mine, other):
        api = client_with(f"READ_ACCOUNTS:{mine.id}", f"READ_ACCOUNTS:{other.id}")

        assert api.get(f"/accounts/{mine.id}").status_code == api.get(f"/accounts/{other.id}").status_code == 200

    def test_of_one_scope_open_no_other(self, client_with, mine):
        api = client_with("READ_ACCOUNTS:*", f"EDIT_ACCOUNTS:{new_id('acc')}")

        assert [api.request(*request).status_code for request in requests_about(mine.id)] == [200, 403, 403]

    def test_that_are_deleted_match_nothing_and_end_no_entry(self, client_with, mine, other):
        api = client_with(f"READ_ACCOUNTS:{mine.id},{other.id}")
        mine.delete_softly()

        assert api.get(f"/accounts/{mine.id}").status_code == 404
        assert api.get(f"/accounts/{other.id}").status_code == 200
