"""What a key's entries let through, at the door and on replays."""

import pytest
from django.test import RequestFactory

from apikeys.entries import parse_permissions
from apikeys.operations import operation
from apikeys.resolvers import Named
from apikeys.scopes import Scope
from apikeys.services import set_permissions
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.ids import new_id
from tests.apikeys.test_idempotency import key_of
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, manual, rule, step
from tests.rules.steps import write_enabled
from tests.transfers.steps import fund, post_transfer


def call(viewset, api, *, method="post", **variables):
    request = getattr(RequestFactory(), method)(
        "/api/v1/anything", content_type="application/json", headers=api.headers
    )
    request.request_id, request.has_bad_request_id = new_id("req"), False
    return viewset.as_view({method: "act"})(request, **variables)


class TestResource:
    @pytest.fixture
    def viewset(self):
        class Touching(KeyedViewSet):
            touched = []

            @operation(scope=Scope.EDIT_ACCOUNTS, action="ACT", summary="Touch", resource=Named("account_id"))
            def act(self, request, account_id):
                self.touched.append(self.found)
                return {}

        Touching.touched = []
        return Touching

    def test_is_checked_before_the_action_runs(self, client_with, pod, viewset):
        theirs = new_id("acc")
        api = client_with(f"EDIT_ACCOUNTS:{pod.id}")

        assert call(viewset, api, account_id=theirs).status_code == 403
        assert viewset.touched == []
        assert call(viewset, api, account_id=pod.id).status_code == 200
        assert viewset.touched == [pod.id]


class TestOperationWithoutScope:
    def test_may_be_called_with_any_valid_key_and_with_no_other(self, client_with, api):
        class Asking(KeyedViewSet):
            @operation(scope=None, action="ACT", summary="Ask")
            def act(self, request):
                return {"prefix": self.caller.prefix}

        assert call(Asking, client_with("LIST_RULES")).status_code == 200
        api.headers = {"Authorization": "ApiKey sk_nonsense"}
        assert call(Asking, api).status_code == 401


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


class TestReplay:
    """A stored answer is given out only to a key that may still make the call, on every route that writes."""

    @pytest.fixture
    def calls(self, api, acme, pod):
        income, rent = IncomeSourceFactory(organization=acme), pod
        fund(income, 500_00)
        ruled = write_enabled(
            api, rule(step(action("fixed_amount", income.id, rent.id, amount_in_cents=100)), trigger=manual(income.id))
        )
        waiting = post_transfer(api, income, rent, 1_00).json()["data"]["id"]
        pair = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 1_00}
        return {
            "edit": ("PATCH", f"/accounts/{rent.id}", {"nickname": "Home"}, "EDIT_ACCOUNTS"),
            "transfer": ("POST", "/transfers", pair, "MANUAL_TRANSFER"),
            "cancel": ("POST", f"/transfers/{waiting}/cancel", {}, "MANUAL_TRANSFER"),
            "trigger": ("POST", f"/rules/{ruled.id}/trigger", {}, "TRIGGER_RULES"),
        }

    @pytest.mark.parametrize("name", ["edit", "transfer", "cancel", "trigger"])
    def test_is_refused_to_a_key_that_lost_the_resource(self, api, calls, name):
        method, path, body, scope = calls[name]
        first = api.request(method, path, body, idempotency_key="k")
        other = {"MANUAL_TRANSFER": f"{new_id('acc')}>*", "TRIGGER_RULES": new_id("rule")}.get(scope, new_id("acc"))
        set_permissions(key_id=key_of(api).id, permissions=parse_permissions([f"{scope}:{other}"]), changed_by="test")

        again = api.request(method, path, body, idempotency_key="k")

        assert first.status_code in (200, 201, 202)
        assert (again.status_code, again.json()["error"]["code"]) == (403, "forbidden")
