"""What came and went on an account, against the ledger's own sums."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Account
from sequence.core import clock
from sequence.core.admin.periods import Period
from sequence.insight.balance_history import MAX_POINTS, read_balance_history, unit_for
from tests.factories import OrganizationFactory, PodFactory
from tests.transfers.steps import fund, settle, transfer_between
from transfers.ledger import balance_at
from transfers.models import ErrorCode
from transfers.services import pull_from_outside
from transfers.simulated_rail_control import return_payment

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def income(income) -> Account:
    """$100.00 are there already."""
    fund(income, 100_00)
    income.refresh_from_db()
    return income


def day(number: int) -> date:
    return START.date() + timedelta(days=number)


class TestAnyHistory(TestCase):
    """A TestCase of hypothesis: each example has a transaction of its own."""

    @settings(deadline=None, max_examples=min(25, settings.default.max_examples))
    @given(
        st.lists(st.tuples(st.integers(0, 40 * 86_400 - 1), st.integers(1, 10_000), st.booleans()), max_size=12),
        st.integers(0, 40),
        st.integers(0, 40),
    )
    def test_begins_and_ends_where_the_ledger_says(self, moves, first, length):
        pod = PodFactory(organization=OrganizationFactory())
        held = 0
        for second, cents, comes_in in sorted(moves):
            with clock.stopped_at(START + timedelta(seconds=second)):
                if comes_in:
                    fund(pod, cents)
                    held += cents
                elif held >= cents:
                    pull_from_outside(account_id=pod.id, amount_cents=cents, by="test")
                    held -= cents
        period = Period(day(first), day(first + length))

        history = read_balance_history(pod, period)

        assert history.opening_cents == balance_at(pod, period.since - timedelta(microseconds=1))
        assert history.closing_cents == balance_at(pod, period.until - timedelta(microseconds=1))
        assert history.opening_cents + history.gained_cents - history.lost_cents == history.closing_cents
        for point in history.points:
            assert point.balance_cents == balance_at(
                pod, Period(point.first, point.last).until - timedelta(microseconds=1)
            )
        whole = read_balance_history(pod, Period(day(0), day(40)))
        pod.refresh_from_db()
        assert whole.closing_cents == pod.balance_cents == held


class TestReadBalanceHistory:
    def test_counts_a_day_from_its_first_instant_to_its_last(self, rent):
        for second, cents in ((-1, 1_00), (0, 2_00), (86_399, 4_00), (86_400, 8_00)):
            with clock.stopped_at(START + timedelta(seconds=second)):
                fund(rent, cents)

        history = read_balance_history(rent, Period(day(0), day(0)))

        [point] = history.points
        assert (history.opening_cents, point.gained_cents, point.number, point.balance_cents) == (1_00, 6_00, 2, 7_00)

    def test_has_a_point_only_where_something_moved(self, rent):
        for number in (3, 7):
            with clock.stopped_at(START + timedelta(days=number)):
                fund(rent, 1_00)

        history = read_balance_history(rent, Period(day(0), day(10)))

        assert [(point.first, point.balance_cents) for point in history.points] == [(day(3), 1_00), (day(7), 2_00)]
        assert history.balances == [0, 1_00, 2_00]

    @pytest.mark.parametrize(
        ("days", "unit"), [(365, "day"), (400, "day"), (401, "week"), (2500, "week"), (9000, "month")]
    )
    def test_stays_within_its_points(self, rent, days, unit):
        period = Period(day(0), day(days - 1))

        assert unit_for(period) == unit
        assert days / {"day": 1, "week": 7, "month": 28}[unit] <= MAX_POINTS

    @pytest.mark.parametrize(("days", "number"), [(100, 2), (500, 1), (5000, 1)])
    def test_keeps_weeks_and_months_within_the_period(self, rent, days, number):
        for second in (0, 86_400):
            with clock.stopped_at(START + timedelta(days=1, seconds=second)):
                fund(rent, 1_00)
        period = Period(day(1), day(days))

        history = read_balance_history(rent, period)

        assert len(history.points) == number
        assert history.points[0].first == day(1)
        assert history.closing_cents == 2_00

    def test_of_an_external_account_tells_what_moved_and_no_balance(self, api, income, rent, bank):
        transfer_between(api, income, bank, 30_00)
        transfer_between(api, bank, rent, 20_00)
        gone = transfer_between(api, income, bank, 5_00)
        settle()
        settle(timezone.now() + timedelta(seconds=60))
        return_payment(gone.id, ErrorCode.NAME_MISMATCH)
        today = timezone.now().date()

        history = read_balance_history(bank, Period(today - timedelta(days=1), today + timedelta(days=1)))

        assert (history.gained_cents, history.lost_cents) == (30_00, 20_00)
        assert history.opening_cents is history.closing_cents is None
        assert history.balances == []

    @pytest.mark.parametrize("times", [1, 5])
    def test_asks_two_questions_however_much_there_is(self, rent, times, django_assert_num_queries):
        for _ in range(times):
            fund(rent, 1_00)
        today = timezone.now().date()

        with django_assert_num_queries(2):
            read_balance_history(rent, Period(today, today))
