"""Every address of the API: what it needs, and how it refuses. An address without a row here fails."""

import re

import pytest
from django.test import RequestFactory

from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.ids import new_id
from sequence.urls import api as addresses
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS

ROUTES = [
    ("GET", "accounts", Scope.LIST_ACCOUNTS),
    ("POST", "accounts/income-sources", Scope.CREATE_ACCOUNTS),
    ("POST", "accounts/pods", Scope.CREATE_ACCOUNTS),
    ("GET", "accounts/<account_id>", Scope.READ_ACCOUNTS),
    ("PATCH", "accounts/<account_id>", Scope.EDIT_ACCOUNTS),
    ("DELETE", "accounts/<account_id>", Scope.EDIT_ACCOUNTS),
    ("GET", "accounts/<account_id>/balance", Scope.READ_ACCOUNTS),
    ("GET", "transfers", Scope.READ_TRANSFERS),
    ("POST", "transfers", Scope.MANUAL_TRANSFER),
    ("GET", "transfers/<transfer_id>", Scope.READ_TRANSFERS),
    ("POST", "transfers/<transfer_id>/cancel", Scope.MANUAL_TRANSFER),
    ("GET", "cards", Scope.READ_CARDS),
    ("GET", "cards/<card_id>", Scope.READ_CARDS),
    ("GET", "cards/<card_id>/transactions", Scope.READ_CARDS),
    ("GET", "rules", Scope.LIST_RULES),
    ("POST", "rules", Scope.CREATE_AND_EDIT_RULES),
    ("GET", "rules/<rule_id>", Scope.READ_RULES),
    ("PUT", "rules/<rule_id>", Scope.CREATE_AND_EDIT_RULES),
    ("DELETE", "rules/<rule_id>", Scope.CREATE_AND_EDIT_RULES),
    ("GET", "rules/<rule_id>/versions", Scope.READ_RULES),
    ("GET", "rules/<rule_id>/why-not", Scope.READ_RULES),
    ("POST", "rules/<rule_id>/trigger", Scope.TRIGGER_RULES),
    ("GET", "rules/<rule_id>/replays", Scope.READ_RULES),
    ("POST", "rules/<rule_id>/replays", Scope.READ_RULES),
    ("GET", "rule-replays/<rule_replay_id>", Scope.READ_RULES),
    ("GET", "rule-executions", Scope.READ_RULE_EXECUTIONS),
    ("GET", "rule-executions/<rule_execution_id>", Scope.READ_RULE_EXECUTIONS),
    ("POST", "transfers/dry-run", Scope.MANUAL_TRANSFER),
    ("GET", "audit-logs", Scope.READ_AUDIT_LOGS),
    ("GET", "audit-logs/head", Scope.READ_AUDIT_LOGS),
    ("GET", "audit-logs/keys", Scope.READ_AUDIT_LOGS),
    ("GET", "events", Scope.READ_EVENTS),
    ("GET", "events/<event_id>", Scope.READ_EVENTS),
    ("GET", "events/<event_id>/deliveries", Scope.READ_EVENTS),
    ("GET", "key", None),
    ("GET", "idempotency-keys/<path:idempotency_key>", None),
    ("POST", "key/pause", None),
]
# What some need beside that scope.
ALSO = {
    ("GET", "rules/<rule_id>/why-not"): [Scope.READ_TRANSFERS],
    ("GET", "rules/<rule_id>/replays"): [Scope.READ_TRANSFERS],
    ("POST", "rules/<rule_id>/replays"): [Scope.READ_TRANSFERS],
    ("GET", "rule-replays/<rule_replay_id>"): [Scope.READ_TRANSFERS],
}
# Addresses that need no key: the document, and the one that says that there is nothing.
OPEN = {"schema", ""}
# What stands in an address for something that does not exist.
MISSING = {
    "account_id": "acc",
    "transfer_id": "txr",
    "card_id": "card",
    "rule_id": "rule",
    "rule_execution_id": "rex",
    "rule_replay_id": "rpl",
    "idempotency_key": "req",
    "event_id": "evt",
}

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
PATHS = sorted({path for _, path, _ in ROUTES})

each_route = pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
each_scoped_route = pytest.mark.parametrize(("method", "path", "scope"), [route for route in ROUTES if route[2]])
each_path = pytest.mark.parametrize("path", PATHS)


def keyed_routes() -> set[tuple[str, str]]:
    return {
        (method.upper(), str(address.pattern))
        for address in addresses
        if str(address.pattern) not in OPEN
        for method in address.callback.actions
        if method != "head"
    }


