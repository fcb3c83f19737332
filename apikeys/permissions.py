"""Permission class of the API: what a key's scoped entries let it do."""

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apikeys.authentication import AuthenticatedKey
from apikeys.operations import operation_of


class HasScope(BasePermission):
    """Let a key through when an entry holds the scope that the action declares, and reaches what it is about.

    An action without a declaration is refused, so that forgetting one closes a door instead of opening it.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether any entry grants the action's scope, on whatever resource."""
        operation, key = operation_of(view), cast(AuthenticatedKey | None, request.auth)
        if operation is None or key is None:
            return False
        return operation.scope is None or key.has(operation.scope)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Say whether an entry of the scope reaches what the action's resource found."""
        operation, key = operation_of(view), cast(AuthenticatedKey | None, request.auth)
        if operation is None or operation.resource is None or operation.scope is None or key is None:
            return False
        return key.reaches(operation.scope, operation.resource.ids_of(obj))
