"""Which days a page is about, as people choose them."""

from datetime import UTC, date, datetime

import pytest

from sequence.core import clock
from sequence.core.admin.periods import Period, PeriodForm

# What shows while a choice has faults.
USUAL = "2026-06-16 to 2026-07-15"


class TestPeriodForm:
    @pytest.mark.parametrize(
        ("given", "days"),
        [
            ({}, USUAL),
            ({"period": ""}, USUAL),
            ({"period": "7"}, "2026-07-09 to 2026-07-15"),
            ({"period": "365"}, "2025-07-16 to 2026-07-15"),
            ({"period": "this_month"}, "2026-07-01 to 2026-07-15"),
            ({"period": "last_month"}, "2026-06-01 to 2026-06-30"),
            ({"period": "7", "since": "2026-02-03"}, "2026-02-03 to 2026-07-15"),
            ({"since": "2026-02-03", "until": "2026-02-03"}, "2026-02-03 to 2026-02-03"),
            ({"since": "2026-02-03", "until": "9999-12-31"}, "2026-02-03 to 2026-07-15"),
        ],
    )
    def test_gives_the_days_that_were_chosen(self, given, days):
        with clock.stopped_at(datetime(2026, 7, 15, 23, 59, tzinfo=UTC)):
            form = PeriodForm(given)

            assert str(form.chosen()) == days
            assert form.is_valid()

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"until": "2026-02-03"}, "since"),
            ({"since": "2026-02-03", "until": "2026-02-01"}, "since"),
            ({"since": "1999-12-31"}, "since"),
            ({"since": "0001-01-01", "until": "0001-01-02"}, "since"),
            ({"since": "2026-08-01"}, "since"),
            ({"since": "2026-08-01", "until": "2026-09-01"}, "since"),
            ({"since": "2026-07-16", "until": "2026-07-16"}, "since"),
            ({"since": "nonsense"}, "since"),
            ({"since": "2026-02-03", "until": "nonsense"}, "until"),
            ({"period": "nonsense"}, "period"),
        ],
    )
    def test_tells_a_fault_and_gives_the_usual_days(self, given, field):
        with clock.stopped_at(datetime(2026, 7, 15, 12, tzinfo=UTC)):
            form = PeriodForm(given)

            assert str(form.chosen()) == USUAL
            assert field in form.errors


class TestPeriod:
    def test_goes_from_the_first_instant_of_its_first_day_to_the_last_of_its_last(self):
        period = Period(date(2026, 2, 28), date(2026, 3, 1))

        assert period.days == 2
        assert period.within("at") == {
            "at__gte": datetime(2026, 2, 28, tzinfo=UTC),
            "at__lt": datetime(2026, 3, 2, tzinfo=UTC),
        }