def url(path: str) -> str:
    return "/" + re.sub("<(?:path:)?([a-z_]+)>", lambda name: new_id(MISSING[name[1]]), path)


def allowed_methods(path: str) -> set[str]:
    allowed = {method for method, of_path, _ in ROUTES if of_path == path}
    return allowed | {"HEAD"} if "GET" in allowed else allowed


class TestRoutes:
    def test_are_all_in_the_table_of_this_file(self):
        assert keyed_routes() == {(method, path) for method, path, _ in ROUTES}

    def test_all_stand_behind_a_key(self):
        keyed = [address.callback.cls for address in addresses if str(address.pattern) not in OPEN]

        assert keyed
        assert all(issubclass(view, KeyedViewSet) for view in keyed)

    @each_route
    def test_name_the_scope_of_the_contract(self, method, path, scope):
        [address] = [address for address in addresses if str(address.pattern) == path]
        action = address.callback.actions[method.lower()]

        operation = getattr(address.callback.cls, action).operation
        assert operation.scope is scope
        assert [need.scope for need in operation.also] == ALSO.get((method, path), [])

    @each_route
    def test_refuse_a_request_without_a_key(self, db, method, path, scope):
        response = Api(None).request(method, url(path))

        assert response.status_code == 401
        error = response.json()["error"]
        assert list(error) == ["code", "message", "details"]
        assert (error["code"], error["message"]) == ("unauthorized", "Missing or invalid API key.")
        assert [(detail["field"], detail["code"]) for detail in error["details"]] == [("Authorization", "missing")]
        assert response.headers["WWW-Authenticate"] == "ApiKey"

    @each_scoped_route
    def test_refuse_a_key_that_has_every_other_scope(self, client_with, method, path, scope):
        for missing in [scope, *ALSO.get((method, path), [])]:
            others = [text for text in ALL_PERMISSIONS if text.partition(":")[0] != missing]

            response = client_with(*others).request(method, url(path))

            assert response.status_code == 403
            assert response.json()["error"] == {
                "code": "forbidden",
                "message": "This API key does not have the required permission.",
                "details": [
                    {"field": "scope", "code": "missing_scope", "message": f"This operation needs {missing.value}."},
                ],
            }

    @each_scoped_route
    def test_let_a_key_in_that_has_what_they_need_alone(self, client_with, method, path, scope):
        needed = {scope, *ALSO.get((method, path), [])}
        own = [text for text in ALL_PERMISSIONS if text.partition(":")[0] in needed]

        response = client_with(*own).request(method, url(path), {"nickname": "Any"})

        # What is wrong now is wrong with the request, or nothing is.
        assert response.status_code in {200, 201, 202, 204, 400, 404}

    @each_path
    def test_refuse_other_methods_and_name_the_possible_ones(self, db, path):
        for method in set(METHODS) - allowed_methods(path):
            response = Api(None).request(method, url(path))

            assert response.status_code == 405
            # An answer to HEAD has no body.
            assert method == "HEAD" or response.json()["error"]["code"] == "method_not_allowed"
            assert set(response.headers["Allow"].split(", ")) == allowed_methods(path)

    @each_path
    def test_have_no_trailing_slash(self, api, path):
        assert api.get(url(path) + "/").status_code == 404

    @pytest.mark.parametrize(
        "path",
        ["", "/", "/nothing", "/accounts/acc_1/more", "/Accounts", "//accounts", "/accounts/%2F", "/%00", "/%ff"],
    )
    def test_answer_unknown_addresses_in_the_envelope_without_a_key(self, db, path):
        for method in ["GET", "POST", "DELETE", "OPTIONS"]:
            response = Api(None).request(method, path)

            assert response.status_code == 404
            assert response.json()["error"] == {
                "code": "not_found",
                "message": "There is nothing at this address.",
            }


class TestActionWithoutOperation:
    @pytest.fixture
    def forgotten(self):
        class Forgotten(KeyedViewSet):
            was_called = False

            def destroy_everything(self, request):
                type(self).was_called = True
                return {}

        return Forgotten

    def test_cannot_be_called_even_with_every_permission(self, api, forgotten):
        request = RequestFactory().post("/api/v1/forgotten", headers=api.headers)
        request.request_id, request.has_bad_request_id = new_id("req"), False

        response = forgotten.as_view({"post": "destroy_everything"})(request)

        assert response.status_code == 403
        assert not forgotten.was_called
