"""What the form of a permission entry offers to choose from."""

import pytest

from apikeys.resources import resources_of
from apikeys.scopes import ResourceKind
from sequence.core.admin.display import shorten
from tests.factories import PodFactory


def create_rule(api, pod, nickname=None):
    trigger = {"type": "MANUAL", "account_id": pod.id}
    other = api.post("/accounts/pods", {"nickname": "Other"}).json()["data"]["id"]
    action = {"type": "fixed_amount", "source": {"id": pod.id}, "destination": {"id": other}, "amount_in_cents": 100}
    body = {"nickname": nickname, "trigger": trigger, "steps": [{"conditions": None, "actions": [action]}]}
    response = api.post("/rules", body)
    assert response.status_code == 201, response.json()
    return response.json()["data"]["id"]


class TestResourcesOf:
    @pytest.fixture(autouse=True)
    def _somebody_else(self, globex):
        PodFactory(organization=globex, name="Not Acme's")

    def test_names_the_open_accounts_of_one_organization(self, api, acme):
        rent = PodFactory(organization=acme, name="Rent")
        gone = PodFactory(organization=acme, name="Gone")
        api.delete(f"/accounts/{gone.id}")

        assert resources_of(ResourceKind.ACCOUNT, acme.id) == [
            (rent.id, f"“Rent”: Pod, {shorten(rent.id)}, stays in the house.")
        ]

    def test_names_the_rules_of_one_organization(self, api, acme):
        pod = PodFactory(organization=acme)
        named, nameless, gone = (create_rule(api, pod, nickname) for nickname in ("Save", None, "Gone"))
        api.delete(f"/rules/{gone}")

        assert resources_of(ResourceKind.RULE, acme.id) == [(named, "Save"), (nameless, nameless)]
