"""Days, weeks, months and years in UTC."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from sequence.core.periods import bounds, day_of, first_day, midnight, next_first_day

LENGTHS = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "year": relativedelta(years=1),
}


class TestPeriods:
    @pytest.mark.parametrize(
        ("unit", "first", "following"),
        [
            ("day", date(2024, 2, 29), date(2024, 3, 1)),
            ("week", date(2024, 2, 26), date(2024, 3, 4)),
            ("month", date(2024, 2, 1), date(2024, 3, 1)),
            ("year", date(2024, 1, 1), date(2025, 1, 1)),
        ],
    )
    def test_hold_a_leap_day(self, unit, first, following):
        assert first_day(unit, date(2024, 2, 29)) == first
        assert next_first_day(unit, date(2024, 2, 29)) == following

    @given(unit=st.sampled_from(sorted(LENGTHS)), day=st.dates(date(1990, 1, 1), date(2200, 1, 1)))
    def test_follow_each_other_without_a_gap(self, unit, day):
        first, following = first_day(unit, day), next_first_day(unit, day)

        assert first <= day < following == first + LENGTHS[unit]
        assert next_first_day(unit, following - timedelta(days=1)) == following

    def test_are_those_of_utc_wherever_the_instant_was_written(self):
        at = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))

        assert day_of(at) == date(2025, 12, 31)
        assert midnight(day_of(at)) == datetime(2025, 12, 31, tzinfo=UTC)
        assert bounds("month", at) == (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
