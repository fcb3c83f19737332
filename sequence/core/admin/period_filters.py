"""Filters of a period in UTC, both of whose ends belong to it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError

from sequence.core import clock
from sequence.core.admin.filters import MAX_TEXT, Filter, FilterForm
from sequence.core.periods import day_of, first_day
from sequence.core.typing import Rows

# "The last days" of the quick choice: today and the six before it.
LAST_DAYS = 7


@dataclass(frozen=True)
class Span:
    """A day, a minute or a second in UTC, as it was written."""

    text: str
    begins_at: datetime
    ends_at: datetime


_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?)?(?: ?(?:Z|UTC))?", re.ASCII)


class Bound(Filter[Span]):
    """One end of a period. Both ends are inclusive: the whole day, minute or second that is named belongs to it."""

    def __init__(self, name: str, label: str, column: str, *, after: str | None = None) -> None:
        """``after`` names the filter of the beginning, if this is the end."""
        super().__init__(name, label)
        self.column = column
        self.after = after

    def field(self) -> forms.Field:
        widget = forms.TextInput(attrs={"placeholder": "2026-01-31 12:00", "title": "A day or a minute, UTC."})
        return forms.CharField(required=False, label=self.label, max_length=MAX_TEXT, widget=widget)

    def find(self, text: str, form: "FilterForm") -> Span:
        span = read_span(text)
        begin = form.cleaned_data.get(self.after) if self.after else None
        if isinstance(begin, Span) and span.ends_at <= begin.begins_at:
            raise ValidationError("This is before the beginning.", code="backwards")
        return span

    def narrow(self, rows: Rows, found: Span) -> Rows:
        if self.after is None:
            return rows.filter(**{f"{self.column}__gte": found.begins_at})
        return rows.filter(**{f"{self.column}__lt": found.ends_at})

    def tell(self, found: Span) -> str:
        return found.text


def period(column: str) -> list[Filter]:
    """Return the two filters of a period; lists with them offer quick choices too."""
    return [Bound("from", "From (UTC)", column), Bound("to", "To (UTC)", column, after="from")]


def read_span(text: str) -> Span:
    """Return what ``2026-01-31``, ``2026-01-31 12:00`` or ``2026-01-31T12:00:30Z`` names. Raises ValidationError."""
    match = _SPAN.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        day, minute, second = match.groups()
        begins_at = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ''}").replace(tzinfo=UTC)
        length = timedelta(seconds=1) if second else timedelta(minutes=1) if minute else timedelta(days=1)
        return Span(text, begins_at, begins_at + length)
    except (ValueError, OverflowError):
        message = "Write a day or a time in UTC, such as 2026-01-31 or 2026-01-31 12:00."
        raise ValidationError(message, code="invalid") from None


def quick_choices(form: FilterForm) -> list[tuple[str, str]]:
    """Return the words and addresses of the periods that are asked for most; none for a list without a period."""
    if "from" not in form.fields:
        return []
    today = day_of(clock.now())
    begins = {
        "Today": today,
        f"Last {LAST_DAYS} days": today - timedelta(days=LAST_DAYS - 1),
        "This month": first_day("month", today),
    }
    return [(words, form.address(**{"from": day.isoformat(), "to": None})) for words, day in begins.items()]
