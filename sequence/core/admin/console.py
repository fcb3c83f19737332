"""The console, the first page of the site: what waits for a person, what moved today, how the house stands.

Apps add to it when their admin loads, so that the page knows none of them. Each part names the permission it needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet
from django.urls import reverse

T = TypeVar("T")
Q = TypeVar("Q", bound=QuerySet[Any])

# Of each kind that waits: enough to begin with, few enough to see the next kind too.
SHOWN = 5


@dataclass(frozen=True)
class Look:
    """Which moment the console shows, and of which organization; None is all of them."""

    at: datetime
    organization_id: str | None = None

    @property
    def midnight(self) -> datetime:
        """The beginning of its day, UTC."""
        return self.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def list_of(self, model: type[Model], **query: str) -> str:
        """Return the address of the model's list, filtered by the query and the chosen organization."""
        if self.organization_id:
            query["organization"] = self.organization_id
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return f"{address}?{urlencode(query)}" if query else address

    def of(self, rows: Q) -> Q:
        """Return the rows of the chosen organization."""
        return rows.filter(organization_id=self.organization_id) if self.organization_id else rows


@dataclass(frozen=True)
class Item:
    """One thing that waits: what it is, what about it, where it is, and since when it waits."""

    text: str
    detail: str
    address: str
    since: datetime


@dataclass(frozen=True)
class Waiting:
    """A kind of thing that waits for a person. ``tone`` is warn or bad; ``items`` are the first few of ``count``."""

    title: str
    count: int
    address: str
    items: Sequence[Item]
    tone: str = "warn"

    @property
    def others(self) -> int:
        """How many are not shown."""
        return self.count - len(self.items)


@dataclass(frozen=True)
class Figure:
    """A sum of money of today, in cents, and what it is made of."""

    label: str
    cents: int
    detail: str
    address: str


@dataclass(frozen=True)
class Sign:
    """How one part of the house stands, in words. ``tone`` is good, warn or bad."""

    name: str
    tone: str
    words: str
    address: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page with a template of its own."""

    template: str
    facts: dict[str, Any]


@dataclass
class _Parts(Generic[T]):
    """What apps have added, each with its permission."""

    parts: list[tuple[str, Callable[[Look], T]]] = field(default_factory=list)

    def add(self, permission: str, find: Callable[[Look], T]) -> None:
        if (permission, find) not in self.parts:
            self.parts.append((permission, find))

    def seen_by(self, user: User | AnonymousUser, look: Look) -> list[T]:
        return [find(look) for permission, find in self.parts if user.has_perm(permission)]


_waiting: _Parts[Waiting] = _Parts()
_figures: _Parts[Figure] = _Parts()
_signs: _Parts[Sign | None] = _Parts()
_sections: _Parts[Section] = _Parts()
_organizations: _Parts[Sequence[tuple[str, str]]] = _Parts()

# Each takes the permission that is needed (``app.codename``) and the function that finds the part.
add_waiting = _waiting.add
add_figure = _figures.add
add_sign = _signs.add
add_section = _sections.add
# Offers the organizations that one can choose from, as (id, name).
offer_organizations = _organizations.add


def console_of(user: User | AnonymousUser, look: Look) -> dict[str, Any]:
    """Return what this person may see, for the page's template. What waits in vain is left out."""
    waiting = [kind for kind in _waiting.seen_by(user, look) if kind.count]
    return {
        "look": look,
        "waiting": waiting,
        "may_see_waiting": any(user.has_perm(permission) for permission, _ in _waiting.parts),
        "figures": _figures.seen_by(user, look),
        "signs": [sign for sign in _signs.seen_by(user, look) if sign],
        "sections": _sections.seen_by(user, look),
        "organizations": [choice for choices in _organizations.seen_by(user, look) for choice in choices],
    }


def wait_for_person(
    title: str, rows: "QuerySet[Any]", item_of: Callable[[Any], Item], *, address: str, tone: str = "warn"
) -> Waiting:
    """Return the rows as a kind of thing that waits: their number, and the first few in their order."""
    count = rows.count()
    items = [item_of(row) for row in rows[:SHOWN]] if count else []
    return Waiting(title, count, address, items, tone)
