"""What a run moves, how it stands, and when it is tried again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rules.models import RuleExecution
from rules.sweeps import finish
from sequence.core.worker import run_once
from tests.rules.definitions import action, condition, manual, on_funds, rule, step
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
from transfers.models import ErrorCode, Transfer
from transfers.settlement import accept
from transfers.simulation import fail_payment, return_payment

NEVER = condition("TRANSFER_AMOUNT", "GREATER_THAN", 10**9)


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
