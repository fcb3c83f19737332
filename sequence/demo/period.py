"""Period that the demo lives through, and the days in it on which things happen. All in UTC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

YEAR_DAYS = 365
OPENING_TIME = time(7, tzinfo=UTC)
# Pay comes every other Friday, counted from this one.
A_PAYDAY = date(2026, 1, 2)
PAYDAYS_APART = timedelta(days=14)


@dataclass(frozen=True)
class Period:
    """From the morning on which the household opens its accounts to the present."""

    begin: datetime
    end: datetime

    @classmethod
    def until(cls, end: datetime, *, days: int = YEAR_DAYS) -> "Period":
        return cls(datetime.combine(end.date() - timedelta(days=days), OPENING_TIME), end)

    def holds(self, moment: datetime) -> bool:
        return self.begin < moment <= self.end

    def monthly(self, day: int, at: time) -> Iterator[datetime]:
        """Yield that day of every month, 28 at most."""
        return self._each(at, lambda today: today.day == day)

    def weekly(self, weekday: int, at: time) -> Iterator[datetime]:
        """Yield that day of every week; Monday is 0."""
        return self._each(at, lambda today: today.weekday() == weekday)

    def paydays(self, at: time) -> Iterator[datetime]:
        return self._each(at, lambda today: not (today - A_PAYDAY) % PAYDAYS_APART)

    def before_end(self, days: int, at: time) -> datetime:
        """Return the moment on the day so many days before the last one."""
        return _at(self.end.date() - timedelta(days=days), at)

    def ago(self, **duration: float) -> datetime:
        """Return the moment so long before the end."""
        return self.end - timedelta(**duration)

    def today(self, **duration: float) -> datetime:
        """Return the moment so long before the end, or midnight if that would be yesterday."""
        midnight = _at(self.end.date(), time.min)
        return max(midnight, self.ago(**duration))

    def _each(self, at: time, is_wanted: Callable[[date], bool]) -> Iterator[datetime]:
        day = self.begin.date()
        while day <= self.end.date():
            if is_wanted(day) and self.holds(_at(day, at)):
                yield _at(day, at)
            day += timedelta(days=1)


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=UTC)
