"""Runs that are tried again, and the limits of what they move."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from rules.models import RuleExecution, RuleMove
from rules.sweeps import carry_out
from sequence.core.worker import run_once
from tests.rules.definitions import limit, manual, rule, step
from tests.rules.steps import (
    counts,
    disable,
    enable,
    execution,
    move,
    run_now,
    trigger,
)
from tests.transfers.steps import balances, held
from transfers.ledger_invariants import find_faults
from transfers.models import AchLimits, ErrorCode, SimulatedMark
from transfers.simulated_rail_control import fail_payment, return_payment


class TestRetries:
    START = datetime(2026, 7, 15, 12, tzinfo=UTC)

    @pytest.fixture
    def failing(self, api, enabled, income, card):
        """A run whose payment the rail refuses for now: it has been triggered."""
        SimulatedMark.objects.create(account=card, fail_code=ErrorCode.PAYMENT_FAILED)
        return trigger(api, enabled(step(move(income, card, 100_00))))

    def attempt(self, at):
        """Let workers start what is due, and the rail refuse it."""
        run_once(at)
        run_once(at + timedelta(seconds=10))

    def test_follow_a_refusal_of_the_rail_that_passes(self, api, failing, income, card):
        self.attempt(self.START)

        told = execution(api, failing)
        assert (told["status"], counts(told)) == ("in_progress", [1, 0, 1, 0])
        assert told["next_attempt_at"] == "2026-07-15T12:05:10Z"
        assert told["error_message"] == "1 of 1 transfers failed: payment_failed."
        SimulatedMark.objects.all().delete()
        run_once(self.START + timedelta(minutes=5))
        assert execution(api, failing) == told  # not a second early
        self.attempt(self.START + timedelta(minutes=5, seconds=10))

        done = execution(api, failing)
        assert (done["status"], counts(done)) == ("executed", [2, 1, 1, 0])
        assert done["error_message"] is done["next_attempt_at"] is None
        assert balances(income, card) == [900_00, 200_00]
        assert find_faults() == []

    def test_end_after_the_third(self, api, failing, income, card):
        pauses = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)]
        at = self.START
        for pause in pauses:
            self.attempt(at)
            at += pause + timedelta(seconds=10)
            told = execution(api, failing)
            assert (told["status"], told["next_attempt_at"]) == ("in_progress", at.isoformat().replace("+00:00", "Z"))
        self.attempt(at)

        done = execution(api, failing)
        assert (done["status"], counts(done), done["next_attempt_at"]) == ("failed", [4, 0, 4, 0], None)
        run_once(at + timedelta(days=30))
        assert execution(api, failing) == done
        assert (balances(income, card), held(income)) == ([1000_00, 300_00], 0)

    def test_do_not_wait_for_a_clock_that_was_set_back(self, api, failing, income, card):
        self.attempt(self.START)
        SimulatedMark.objects.all().delete()
        back = self.START - timedelta(hours=2)
        self.attempt(back)

        assert execution(api, failing)["status"] == "executed"
        assert balances(income, card) == [900_00, 200_00]

    def test_wait_for_a_clock_that_differs_a_little(self, api, failing):
        self.attempt(self.START)
        told = execution(api, failing)
        self.attempt(self.START - timedelta(seconds=45))

        assert execution(api, failing) == told

    @pytest.mark.parametrize(
        "code", [ErrorCode.NAME_MISMATCH, ErrorCode.PAYMENT_NOT_SUPPORTED, ErrorCode.INSUFFICIENT_FUNDS]
    )
    def test_do_not_follow_a_refusal_that_stays(self, api, failing, code):
        SimulatedMark.objects.update(fail_code=code)
        self.attempt(self.START)

        told = execution(api, failing)
        assert (told["status"], told["next_attempt_at"]) == ("failed", None)
        assert told["error_message"] == f"1 of 1 transfers failed: {code}."

    def test_do_not_follow_where_a_part_has_moved(self, api, enabled, income, rent, card):
        SimulatedMark.objects.create(account=card, fail_code=ErrorCode.PAYMENT_FAILED)
        id = trigger(api, enabled(step(move(income, rent, 5_00), move(income, card, 100_00))))
        self.attempt(self.START)

        told = execution(api, id)
        assert (told["status"], counts(told), told["next_attempt_at"]) == ("partial", [2, 1, 1, 0], None)

    def test_wait_for_the_next_day_where_the_days_limit_is_reached(self, api, enabled, acme, income, card):
        AchLimits.objects.create(organization=acme, daily_credit_cents=99_99)
        id = trigger(api, enabled(step(move(income, card, 100_00))))
        self.attempt(self.START)

        told = execution(api, id)
        assert (told["status"], counts(told)) == ("in_progress", [1, 0, 1, 0])
        assert told["next_attempt_at"] == "2026-07-16T00:00:00Z"
        AchLimits.objects.update(daily_credit_cents=100_00)
        self.attempt(self.START + timedelta(hours=12))
        assert execution(api, id)["status"] == "executed"

    def test_do_not_follow_where_the_months_limit_is_reached(self, api, enabled, acme, income, card):
        AchLimits.objects.create(organization=acme, monthly_credit_cents=99_99)
        id = trigger(api, enabled(step(move(income, card, 100_00))))
        self.attempt(self.START)

        told = execution(api, id)
        assert (told["status"], told["next_attempt_at"]) == ("failed", None)
        assert told["error_message"] == "Action 0 failed: monthly_ach_credit_limit_reached."

    def test_do_not_begin_once_the_rule_is_disabled(self, api, failing, income):
        self.attempt(self.START)
        disable(RuleExecution.objects.get(id=failing).rule)
        self.attempt(self.START + timedelta(hours=1))

        told = execution(api, failing)
        assert (told["status"], counts(told)) == ("failed", [1, 0, 1, 0])
        assert told["error_message"].startswith("rule_disabled")
        assert balances(income) == [1000_00]


class TestLimits:
    @pytest.fixture
    def limited(self, enabled, income, rent):
        """Return a function that makes a rule which moves $200.00 to Rent, within $500.00 of a period."""
        return lambda period, to=rent, **own: enabled(
            step(move(income, to, 200_00, limit=limit(period, 500_00), **own))
        )

    @pytest.mark.parametrize(
        ("period", "first_day", "last_day", "next_period"),
        [
            ("PER_WEEK", date(2026, 7, 13), date(2026, 7, 19), date(2026, 7, 20)),  # Monday to Sunday
            ("PER_WEEK", date(2026, 12, 28), date(2027, 1, 3), date(2027, 1, 4)),  # across the year
            ("PER_MONTH", date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)),
            ("PER_MONTH", date(2028, 2, 1), date(2028, 2, 29), date(2028, 3, 1)),
            ("PER_YEAR", date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)),
        ],
    )  # fmt: skip
    def test_hold_for_a_calendar_period(self, api, limited, rent, period, first_day, last_day, next_period):
        made = limited(period)
        days = [(first_day, 0), (first_day, 24), (last_day, 0), (last_day, 24), (next_period, 0)]

        moved = []
        for day, hours in days:
            midnight = datetime.combine(day, time(), UTC)
            id = trigger(api, made)
            carry_out(midnight + timedelta(hours=hours) - timedelta(microseconds=bool(hours)))
            moved.append(sum(transfer.amount_cents for transfer in RuleExecution.objects.get(id=id).transfers()))

        assert moved == [200_00, 200_00, 100_00, 0, 200_00]
        assert balances(rent) == [700_00]

    def test_are_given_back_by_what_fails(self, api, limited, income, card):
        made = limited("PER_MONTH", to=card)
        for _ in range(2):
            told = run_now(api, made)
            fail_payment(told["transfer_ids"][0], ErrorCode.NAME_MISMATCH)
        run_once()

        again = [run_now(api, made)["trace"]["actions"][0]["wanted_cents"] for _ in range(3)]

        assert again == [200_00, 200_00, 100_00]

    def test_are_given_back_by_a_payment_that_returns(self, api, limited, income, card):
        made = limited("PER_MONTH", to=card)
        told = run_now(api, made)
        run_once(timezone.now() + timedelta(minutes=1))
        return_payment(told["transfer_ids"][0], ErrorCode.NAME_MISMATCH)

        again = [run_now(api, made)["trace"]["actions"][0]["wanted_cents"] for _ in range(3)]

        assert again == [200_00, 200_00, 100_00]

    def test_are_not_shared_with_another_rule(self, api, limited):
        for made in (limited("PER_MONTH"), limited("PER_MONTH")):
            assert run_now(api, made)["trace"]["actions"][0]["wanted_cents"] == 200_00
            assert run_now(api, made)["trace"]["actions"][0]["wanted_cents"] == 200_00

    def test_are_not_used_by_a_simulation(self, api, limited):
        made = limited("PER_MONTH")
        for _ in range(3):
            trigger(api, made, simulation=True)

        assert run_now(api, made)["trace"]["actions"][0]["wanted_cents"] == 200_00

    def test_once_used_up_are_no_failure(self, api, limited):
        made = limited("PER_YEAR")
        told = [run_now(api, made) for _ in range(4)][-1]

        assert (told["status"], counts(told), told["transfer_ids"]) == ("executed", [1, 0, 0, 0], [])
        assert told["trace"]["actions"][0]["limit_took_cents"] == 200_00

    def test_go_on_counting_when_the_rule_is_replaced(self, api, limited, income, rent):
        made = limited("PER_MONTH", group_index=4)
        run_now(api, made)
        same = move(income, rent, 200_00, limit=limit("PER_MONTH", 300_00), group_index=4)
        api.put(f"/rules/{made.id}", rule(step(same), trigger=manual(income.id)))
        enable(made)

        assert run_now(api, made)["trace"]["actions"][0]["wanted_cents"] == 100_00
        assert sorted(RuleMove.objects.values_list("group_index", "limit_period")) == [(4, "PER_MONTH")] * 2
