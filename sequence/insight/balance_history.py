"""Balance history: what came and went on an account, day by day. From the ledger alone.

An external account has no postings: its balance is what its institution last told, so there is none to follow. What the
completed transfers moved there is known, and is all that is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import Trunc

from accounts.models import Account, AccountType
from sequence.core.admin.periods import Period
from sequence.core.periods import day_of, next_first_day
from sequence.core.typing import Context, Rows
from transfers.ledger import balance_at
from transfers.models import Posting, Status, Transfer

# More points than this are closer together than a screen can show; then weeks or months take the place of days.
MAX_POINTS = 400
_AN_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Point:
    """A day, week or month in which something moved. ``lost_cents`` is positive too; a balance is as of its end."""

    first: date
    last: date
    gained_cents: int
    lost_cents: int
    number: int
    balance_cents: int | None = None

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d}" if self.first == self.last else f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"


@dataclass(frozen=True)
class BalanceHistory:
    """``opening_cents`` is what was there before the period; None where no balance is known, then and later."""

    period: Period
    unit: str
    opening_cents: int | None
    points: list[Point]

    @property
    def closing_cents(self) -> int | None:
        return self.points[-1].balance_cents if self.points else self.opening_cents

    @property
    def gained_cents(self) -> int:
        return sum(point.gained_cents for point in self.points)

    @property
    def lost_cents(self) -> int:
        return sum(point.lost_cents for point in self.points)

    @property
    def highest_cents(self) -> int | None:
        return max(self.balances, default=None)

    @property
    def lowest_cents(self) -> int | None:
        return min(self.balances, default=None)

    @property
    def balances(self) -> list[int]:
        """The opening balance and those at the end of each point, where they are known."""
        known = [self.opening_cents, *(point.balance_cents for point in self.points)]
        return [cents for cents in known if cents is not None]


def read_balance_history(account: Account, period: Period) -> BalanceHistory:
    """Return the account's history in at most two queries and MAX_POINTS points, however many postings there are."""
    unit = unit_for(period)
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        return BalanceHistory(period, unit, None, list(_points(_transferred(account, period, unit), period, unit)))
    balance = opening = balance_at(account, period.since - _AN_INSTANT)
    points = []
    for point in _points(_posted(account, period, unit), period, unit):
        balance += point.gained_cents - point.lost_cents
        points.append(replace(point, balance_cents=balance))
    return BalanceHistory(period, unit, opening, points)


def unit_for(period: Period) -> str:
    """Return the smallest of day, week and month that keeps the points few."""
    if period.days <= MAX_POINTS:
        return "day"
    return "week" if period.days <= MAX_POINTS * 7 - 14 else "month"


def _posted(account: Account, period: Period, unit: str) -> list[Context]:
    rows = Posting.objects.filter(**period.within("posted_at"), account=account)
    return _sums(rows, "posted_at", unit, gained=Q(amount_cents__gt=0), lost=Q(amount_cents__lt=0))


def _transferred(account: Account, period: Period, unit: str) -> list[Context]:
    rows = Transfer.objects.touching(account.id).filter(**period.within("completed_at"), status=Status.COMPLETE)
    return _sums(rows, "completed_at", unit, gained=Q(destination=account), lost=Q(source=account))


def _sums(rows: Rows, field: str, unit: str, *, gained: Q, lost: Q) -> list[Context]:
    sums = rows.annotate(on=Trunc(field, unit, tzinfo=UTC)).values("on")
    sums = sums.annotate(
        gained=Sum("amount_cents", filter=gained, default=0),
        lost=Sum("amount_cents", filter=lost, default=0),
        number=Count("id"),
    )
    return list(sums.order_by("on"))


def _points(rows: Iterable[Context], period: Period, unit: str) -> Iterable[Point]:
    for row in rows:
        first, last = _days_of(row["on"], unit)
        yield Point(max(first, period.first), min(last, period.last), row["gained"], abs(row["lost"]), row["number"])


def _days_of(start: datetime, unit: str) -> tuple[date, date]:
    """Return the first and the last day of the day, week or month that starts there."""
    first = day_of(start)
    return first, next_first_day(unit, first) - timedelta(days=1)
