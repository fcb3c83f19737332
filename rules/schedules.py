"""When a scheduled rule is due. All in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, rrule

from rules.models import ScheduleType

_DAYS_APART: dict[str, int] = {
    ScheduleType.DAILY: 1,
    ScheduleType.WEEKLY: 7,
    ScheduleType.EVERY_OTHER_WEEK: 14,
}
# February's last day in a common year: every month has it.
SAFE_DAY = 28


def next_slot(trigger: dict[str, Any], after: datetime, *, inclusive: bool = False) -> datetime | None:
    """Return the first slot of the schedule after the instant (or at it), or None when there is none."""
    start = start_of(trigger)
    if trigger["schedule_type"] == ScheduleType.ONE_TIME:
        return start if start > after or (inclusive and start == after) else None
    fraction = timedelta(microseconds=start.microsecond)
    slot = _recurrence(trigger["schedule_type"], start, after).after(after - fraction, inc=inclusive)
    return slot + fraction if slot else None


def last_slot(trigger: dict[str, Any], until: datetime) -> datetime | None:
    """Return the last slot of the schedule at the instant or before it, or None."""
    start = start_of(trigger)
    if trigger["schedule_type"] == ScheduleType.ONE_TIME:
        return start if start <= until else None
    fraction = timedelta(microseconds=start.microsecond)
    slot = _recurrence(trigger["schedule_type"], start, until).before(until - fraction, inc=True)
    return slot + fraction if slot else None


def start_of(trigger: dict[str, Any]) -> datetime:
    """Return the start date of a scheduled trigger."""
    return datetime.fromisoformat(trigger["start_date"].replace("Z", "+00:00")).astimezone(UTC)


def _recurrence(schedule_type: str, start: datetime, near: datetime) -> rrule:
    """Return the slots from the start on, without those long before ``near``, and to the second: rrule has no less."""
    if schedule_type in _DAYS_APART:
        days = _DAYS_APART[schedule_type]
        passed = max(0, (near - start) // timedelta(days=days))
        return rrule(DAILY, interval=days, dtstart=start + timedelta(days=days) * max(0, passed - 1))
    # Of the days up to it that a month has, the last one counts.
    days_of_month = range(SAFE_DAY, start.day + 1) if start.day > SAFE_DAY else [start.day]
    if near.year - start.year > 1:
        start = start.replace(year=near.year - 1, month=1, day=1)
    if schedule_type == ScheduleType.BI_WEEKLY:
        return rrule(MONTHLY, dtstart=start, bymonthday=(1, 15))
    return rrule(MONTHLY, dtstart=start.replace(day=1), bymonthday=days_of_month, bysetpos=-1)
