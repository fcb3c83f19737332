"""Operation: what one endpoint needs and gives, declared on the method that answers it."""

import functools
import re
from collections.abc import Callable
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

    def answer(self, operation: "Operation", action: Callable[[], object]) -> HttpResponse: ...


# How the audit log names what is done: CREATE_TRANSFER.
_is_action = re.compile("[A-Z]+(_[A-Z]+)*").fullmatch

Action = TypeVar("Action", bound=Callable[..., object])


@dataclass(frozen=True)
class Need:
    """A scope that the caller must hold, and what an entry of it must reach.

    Raises ImproperlyConfigured where a resource is missing that the scope takes, or is given to one that takes none.
    """

    scope: Scope
    resource: Resource | None = None

    def __post_init__(self) -> None:
        takes_resources = self.scope.resource_kind is not ResourceKind.NONE
        if takes_resources and self.resource is None:
            raise ImproperlyConfigured(f"A need of {self.scope} names no resource to check it for.")
        if self.resource is not None and not takes_resources:
            raise ImproperlyConfigured(f"A need names a resource, which {self.scope} is not limited to.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one endpoint needs and gives; the door enforces it and the OpenAPI document tells it.

    ``action`` is its name in the audit log, the vendor's word where there is one; without it ImproperlyConfigured is
    raised when the code is loaded.
    ``scope`` is None where any valid key may call; a paused one is refused even there, unless ``answers_paused``.
    ``named_by`` is a scope whose entries name ids: a key without ``scope`` may call too, to be told of these alone.
    ``resource`` finds what the request is about, and is missing exactly where the scope takes no resources: anything
    else raises ImproperlyConfigured when the code is loaded. ``also`` is what the caller needs beside that, all of it.
    ``only_asks`` is of a POST that changes nothing: it takes no Idempotency-Key into account, and counts as a read.
    ``response`` and ``status`` describe success; ``refusals`` lists what only this operation refuses. A list with
    ``has_pages`` shows a first page where no size is asked for, any other list everything. ``description`` says what
    summary, scope and refusals leave open.
    """

    scope: Scope | None
    summary: str
    action: str = ""
    answers_paused: bool = False
    only_asks: bool = False
    description: str = ""
    body: type[StrictSerializer] = NoFields
    query: type[StrictSerializer] = NoFields
    resource: Resource | None = None
    named_by: Scope | None = None
    also: tuple[Need, ...] = ()
    response: type[Serializer] | None = None
    is_list: bool = False
    has_pages: bool = False
    status: int = 200
    # The prefix of the id that its answer gives, in a dialect whose ids have none.
    makes: str = ""
    refusals: tuple[type[DomainError], ...] = ()

    def __post_init__(self) -> None:
        if not _is_action(self.action):
            raise ImproperlyConfigured(f"{self.summary!r} has no action that the audit log could name: READ_SOMETHING.")
        if self.scope is None and (self.resource or self.also):
            raise ImproperlyConfigured(f"{self.summary!r} is anybody's, and is not limited to what it names.")
        _ = self.needs

    @property
    def needs(self) -> tuple[Need, ...]:
        """Everything that the caller needs, in the order in which it is checked; nothing where any key may call."""
        return () if self.scope is None else (Need(self.scope, self.resource), *self.also)


def operation(
    *, scope: Scope | None, summary: str, kind: type[Operation] = Operation, **declared: Any
) -> Callable[[Action], Action]:
    """Decorate a viewset's method with what it needs and gives: see Operation.

    The method takes the request and the variables of its address, and finds its validated input in ``self.body`` and
    ``self.query``, what ``resource`` found in ``self.found`` and what ``also`` did in ``self.also_found``. It returns
    the ``data`` of the answer, a Page, or a whole HttpResponse. A method without this decorator cannot be called from
    outside.
    """
    described = kind(scope=scope, summary=summary, **declared)

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
