"""Which days a page is about: a usual period, or two dates. Days are whole, in UTC."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from django import forms
from django.core.validators import MinValueValidator

from sequence.core import clock
from sequence.core.periods import day_of, first_day, midnight
from sequence.core.typing import Context

# Nothing here is older, and arithmetic with the calendar's first day would fall off it.
EARLIEST = date(2000, 1, 1)
DEFAULT = "30"
# What is said of a period that begins after today: of such days nothing is known, and a last day is today at the most.
YET_TO_COME = "This day is yet to come."
PERIODS = [
    ("7", "The last 7 days"),
    (DEFAULT, "The last 30 days"),
    ("90", "The last 90 days"),
    ("365", "The last 365 days"),
    ("this_month", "This month"),
    ("last_month", "Last month"),
]


@dataclass(frozen=True)
class Period:
    """Whole days, from the first instant of ``first`` to the last of ``last``."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"

    @property
    def since(self) -> datetime:
        return midnight(self.first)

    @property
    def until(self) -> datetime:
        """The first instant after the period."""
        return midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def within(self, field: str) -> dict[str, datetime]:
        """Return the lookups that keep rows whose ``field`` lies in the period."""
        return {f"{field}__gte": self.since, f"{field}__lt": self.until}


def usual_period(name: str, today: date) -> Period:
    """Return the period that one of ``PERIODS`` names, as of today."""
    month = first_day("month", today)
    if name == "this_month":
        return Period(month, today)
    if name == "last_month":
        last = month - timedelta(days=1)
        return Period(first_day("month", last), last)
    return Period(today - timedelta(days=int(name) - 1), today)


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=False, label=label, widget=widget, validators=[MinValueValidator(EARLIEST)])


class PeriodForm(forms.Form):
    """A usual period; dates that are given take its place, and the second one is today if it is empty.

    Read by GET, so that a page can be kept and passed on.
    """

    default: ClassVar[str] = DEFAULT
    period = forms.ChoiceField(choices=PERIODS, required=False)
    since = _day("or from")
    until = _day("to")

    def __init__(self, given: Context) -> None:
        super().__init__({"period": self.default, **given})

    def clean(self) -> Context:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if until and not since and "since" not in self.errors:
            self.add_error("since", "Say from which day on.")
        if since and since > _today():
            self.add_error("since", YET_TO_COME)
        elif since and until and since > until:
            self.add_error("since", "This is after the last day.")
        return cleaned

    def chosen(self) -> Period:
        """Return the period that was asked for, or the default one while the form has faults."""
        if not self.is_valid():
            return usual_period(self.default, _today())
        if self.cleaned_data["since"]:
            return Period(self.cleaned_data["since"], min(self.cleaned_data["until"] or _today(), _today()))
        return usual_period(self.cleaned_data["period"] or self.default, _today())


def _today() -> date:
    return day_of(clock.now())
