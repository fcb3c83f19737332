"""Console, the first page of the site: what waits for a person, what moved today, how the house stands.

Which parts it has, and the permission that each needs, stands in the wiring.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Model, QuerySet
from django.urls import reverse

from sequence.core.periods import day_of, midnight
from sequence.core.typing import Context, Rows
from sequence.core.wired import wired

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Q = TypeVar("Q", bound=Rows)

# Of each kind that waits: enough to begin with, few enough to see the next kind too.
SHOWN = 5


@dataclass(frozen=True)
class ConsoleQuery:
    """Which moment the console shows, and of which organization; None is all of them."""

    at: datetime
    organization_id: str | None = None

    @property
    def midnight(self) -> datetime:
        """The beginning of its day, UTC."""
        return midnight(day_of(self.at))

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
class Queue:
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
class Tally:
    """A kind of thing that waits, counted by organization: its heading, how bad it is (warn or bad), and its list."""

    heading: str
    tone: str
    rows: Callable[[ConsoleQuery], Rows]
    model: type[Model]
    query: Mapping[str, str]

    def count(self, look: ConsoleQuery) -> dict[str, int]:
        """Return how many each organization has, if any. One query, of rows that an index of what waits holds."""
        numbers = self.rows(look).order_by().values_list("organization_id").annotate(number=Count("pk"))
        return dict(numbers)

    def address(self, look: ConsoleQuery) -> str:
        return look.list_of(self.model, **self.query)


@dataclass(frozen=True)
class Metric:
    """A sum of money of today, in cents, and what it is made of."""

    label: str
    cents: int
    detail: str
    address: str


@dataclass(frozen=True)
class HealthStatus:
    """How one part of the house stands, in words. ``tone`` is good, warn or bad."""

    name: str
    tone: str
    words: str
    address: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page with a template of its own."""

    template: str
    facts: Context


# The permission that is needed (``app.codename``), and the function that finds the part.
Part = tuple[str, Callable[[ConsoleQuery], T]]


def _seen_by(user: User | AnonymousUser, look: ConsoleQuery, parts: Iterable[Part[T]]) -> list[T]:
    """Return the parts of a table of the wiring that this person may see."""
    return [find(look) for permission, find in parts if user.has_perm(permission)]


def console_of(user: User | AnonymousUser, look: ConsoleQuery) -> Context:
    """Return what this person may see, for the page's template. What waits in vain is left out."""
    queues: Sequence[Part[Queue]] = wired("CONSOLE_QUEUES")
    waiting = [kind for kind in _seen_by(user, look, queues) if kind.count]
    return {
        "look": look,
        "waiting": waiting,
        "may_see_waiting": any(user.has_perm(permission) for permission, _ in queues),
        "figures": _seen_by(user, look, wired("CONSOLE_METRICS")),
        "signs": [sign for sign in _seen_by(user, look, wired("CONSOLE_HEALTH")) if sign],
        "sections": _seen_by(user, look, wired("CONSOLE_SECTIONS")),
        "organizations": [
            choice for choices in _seen_by(user, look, wired("CONSOLE_ORGANIZATIONS")) for choice in choices
        ],
    }


def tallies_of(user: User | AnonymousUser) -> list[Tally]:
    """Return what this person may count by organization."""
    tallies: Sequence[tuple[str, Tally]] = wired("CONSOLE_TALLIES")
    return [tally for permission, tally in tallies if user.has_perm(permission)]


def queue_of(
    title: str, rows: QuerySet[M, T], item_of: Callable[[T], Item], *, address: str, tone: str = "warn"
) -> Queue:
    """Return the rows as a kind of thing that waits: their number, and the first few in their order."""
    count = rows.count()
    items = [item_of(row) for row in rows[:SHOWN]] if count else []
    return Queue(title, count, address, items, tone)
