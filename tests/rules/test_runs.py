"""What a run moves, how it stands, and when it is tried again."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from rules.models import RuleExecution, RuleMove
from rules.sweeps import carry_out, finish
from sequence.core.worker import run_once
from tests.rules.definitions import action, condition, limit, manual, on_funds, rule, step
from tests.rules.steps import (
    assert_nothing_moved,
    counts,
    disable,
    enable,
    execution,
    move,
    run_now,
    runs_of,
    trigger,
    write_enabled,
)
from tests.transfers.steps import balances, fund, held
from transfers.checks import find_faults
from transfers.models import AchLimits, ErrorCode, SimulatedMark, Transfer
from transfers.settlement import accept
from transfers.simulation import fail_payment, return_payment

NEVER = condition("TRANSFER_AMOUNT", "GREATER_THAN", 10**9)


@pytest.fixture
def money(income):
    """$1,000.00 in Payroll."""
    fund(income, 1000_00)


@pytest.fixture
def enabled(api, income, money):
    """Return a function that writes a manual rule on Payroll and lets a person enable it."""

    def make(*steps, **own):
        return write_enabled(api, rule(*steps, trigger=manual(income.id), **own))

    return make


class TestRun:
    def test_moves_what_the_plan_says_at_once_between_own_accounts(self, api, enabled, income, rent, savings):
        made = enabled(step(move(income, rent, 300_00), move(rent, savings, 100_00, ach_description="SAVE")))

        told = run_now(api, made)

        assert told["status"] == "executed"
        assert counts(told) == [2, 2, 0, 0]
        assert (told["step_index_matched"], told["conditions_not_met"], told["error_message"]) == (0, False, None)
        assert balances(income, rent, savings) == [700_00, 200_00, 100_00]
        first, second = (api.get(f"/transfers/{id}").json()["data"] for id in told["transfer_ids"])
        assert (first["origin"], first["direction"], first["status"]) == ("rule", "internal", "complete")
        assert (first["rule_id"], first["rule_execution_id"]) == (made.id, told["id"])
        assert second["description"] == "SAVE"
        assert find_faults() == []

    def test_leaves_what_goes_out_with_its_rail_and_ends_with_it(self, api, enabled, income, rent, card):
        made = enabled(step(move(income, rent, 300_00), move(income, card, 100_00)))

        under_way = run_now(api, made)
        assert (under_way["status"], counts(under_way)) == ("in_progress", [2, 1, 0, 1])
        assert (balances(income), held(income)) == ([700_00], 100_00)
        assert under_way["next_attempt_at"] is None
        run_once(timezone.now() + timedelta(minutes=1))

        done = execution(api, under_way["id"])
        assert (done["status"], counts(done)) == ("executed", [2, 2, 0, 0])
        assert balances(income, card) == [600_00, 200_00]
        assert Transfer.objects.get(id=done["transfer_ids"][1]).origin == "rule"

    def test_pulls_from_a_bank(self, api, enabled, bank, rent):
        told = run_now(api, enabled(step(move(bank, rent, 100_00))))

        assert (told["status"], counts(told)) == ("in_progress", [1, 0, 0, 1])
        [pulled] = Transfer.objects.filter(id__in=told["transfer_ids"])
        assert (pulled.origin, pulled.direction, pulled.rail) == ("user_pull", "money_in", "simulated")
        run_once(timezone.now() + timedelta(minutes=1))
        assert balances(bank, rent) == [400_00, 100_00]
        assert find_faults() == []

    def test_sends_out_what_an_earlier_action_brings(self, api, enabled, income, rent, card):
        told = run_now(api, enabled(step(move(income, rent, 100_00), move(rent, card, 100_00))))

        assert counts(told) == [2, 1, 0, 1]
        assert (balances(rent), held(rent)) == ([100_00], 100_00)
        assert find_faults() == []

    def test_does_not_pass_on_what_is_still_to_come_from_a_bank(self, api, enabled, bank, rent, savings):
        told = run_now(api, enabled(step(move(bank, rent, 100_00), move(rent, savings, 50_00))))

        assert (told["status"], counts(told)) == ("in_progress", [2, 0, 1, 1])
        assert told["error_message"] == "Action 1 failed: insufficient_funds."
        run_once(timezone.now() + timedelta(minutes=1))
        assert (execution(api, told["id"])["status"], balances(rent, savings)) == ("partial", [100_00, 0])

    def test_with_no_step_that_holds_is_executed_and_moves_nothing(self, api, enabled, income, rent):
        told = run_now(api, enabled(step(move(income, rent, 300_00), conditions=NEVER)))

        assert (told["status"], counts(told)) == ("executed", [0, 0, 0, 0])
        assert (told["step_index_matched"], told["conditions_not_met"]) == (None, True)
        assert_nothing_moved()

    def test_that_lacks_funds_fails_with_a_transfer_that_says_so(self, api, enabled, income, rent, savings):
        told = run_now(api, enabled(step(move(income, rent, 1000_01), move(income, savings, 1_00))))

        assert (told["status"], counts(told)) == ("failed", [1, 0, 1, 0])
        assert told["error_message"] == "Action 0 failed: insufficient_funds."
        assert told["next_attempt_at"] is None
        [failed] = told["transfer_ids"]
        shown = api.get(f"/transfers/{failed}").json()["data"]
        assert (shown["status"], shown["error_code"], shown["completed_at"]) == (
            "incomplete",
            "insufficient_funds",
            None,
        )
        assert balances(income, rent, savings) == [1000_00, 0, 0]
        run_once(timezone.now() + timedelta(days=3))
        assert len(runs_of(RuleExecution.objects.get(id=told["id"]).rule)) == 1

    def test_that_fails_half_way_is_partial_and_keeps_what_it_moved(self, api, enabled, income, rent, savings):
        told = run_now(
            api, enabled(step(move(income, rent, 600_00), move(income, rent, 600_00), move(income, savings, 1_00)))
        )

        assert (told["status"], counts(told)) == ("partial", [2, 1, 1, 0])
        assert [trace["result"] for trace in told["trace"]["actions"]] == ["moved", "failed", "skipped"]
        assert balances(income, rent, savings) == [400_00, 600_00, 0]

    def test_counts_what_was_too_little_to_move_as_attempted_alone(self, api, enabled, income, rent):
        tiny = action("percentage", income.id, rent.id, percentage_value=1, percentage_target="INCOMING_AMOUNT")

        told = run_now(api, enabled(step(tiny)), manual_execute_amount=50_00)

        assert (told["status"], counts(told), told["transfer_ids"]) == ("executed", [1, 0, 0, 0], [])
        [movement] = told["trace"]["actions"][0]["movements"]
        assert (movement["reason"], movement["transfer_id"]) == ("transfer_amount_less_than_one_dollar", None)
        assert_nothing_moved()

    def test_whose_amount_is_not_known_fails_without_a_transfer(self, api, enabled, income, card):
        unknown = action("last_statement_balance", income.id, card.id)

        told = run_now(api, enabled(step(unknown)))

        assert (told["status"], counts(told), told["transfer_ids"]) == ("failed", [1, 0, 1, 0], [])
        assert told["error_message"] == "Action 0 failed: account_no_last_statement_balance."
        assert_nothing_moved()

    def test_traces_each_movement_to_its_transfer(self, api, enabled, income, rent):
        told = run_now(api, enabled(step(move(income, rent, 300_00), move(income, rent, 100_00))))

        movements = [trace["movements"][0]["transfer_id"] for trace in told["trace"]["actions"]]
        assert movements == told["transfer_ids"]

    def test_ends_in_an_error_that_blames_us_when_it_breaks(self, api, enabled, income, rent, monkeypatch):
        made = enabled(step(move(income, rent, 300_00)))
        other = enabled(step(move(income, rent, 5_00)))
        id = trigger(api, made)
        with monkeypatch.context() as patch:
            patch.setattr("rules.runs.insert_moves", _break)
            run_once()

        told = execution(api, id)
        assert (told["status"], counts(told)) == ("failed", [0, 0, 0, 0])
        assert told["error_message"].startswith("unexpected_error")
        assert_nothing_moved()
        assert run_now(api, other)["status"] == "executed"


def _break(*_):
    raise RuntimeError("a defect")


class TestBetweenTriggerAndRun:
    @pytest.fixture
    def waiting(self, api, enabled, income, rent):
        made = enabled(step(move(income, rent, 300_00)))
        return made, trigger(api, made)

    def test_disabling_the_rule_stops_the_run(self, api, waiting, income):
        made, id = waiting
        disable(made)
        run_once()

        told = execution(api, id)
        assert (told["status"], counts(told)) == ("failed", [0, 0, 0, 0])
        assert told["error_message"].startswith("rule_disabled")
        assert_nothing_moved()

    def test_deleting_the_rule_stops_the_run(self, api, waiting):
        made, id = waiting
        api.delete(f"/rules/{made.id}")
        run_once()

        assert execution(api, id)["error_message"].startswith("rule_disabled")
        assert_nothing_moved()

    def test_replacing_the_rule_stops_the_run_even_when_it_is_enabled_again(self, api, waiting, income, savings):
        made, id = waiting
        api.put(f"/rules/{made.id}", rule(step(move(income, savings, 700_00)), trigger=manual(income.id)))
        enable(made)
        run_once()

        told = execution(api, id)
        assert told["status"] == "failed"
        assert told["error_message"].startswith("rule_disabled")
        assert_nothing_moved()

    def test_spending_the_money_leaves_what_is_there_then(self, api, waiting, income, rent, savings):
        _, id = waiting
        run_now(api, write_enabled(api, rule(step(move(income, savings, 1_00)), trigger=manual(income.id))))

        assert execution(api, id)["status"] == "executed"
        assert balances(income, rent, savings) == [699_00, 300_00, 1_00]


class TestExecution:
    def test_shows_the_rule_as_it_was_when_it_ran(self, api, enabled, income, rent, savings):
        made = enabled(step(move(income, rent, 300_00)), nickname="Old")
        told = run_now(api, made)
        api.put(f"/rules/{made.id}", rule(step(move(income, savings, 9_00)), trigger=manual(income.id), nickname="New"))

        assert execution(api, told["id"]) == told
        assert told["rule_name"] == "Old"
        run = RuleExecution.objects.get(id=told["id"])
        assert (run.version.number, run.version.nickname) == (1, "Old")
        assert run.version.definition["steps"][0]["actions"][0]["amount_in_cents"] == 300_00
        enable(made)
        new = run_now(api, made)
        assert (new["rule_name"], RuleExecution.objects.get(id=new["id"]).version.number) == ("New", 2)
        assert balances(rent, savings) == [300_00, 9_00]

    def test_shows_its_fields_in_the_order_of_the_contract(self, api, enabled, income, rent):
        told = run_now(api, enabled(step(move(income, rent, 300_00))), manual_execute_amount=7)

        assert list(told) == [
            "id", "rule_id", "rule_name", "trigger_type", "status", "created_at", "trigger_details",
            "step_index_matched", "conditions_not_met", "transfers_attempted", "transfers_completed",
            "transfers_failed", "transfers_pending", "transfer_ids", "error_message", "next_attempt_at", "mode",
            "trace",
        ]  # fmt: skip
        assert told["trigger_details"] == {"type": "manual", "amount_in_cents": 7}
        assert (told["trigger_type"], told["mode"]) == ("manual", "live")

    def test_says_that_a_payment_came_back(self, api, enabled, income, card):
        told = run_now(api, enabled(step(move(income, card, 100_00))))
        run_once(timezone.now() + timedelta(minutes=1))
        return_payment(told["transfer_ids"][0], ErrorCode.NAME_MISMATCH)

        assert counts(execution(api, told["id"])) == [1, 0, 1, 0]
        assert balances(income, card) == [1000_00, 300_00]


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


class TestFinish:
    def test_is_not_held_up_by_runs_that_wait_for_their_bank(self, api, enabled, income, card, rent, monkeypatch):
        monkeypatch.setattr("rules.sweeps.BATCH_SIZE", 2)
        slow = enabled(step(move(income, card, 1_00)))
        waiting = [trigger(api, slow) for _ in range(3)]
        quick = trigger(api, slow)
        now = timezone.now()
        run_once(now)
        fail_payment(execution(api, quick)["transfer_ids"][0], ErrorCode.NAME_MISMATCH)

        assert finish(now) == 1

        assert execution(api, quick)["status"] == "failed"
        assert {execution(api, id)["status"] for id in waiting} == {"in_progress"}
        assert finish(now) == 0


class TestOverdraft:
    def test_is_not_made_by_a_transfer_that_was_asked_for_first(self, api, enabled, income, rent, savings):
        body = {"source_account_id": income.id, "destination_account_id": savings.id, "amount_in_cents": 800_00}
        api.post("/transfers", body)
        id = trigger(api, enabled(step(move(income, rent, 300_00))))
        accept(timezone.now())
        run_once()

        told = execution(api, id)
        assert (told["status"], counts(told)) == ("failed", [1, 0, 1, 0])
        assert balances(income, rent, savings) == [200_00, 0, 800_00]

    def test_is_not_made_by_deposits_of_one_batch(self, api, income, rent, savings):
        write_enabled(api, rule(step(move(rent, savings, 60_00, up_to=True)), trigger=on_funds(rent.id)))
        for _ in range(3):
            fund(rent, 50_00)
        run_once()

        assert balances(rent, savings) == [0, 150_00]
        assert find_faults() == []
