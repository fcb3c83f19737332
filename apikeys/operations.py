"""Operation: what one endpoint needs and gives, declared on the method that answers it."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from apikeys.resolvers import Resource
from apikeys.scopes import ResourceKind, Scope
from sequence.core.api.fields import NoFields, StrictSerializer
from sequence.core.errors import DomainError


class Door(Protocol):
    """The viewset that an operation stands on, as far as operations know it."""

    def answer(self, operation: "Operation", action: Callable[[], Any]) -> HttpResponse: ...


Action = TypeVar("Action", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one endpoint needs and gives; the door enforces it and the OpenAPI document tells it.

    ``scope`` is None where any valid key may call; a paused one is refused even there, unless ``answers_paused``.
    ``resource`` finds what the request is about, and is missing exactly where the scope takes no resources: anything
    else raises ImproperlyConfigured when the code is loaded.
    ``response`` and ``status`` describe success; ``refusals`` lists what only this operation refuses. A list with
    ``has_pages`` shows a first page where no size is asked for, any other list everything. ``description`` says what
    summary, scope and refusals leave open; the examples are a body, and the ``data`` of the answer to it.
    """

    scope: Scope | None
    summary: str
    answers_paused: bool = False
    description: str = ""
    body: type[StrictSerializer] = NoFields
    query: type[StrictSerializer] = NoFields
    resource: Resource | None = None
    response: type[Serializer] | None = None
    is_list: bool = False
    has_pages: bool = False
    status: int = 200
    refusals: tuple[type[DomainError], ...] = ()
    example_body: Mapping[str, Any] | None = None
    example: Any = None

    def __post_init__(self) -> None:
        takes_resources = self.scope is not None and self.scope.resource_kind is not ResourceKind.NONE
        if takes_resources and self.resource is None:
            raise ImproperlyConfigured(f"{self.summary!r} needs {self.scope} and names no resource to check it for.")
        if self.resource is not None and not takes_resources:
            raise ImproperlyConfigured(f"{self.summary!r} names a resource, which {self.scope} is not limited to.")


def operation(*, scope: Scope | None, summary: str, **declared: Any) -> Callable[[Action], Action]:
    """Decorate a viewset's method with what it needs and gives: see Operation.

    The method takes the request and the variables of its address, finds its validated input in ``self.body`` and
    ``self.query`` and what ``resource`` found in ``self.found``, and returns the ``data`` of the answer, a Page, or a
    whole HttpResponse. A method without this decorator cannot be called from outside.
    """
    described = Operation(scope=scope, summary=summary, **declared)

    def decorate(action: Action) -> Action:
        @functools.wraps(action)
        def endpoint(view: Door, request: Request, **variables: object) -> HttpResponse:
            return view.answer(described, functools.partial(action, view, request, **variables))

        endpoint.operation = described  # type: ignore[attr-defined]
        return cast(Action, endpoint)

    return decorate


def operation_of(view: Any) -> Operation | None:
    """Return what the view's present action declares, or None for one that declares nothing."""
    return getattr(getattr(view, view.action or "", None), "operation", None)
