"""What somebody searches for, in every way in which it can be read, and what the apps find by it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from sequence.core.admin.fields import Dollars
from sequence.core.admin.links import Link
from sequence.core.admin.period_filters import Span, read_span
from sequence.core.typing import Rows

M = TypeVar("M", bound=Model)

# Of each kind: enough to recognise what one looks for; a list with its filters is for more.
MOST_HITS = 8
# One letter is in nearly every name.
LEAST_LETTERS = 2


@dataclass(frozen=True)
class Asked:
    """A text that is searched for. ``cents`` is the amount and ``span`` the day or minute that it may mean."""

    text: str
    cents: int | None = None
    span: Span | None = None

    @property
    def is_word(self) -> bool:
        """Whether it is long enough to look for within names."""
        return len(self.text) >= LEAST_LETTERS


@dataclass(frozen=True)
class Hit:
    """One thing that was found: what it is, what about it, and its page. ``state`` is a word with its badge's tone.

    ``urgent`` names what nobody should have to look for on that page: the object, and the name of the page that asks.
    """

    text: str
    detail: str
    address: str
    state: tuple[str, str] | None = None
    urgent: tuple[Model, str] | None = None
    # What of that this person may do now: the words, and the address.
    offers: Sequence[Link] = ()


@dataclass(frozen=True)
class Hits:
    """Things of one kind: the first few, whether there are more, and the list that has all of them, if one does."""

    title: str
    hits: Sequence[Hit]
    has_more: bool = False
    address: str = ""


# A search of one kind, with the model whose pages it leads to: only who may see those is told.
FindHits = Callable[[Asked], Iterable[Hits]]
Search = tuple[type[Model], FindHits]
# Takes what was sent. Says whether a secret is in it, which must be shown and kept nowhere, and finds what it opens.
FindBySecret = Callable[[str], tuple[bool, Model | None]]


def read_asked(text: str) -> Asked:
    """Return the text with what it can mean."""
    return Asked(text, _cents_of(text), _span_of(text))


def gather(title: str, rows: Rows, hit_of: Callable[[M], Hit], *, address: str = "") -> Iterable[Hits]:
    """Yield the first of the rows as hits of one kind, if there are any. One query."""
    found = list(rows[: MOST_HITS + 1])
    if found:
        yield Hits(title, [hit_of(row) for row in found[:MOST_HITS]], len(found) > MOST_HITS, address)


def address_of_list(model: type[Model], **query: str) -> str:
    """Return the address of the model's list under these filters."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(query)}"


def moment(at: datetime) -> str:
    """Return an instant as a hit tells it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _cents_of(text: str) -> int | None:
    try:
        return Dollars(min_cents=1, required=False).clean(text)
    except ValidationError:
        return None


def _span_of(text: str) -> Span | None:
    try:
        return read_span(text)
    except ValidationError:
        return None
