"""Slots of a schedule: when a scheduled rule is due. All in UTC."""

from datetime import datetime, timedelta

from dateutil.rrule import DAILY, MONTHLY, rrule

from rules.definition import Schedule
from rules.vocabulary import ScheduleType

_DAYS_APART: dict[ScheduleType, int] = {
    ScheduleType.DAILY: 1,
    ScheduleType.WEEKLY: 7,
    ScheduleType.EVERY_OTHER_WEEK: 14,
}
# February's last day in a common year: every month has it.
SAFE_DAY = 28


def next_slot(schedule: Schedule, after: datetime, *, inclusive: bool = False) -> datetime | None:
    """Return the first slot of the schedule after the instant (or at it), or None when there is none."""
    start = schedule.start
    if schedule.type is ScheduleType.ONE_TIME:
        return start if start > after or (inclusive and start == after) else None
    fraction = timedelta(microseconds=start.microsecond)
    slot = _recurrence(schedule.type, start, after).after(after - fraction, inc=inclusive)
    return slot + fraction if slot else None


def last_slot(schedule: Schedule, until: datetime) -> datetime | None:
    """Return the last slot of the schedule at the instant or before it, or None."""
    start = schedule.start
    if schedule.type is ScheduleType.ONE_TIME:
        return start if start <= until else None
    fraction = timedelta(microseconds=start.microsecond)
    slot = _recurrence(schedule.type, start, until).before(until - fraction, inc=True)
    return slot + fraction if slot else None


def _recurrence(kind: ScheduleType, start: datetime, near: datetime) -> rrule:
    """Return the slots from the start on, without those long before ``near``, and to the second: rrule has no less."""
    if kind in _DAYS_APART:
        days = _DAYS_APART[kind]
        passed = max(0, (near - start) // timedelta(days=days))
        return rrule(DAILY, interval=days, dtstart=start + timedelta(days=days) * max(0, passed - 1))
    # Of the days up to it that a month has, the last one counts.
    days_of_month = range(SAFE_DAY, start.day + 1) if start.day > SAFE_DAY else [start.day]
    if near.year - start.year > 1:
        start = start.replace(year=near.year - 1, month=1, day=1)
    if kind is ScheduleType.BI_WEEKLY:
        return rrule(MONTHLY, dtstart=start, bymonthday=(1, 15))
    return rrule(MONTHLY, dtstart=start.replace(day=1), bymonthday=days_of_month, bysetpos=-1)
