"""``PATCH /accounts/{id}``"""

import pytest

from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory


class TestEditAccount:
    @pytest.fixture
    def pod(self, acme):
        return PodFactory(organization=acme, name="Rent", icon="house", description="Old", balance_cents=500)

    def patch(self, api, account, body):
        response = api.patch(f"/accounts/{account.id}", body)
        before = account.updated_at
        account.refresh_from_db()
        return response, account.updated_at > before

    def test_answers_with_the_whole_account(self, api, pod):
        response, was_touched = self.patch(api, pod, {"nickname": " Home ", "icon": "key", "description": "New"})

        assert response.status_code == 200
        assert response.json()["data"] == api.get(f"/accounts/{pod.id}").json()["data"]
        assert (pod.name, pod.icon, pod.description, pod.balance_cents) == ("Home", "key", "New", 500)
        assert was_touched

    @pytest.mark.parametrize(
        ("body", "kept"),
        [
            ({"nickname": "Home"}, ("Home", "house", "Old")),
            ({"icon": "key"}, ("Rent", "key", "Old")),
            ({"description": "New"}, ("Rent", "house", "New")),
            ({"description": ""}, ("Rent", "house", None)),
            ({"nickname": "Home", "icon": None, "description": None}, ("Home", "house", "Old")),
        ],
    )
    def test_changes_only_what_is_given(self, api, pod, body, kept):
        response, _ = self.patch(api, pod, body)

        assert response.status_code == 200
        assert (pod.name, pod.icon, pod.description) == kept

    @pytest.mark.parametrize("factory", [IncomeSourceFactory, ExternalAccountFactory])
    def test_renames_accounts_of_every_type(self, api, acme, factory):
        account = factory(organization=acme)

        response, _ = self.patch(api, account, {"nickname": "Renamed"})

        assert response.status_code == 200
        assert account.name == "Renamed"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "required"),
            (None, "required"),
            ({"icon": None}, "required"),
            ({"nickname": ""}, "blank"),
            ({"nickname": "x" * 101}, "max_length"),
            ({"nickname": 5}, "invalid"),
            ({"icon": ""}, "blank"),
            ({"nickname": "Home", "savings_target_in_cents": 5}, "unknown_field"),
            ({"nickname": "Home", "balance_in_cents": 5}, "unknown_field"),
            ({"nickname": "Home", "type": "pod"}, "unknown_field"),
            ({"nickname": "Home", "organization_id": "org_1"}, "unknown_field"),
        ],
    )
    def test_refuses_what_is_not_an_edit(self, api, pod, body, code):
        response, was_touched = self.patch(api, pod, body)

        assert response.status_code == 400
        assert response.json()["error"]["details"][0]["code"] == code
        assert (pod.name, pod.icon, pod.description, was_touched) == ("Rent", "house", "Old", False)
