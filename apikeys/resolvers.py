"""Resource resolvers: how an operation finds the accounts or rules that its scope must reach."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from apikeys.scopes import Scope
from sequence.core.errors import Forbidden, NotFound
from sequence.core.typing import JsonObject

F = TypeVar("F")

# Account or rule ids. For a scope on pairs: source and destination, None where the transfer has no such end.
Ids = Sequence[str | None]


class Caller(Protocol):
    """Whoever calls, as far as looking for a resource asks."""

    @property
    def organization_id(self) -> str: ...

    def reaches_everything(self, scope: Scope) -> bool: ...


class View(Protocol):
    """A request that was let in: what it is for, and what it says."""

    kwargs: dict[str, str]
    body: JsonObject
    query: JsonObject

    @property
    def caller(self) -> Caller: ...


class Resource(Protocol[F]):
    """What a request is about, told before the action runs, on replays too."""

    @property
    def label(self) -> str:
        """The name of it in the API's document."""
        ...

    def find(self, view: View, scope: Scope) -> F:
        """Return it. Raises Forbidden, or NotFound for a caller whose entries of the scope let them know that."""
        ...

    def demands_of(self, found: F) -> Sequence[Ids]:
        """Return ids, or a pair, of each of which the caller's entries must reach one, or the one pair."""
        ...


@dataclass(frozen=True)
class Named:
    """A resource that the address or the query names, whether it exists or not."""

    name: str

    @property
    def label(self) -> str:
        return self.name

    def find(self, view: View, scope: Scope) -> str:
        return _named(view, self.name)

    def demands_of(self, found: str) -> Sequence[Ids]:
        return ((found,),)


@dataclass(frozen=True)
class EachNamed:
    """Resources that the query names, every one of which must be reached, whether it exists or not."""

    name: str

    @property
    def label(self) -> str:
        return self.name

    def find(self, view: View, scope: Scope) -> Sequence[str]:
        named: Sequence[str] = view.query[self.name]
        return named

    def demands_of(self, found: Sequence[str]) -> Sequence[Ids]:
        return [(id,) for id in found]


@dataclass(frozen=True)
class PairInBody:
    """The source and destination that a body names, whether they exist or not."""

    source: str
    destination: str

    @property
    def label(self) -> str:
        return f"{self.source}, {self.destination}"

    def find(self, view: View, scope: Scope) -> Ids:
        return (view.body[self.source], view.body[self.destination])

    def demands_of(self, found: Ids) -> Sequence[Ids]:
        return (found,)


@dataclass(frozen=True)
class Found(Generic[F]):
    """An object that is reached through the accounts or the rule that it belongs to.

    ``get`` takes the organization's id and the object's, named like ``name`` in the address or the query. A caller
    whose entries hold no ``*`` gets the same refusal for an object that is missing as for one out of its reach.
    """

    name: str
    get: Callable[..., F]
    ids: Callable[[F], Ids]

    @property
    def label(self) -> str:
        return self.name

    def find(self, view: View, scope: Scope) -> F:
        caller = view.caller
        try:
            return self.get(organization_id=caller.organization_id, **{self.name: _named(view, self.name)})
        except NotFound:
            if caller.reaches_everything(scope):
                raise
            raise Forbidden() from None

    def demands_of(self, found: F) -> Sequence[Ids]:
        return (self.ids(found),)


@dataclass(frozen=True)
class Every:
    """All the accounts or rules that something touches, of which the caller's entries must reach each.

    ``ids`` tells them of a request. What it is about may be missing: NotFound is told to a caller with ``*`` alone.
    """

    label: str
    ids: Callable[[View], Ids]

    def find(self, view: View, scope: Scope) -> Ids:
        try:
            return self.ids(view)
        except NotFound:
            if view.caller.reaches_everything(scope):
                raise
            raise Forbidden() from None

    def demands_of(self, found: Ids) -> Sequence[Ids]:
        return [(id,) for id in found]


def _named(view: View, name: str) -> str:
    """Return an id that the address or the query gives."""
    return view.kwargs.get(name) or view.query[name]
