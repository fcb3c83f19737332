"""Permission class of the API: what a key's scoped entries let it do."""

from typing import cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apikeys.authentication import AuthenticatedKey
from apikeys.operations import operation_of
from apikeys.resolvers import Ids
from apikeys.scopes import Scope
from sequence.core.errors import Forbidden


class HasScope(BasePermission):
    """Let a key through when an entry holds the scope that the action declares, and reaches what it is about.

    An action without a declaration is refused, so that forgetting one closes a door instead of opening it.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether entries grant every scope that the action needs. Raises Forbidden for one that none does."""
        operation, key = operation_of(view), cast(AuthenticatedKey | None, request.auth)
        if operation is None or key is None:
            return False
        for need in operation.needs:
            if not key.has(need.scope) and not (operation.named_by and key.named(operation.named_by)):
                raise Forbidden.for_want_of(need.scope)
        return True

    def has_object_permission(self, request: Request, view: APIView, obj: tuple[Scope, Ids]) -> bool:
        """Say whether an entry of the scope reaches one of the ids; ``obj`` is a scope and ids."""
        scope, ids = obj
        key = cast(AuthenticatedKey | None, request.auth)
        return key is not None and key.reaches(scope, ids)
