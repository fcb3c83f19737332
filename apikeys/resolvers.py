"""Resource resolvers: how an operation finds the accounts or rules that its scope must reach."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sequence.core.errors import Forbidden, NotFound

# Account or rule ids. For a scope on pairs: source and destination, None where the transfer has no such end.
Ids = Sequence[str | None]


class Resource(Protocol):
    """What a request is about, told before the action runs, on replays too."""

    @property
    def label(self) -> str:
        """The name of it in the API's document."""
        ...

    def find(self, view: Any) -> Any:
        """Return it. Raises Forbidden, or NotFound for a caller who may know that it is missing."""
        ...

    def ids_of(self, found: object) -> Ids:
        """Return the ids of which the caller's entries must reach one, or the one pair."""
        ...


@dataclass(frozen=True)
class Named:
    """A resource that the address or the query names, whether it exists or not."""

    name: str

    @property
    def label(self) -> str:
        return self.name

    def find(self, view: Any) -> str:
        return view.kwargs.get(self.name) or view.query[self.name]

    def ids_of(self, found: str) -> Ids:
        return (found,)


@dataclass(frozen=True)
class PairInBody:
    """The source and destination that a body names, whether they exist or not."""

    source: str
    destination: str

    @property
    def label(self) -> str:
        return f"{self.source}, {self.destination}"

    def find(self, view: Any) -> Ids:
        return (view.body[self.source], view.body[self.destination])

    def ids_of(self, found: Ids) -> Ids:
        return found


@dataclass(frozen=True)
class Found:
    """An object that is reached through the accounts or the rule that it belongs to.

    ``get`` takes the organization's id and the object's, named like the variable ``name`` of the address. A caller
    whose entries hold no ``*`` gets the same refusal for an object that is missing as for one out of its reach.
    """

    name: str
    get: Callable[..., Any]
    ids: Callable[[Any], Ids]

    @property
    def label(self) -> str:
        return self.name

    def find(self, view: Any) -> Any:
        caller = view.request.auth
        try:
            return self.get(organization_id=caller.organization_id, **{self.name: view.kwargs[self.name]})
        except NotFound:
            if caller.reaches_everything(view.operation.scope):
                raise
            raise Forbidden() from None

    def ids_of(self, found: object) -> Ids:
        return self.ids(found)
