"""When a scheduled rule is due. All in UTC."""

from datetime import UTC, datetime
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

from rules.models import ScheduleType

# What rrule knows each schedule as. Months without the day fall back to their last: of the days up to it that a month
# has, the last one counts.
_FREQUENCIES: dict[str, dict[str, Any]] = {
    ScheduleType.DAILY: {"freq": DAILY},
    ScheduleType.WEEKLY: {"freq": WEEKLY},
    ScheduleType.EVERY_OTHER_WEEK: {"freq": WEEKLY, "interval": 2},
    ScheduleType.BI_WEEKLY: {"freq": MONTHLY, "bymonthday": (1, 15)},
}
# February's last day in a common year: every month has it.
SAFE_DAY = 28


def next_slot(trigger: dict[str, Any], after: datetime, *, inclusive: bool = False) -> datetime | None:
    """Return the first slot of the schedule after the instant (or at it), or None when there is none."""
    start = start_of(trigger)
    if trigger["schedule_type"] == ScheduleType.ONE_TIME:
        return start if start > after or (inclusive and start == after) else None
    return _recurrence(trigger["schedule_type"], start).after(after, inc=inclusive)


def last_slot(trigger: dict[str, Any], until: datetime) -> datetime | None:
    """Return the last slot of the schedule at the instant or before it, or None."""
    start = start_of(trigger)
    if trigger["schedule_type"] == ScheduleType.ONE_TIME:
        return start if start <= until else None
    return _recurrence(trigger["schedule_type"], start).before(until, inc=True)


def start_of(trigger: dict[str, Any]) -> datetime:
    """Return the start date of a scheduled trigger."""
    return datetime.fromisoformat(trigger["start_date"].replace("Z", "+00:00")).astimezone(UTC)


def _recurrence(schedule_type: str, start: datetime) -> rrule:
    if schedule_type == ScheduleType.MONTHLY:
        if start.day <= SAFE_DAY:
            return rrule(MONTHLY, dtstart=start, bymonthday=start.day)
        days = range(SAFE_DAY, start.day + 1)
        return rrule(MONTHLY, dtstart=start.replace(day=1), bymonthday=days, bysetpos=-1)
    return rrule(dtstart=start, **_FREQUENCIES[schedule_type])
