"""When scheduled rules are due, against a calendar that is counted out here day by day."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from rules.engine.vocabulary import ScheduleType
from rules.models import RuleExecution
from rules.schedules import last_slot, next_slot
from rules.sweeps import notice_slots
from tests.rules.definitions import defined, rule, scheduled, step
from tests.rules.steps import disable, enable, move, runs_of, write

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def length_of_month(year, month):
    return [31, 29 if is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]


def is_due(schedule_type, start, day):
    """Whether a schedule with that first day has a slot on a day on or after it."""
    passed = day.toordinal() - start.toordinal()
    return {
        "ONE_TIME": passed == 0,
        "DAILY": True,
        "WEEKLY": passed % 7 == 0,
        "EVERY_OTHER_WEEK": passed % 14 == 0,
        "BI_WEEKLY": day.day in (1, 15),
        "MONTHLY": day.day == min(start.day, length_of_month(day.year, day.month)),
    }[schedule_type]


def calendar(schedule_type, start, days):
    """Every slot of the schedule in that many days from its start."""
    all_days = [start.date() + DAY * number for number in range(days)]
    return [datetime.combine(day, start.timetz()) for day in all_days if is_due(schedule_type, start.date(), day)]


def schedule_of(schedule_type, start_date):
    """The schedule as the server reads it."""
    body = rule(
        step({"type": "fixed_amount", "source": {"id": "a"}, "destination": {"id": "b"}, "amount_in_cents": 100})
    )
    return defined({**body, "trigger": scheduled(schedule_type, start_date)}).trigger.schedule


FIVE_YEARS = 5 * 366
STARTS = [
    "2024-01-31T00:00:00Z",
    "2023-12-31T23:59:59Z",
    "2024-02-29T12:00:00Z",
    "2026-02-28T00:00:00Z",
    "2026-04-30T06:30:00Z",
    "2026-08-29",
    "2026-01-01",
    "2026-07-15",
    "2026-07-16T09:00:00.250Z",
    "2097-03-31",  # 2100 is no leap year
]


@pytest.mark.parametrize("schedule_type", ScheduleType.values())
class TestSlots:
    @pytest.mark.parametrize("start_date", STARTS)
    def test_of_five_years_are_those_of_the_calendar(self, schedule_type, start_date):
        schedule = schedule_of(schedule_type, start_date)
        start = schedule.start
        expected = calendar(schedule_type, start, FIVE_YEARS)

        found, slot = [], next_slot(schedule, start - INSTANT)
        while slot is not None and slot < start + DAY * FIVE_YEARS:
            found.append(slot)
            slot = next_slot(schedule, slot)

        assert found == expected

    def test_around_any_instant_are_those_of_the_calendar(self, schedule_type, dice):
        for _ in range(20):
            first_day = date(2020, 1, 1) + DAY * dice.randrange(FIVE_YEARS)
            start = datetime.combine(first_day, time(dice.randrange(24), dice.randrange(60), tzinfo=UTC))
            schedule = schedule_of(schedule_type, start.isoformat())
            slots = calendar(schedule_type, start, FIVE_YEARS)
            for _ in range(5):
                at = start + DAY * dice.uniform(-50, FIVE_YEARS - 400)
                assert last_slot(schedule, at) == max((slot for slot in slots if slot <= at), default=None)
                assert next_slot(schedule, at) == min((slot for slot in slots if slot > at), default=None)

    @pytest.mark.parametrize("start_date", ["0001-01-01", "1600-02-29T00:00:00Z"])
    def test_of_a_start_long_ago_are_those_of_the_calendar_too(self, schedule_type, start_date):
        schedule = schedule_of(schedule_type, start_date)
        first_day = schedule.start.date()
        if schedule_type == "ONE_TIME":
            assert next_slot(schedule, datetime(2026, 1, 1, tzinfo=UTC)) is None
            return
        for number in range(60):
            at = datetime(2028, 1, 1, 12, tzinfo=UTC) + DAY * number
            due = [
                day for day in (at.date() - DAY * back for back in range(40)) if is_due(schedule_type, first_day, day)
            ]
            assert last_slot(schedule, at).date() == due[0]

    def test_are_at_an_instant_only_where_that_is_asked_for(self, schedule_type):
        schedule = schedule_of(schedule_type, "2026-07-01T09:00:00Z")
        start = datetime(2026, 7, 1, 9, tzinfo=UTC)

        assert next_slot(schedule, start - INSTANT) == start
        assert next_slot(schedule, start, inclusive=True) == start
        assert next_slot(schedule, start) != start
        assert last_slot(schedule, start) == start
        assert last_slot(schedule, start - INSTANT) is None

    def test_end_with_the_calendar(self, schedule_type):
        schedule = schedule_of(schedule_type, "9999-12-15")

        assert next_slot(schedule, datetime(9999, 12, 31, 1, tzinfo=UTC)) is None


@pytest.fixture
def schedule(api, income, rent, set_clock):
    """Return a function that writes a scheduled rule and lets a person enable it at an instant."""

    def make(schedule_type, start_date, enabled_at):
        made = write(api, rule(step(move(income, rent, 100)), trigger=scheduled(schedule_type, start_date)))
        set_clock(enabled_at)
        return enable(made)

    return make


def breaks_on(rule):
    """Return a ``last_slot`` that meets a defect with one rule."""

    def slot_before(schedule, at):
        if schedule == rule.parsed().trigger.schedule:
            raise ZeroDivisionError
        return last_slot(schedule, at)

    return slot_before


def fired(rule):
    return [run.scheduled_at for run in runs_of(rule)]


class TestNoticeSlots:
    @pytest.mark.full
    def test_fires_every_slot_of_every_schedule_once_over_the_years(self, schedule, by_length):
        years = by_length(1.1, 1.1, 5)
        start = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)  # 2028 is a leap year
        rules = {kind: schedule(kind, "2027-01-31T09:30:00Z", start - DAY) for kind in ScheduleType.values()}

        days = int(years * 366)
        for number in range(days):
            notice_slots(start + DAY * number)
            if number % 50 == 0:
                notice_slots(start + DAY * number)

        assert {kind: fired(made) for kind, made in rules.items()} == {
            kind: calendar(kind, start, days) for kind in ScheduleType.values()
        }

    def test_never_fires_slots_from_before_the_rule_was_enabled(self, schedule):
        # Enabled at 10 on the 20th; the slots are at 9.
        made = schedule("DAILY", "2026-01-01T09:00:00Z", datetime(2026, 7, 20, 10, tzinfo=UTC))

        notice_slots(datetime(2026, 7, 20, 23, tzinfo=UTC))
        assert fired(made) == []
        notice_slots(datetime(2026, 7, 21, 9, tzinfo=UTC))

        assert fired(made) == [datetime(2026, 7, 21, 9, tzinfo=UTC)]

    def test_fires_a_slot_at_the_very_moment_of_enabling(self, schedule):
        at = datetime(2026, 7, 20, 9, tzinfo=UTC)
        made = schedule("DAILY", "2026-01-01T09:00:00Z", at)

        notice_slots(at)

        assert fired(made) == [at]

    @pytest.mark.parametrize("schedule_type", ["DAILY", "WEEKLY", "BI_WEEKLY", "MONTHLY", "EVERY_OTHER_WEEK"])
    def test_fires_slots_that_were_missed_once_as_the_last_of_them(self, schedule, schedule_type):
        start = datetime(2026, 1, 1, 9, tzinfo=UTC)
        made = schedule(schedule_type, "2026-01-01T09:00:00Z", start - DAY)
        back = datetime(2026, 5, 20, 12, tzinfo=UTC)

        notice_slots(back)
        notice_slots(back)

        assert fired(made) == [max(slot for slot in calendar(schedule_type, start, 300) if slot <= back)]
        made.refresh_from_db()
        assert made.next_slot_at == min(slot for slot in calendar(schedule_type, start, 300) if slot > back)

    def test_does_not_fire_slots_that_passed_while_the_rule_was_disabled(self, schedule, set_clock):
        made = schedule("DAILY", "2026-01-01T09:00:00Z", datetime(2026, 7, 1, tzinfo=UTC))
        disable(made)
        notice_slots(datetime(2026, 7, 3, 12, tzinfo=UTC))
        set_clock(datetime(2026, 7, 4, 12, tzinfo=UTC))
        enable(made)

        notice_slots(datetime(2026, 7, 4, 13, tzinfo=UTC))
        notice_slots(datetime(2026, 7, 5, 9, tzinfo=UTC))

        assert fired(made) == [datetime(2026, 7, 5, 9, tzinfo=UTC)]

    def test_does_not_fire_a_slot_again_when_its_rule_is_enabled_again_in_that_instant(self, schedule):
        at = datetime(2026, 7, 20, 9, tzinfo=UTC)
        made = schedule("DAILY", "2026-01-01T09:00:00Z", at)
        notice_slots(at)
        disable(made)
        enable(made)
        assert made.next_slot_at == at

        notice_slots(at)

        assert fired(made) == [at]

    def test_fires_more_rules_than_one_batch_holds(self, schedule, monkeypatch):
        monkeypatch.setattr("rules.sweeps.BATCH_SIZE", 2)
        at = datetime(2026, 7, 20, 9, tzinfo=UTC)
        for _ in range(3):
            schedule("ONE_TIME", "2026-07-20T09:00:00Z", at - DAY)

        assert [notice_slots(at), notice_slots(at), notice_slots(at)] == [2, 1, 0]
        assert RuleExecution.objects.count() == 3

    def test_lets_a_rule_that_breaks_rest_and_fires_its_slot_afterwards(self, schedule, monkeypatch):
        at = datetime(2026, 7, 20, 9, tzinfo=UTC)
        starts = ["2026-07-20T09:00:00Z", "2026-07-19T09:00:00Z", "2026-07-20T09:00:00Z"]
        healthy, broken, other = (schedule("DAILY", start, at - timedelta(hours=1)) for start in starts)
        with monkeypatch.context() as patch:
            patch.setattr("rules.sweeps.last_slot", breaks_on(broken))
            notice_slots(at)
            assert [fired(healthy), fired(broken), fired(other)] == [[at], [], [at]]
            assert notice_slots(at) == 0

        notice_slots(at + timedelta(minutes=6))

        assert [fired(healthy), fired(broken), fired(other)] == [[at], [at], [at]]

    def test_tells_the_slot_in_the_execution(self, api, schedule):
        made = schedule("MONTHLY", "2026-01-31T09:00:00+02:00", datetime(2026, 2, 1, tzinfo=UTC))

        notice_slots(datetime(2026, 2, 28, 7, tzinfo=UTC))

        [run] = runs_of(made)
        told = api.get(f"/rule-executions/{run.id}").json()["data"]
        assert told["trigger_type"] == "scheduled"
        assert told["trigger_details"] == {"type": "scheduled", "scheduled_time": "2026-02-28T07:00:00Z"}
        assert told["created_at"] == "2026-02-28T07:00:00Z"
