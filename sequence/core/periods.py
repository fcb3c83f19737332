"""Periods of the calendar in UTC: a unit is ``day``, ``week`` (from Monday), ``month`` or ``year``."""

from datetime import UTC, date, datetime, time, timedelta

# How many days after its first one a later period has surely begun, and the one after that has not.
_REACH = {"day": 1, "week": 7, "month": 31, "year": 366}


def day_of(at: datetime) -> date:
    """Return the day that holds the instant."""
    return at.astimezone(UTC).date()


def first_day(unit: str, day: date) -> date:
    """Return the first day of the period that holds the day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def next_first_day(unit: str, day: date) -> date:
    """Return the first day after the period that holds the day."""
    return first_day(unit, first_day(unit, day) + timedelta(days=_REACH[unit]))


def midnight(day: date) -> datetime:
    """Return the first instant of the day."""
    return datetime.combine(day, time(), tzinfo=UTC)


def bounds(unit: str, at: datetime) -> tuple[datetime, datetime]:
    """Return where the period that holds the instant begins, and where the next one does."""
    day = day_of(at)
    return midnight(first_day(unit, day)), midnight(next_first_day(unit, day))
