"""An operation says what it needs, or it does not exist."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from apikeys.operations import Need, Operation, operation
from apikeys.resolvers import Named
from apikeys.scopes import ResourceKind, Scope

limited = pytest.mark.parametrize(
    "scope", [scope for scope in Scope if scope.resource_kind is not ResourceKind.NONE], ids=str
)
unlimited = pytest.mark.parametrize(
    "scope", [None, *(scope for scope in Scope if scope.resource_kind is ResourceKind.NONE)], ids=str
)


class TestOperation:
    @limited
    def test_of_a_scope_with_resources_names_one(self, scope):
        with pytest.raises(ImproperlyConfigured, match="names no resource"):
            Operation(scope=scope, action="ACT", summary="Forgotten")

    @unlimited
    def test_of_a_scope_without_resources_names_none(self, scope):
        with pytest.raises(ImproperlyConfigured, match="is not limited to"):
            Operation(scope=scope, action="ACT", summary="Confused", resource=Named("account_id"))

    @limited
    def test_with_a_further_scope_names_a_resource_for_that_too(self, scope):
        with pytest.raises(ImproperlyConfigured, match="names no resource"):
            Need(scope)

    def test_of_any_key_needs_nothing_further(self):
        with pytest.raises(ImproperlyConfigured, match="is not limited to"):
            Operation(scope=None, action="ACT", summary="Confused", also=(Need(Scope.LIST_RULES),))

    def test_says_whether_it_needs_a_scope(self):
        with pytest.raises(TypeError, match="scope"):
            operation(action="ACT", summary="Forgotten")
