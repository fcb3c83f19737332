"""Rules move the right money while payments are on their way, as they are most of the time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.services import record_statement
from rules.models import RuleExecution
from rules.sweeps import carry_out
from sequence.core.worker import run_once
from tests.rules.definitions import action, condition, limit, manual, on_funds, rule, scheduled, step
from tests.rules.steps import (
    arrive,
    counts,
    enable,
    execution,
    later,
    move,
    paying,
    run_now,
    runs_of,
    trigger,
    write_enabled,
)
from tests.transfers.steps import balances, fund, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.models import ErrorCode, SimulatedMark
from transfers.simulated_rail_control import return_payment


@pytest.fixture(autouse=True)
def money(income):
    """$1,000.00 in the income source; after the test the books are right."""
    fund(income, 1000_00)
    yield
    assert find_faults() == []


class TestAnAccountsMoney:
    def test_that_is_about_to_leave_is_not_spent_twice(self, api, income, rent, card):
        all_of_it = {"percentage_value": 100, "percentage_target": "SOURCE_ACCOUNT"}
        spec = action("percentage", income.id, rent.id, **all_of_it)
        made = write_enabled(api, rule(step(spec), trigger=manual(income.id)))
        leaving = transfer_between(api, income, card, 300_00)
        id = trigger(api, made)
        carry_out(timezone.now())  # before the transfer is accepted
        run_once()
        arrive()

        leaving.refresh_from_db()
        assert (execution(api, id)["status"], leaving.status) == ("executed", "complete")
        assert balances(income, rent, card) == [0, 700_00, 0]

    def test_that_is_on_its_way_is_not_sent_for_again(self, api, rent, bank):
        spec = action("top_up", bank.id, rent.id, amount_in_cents=200_00)
        made = write_enabled(api, rule(step(spec), trigger=manual(rent.id)))

        run_now(api, made)
        run_now(api, made)
        arrive()

        assert balances(bank, rent) == [300_00, 200_00]

    def test_that_was_just_sent_outside_is_not_there_to_be_pulled_back(self, api, income, rent, bank):
        record_statement(organization_id=bank.organization_id, account_id=bank.id, balance_cents=0)
        there_and_back = step(move(income, bank, 400_00), move(bank, rent, 400_00))

        told = run_now(api, write_enabled(api, rule(there_and_back, trigger=manual(income.id))))

        assert told["error_message"] == "Action 1 failed: insufficient_funds."

    def test_of_a_condition_is_what_is_available(self, api, income, rent, savings, card):
        enough = condition("BALANCE", "GREATER_THAN_OR_EQUAL", 1000_00, of=income.id)
        made = write_enabled(api, rule(step(move(income, rent, 1_00), conditions=enough), trigger=manual(income.id)))
        transfer_between(api, income, card, 300_00)

        told = run_now(api, made, simulation=True)

        assert told["conditions_not_met"]
        assert told["trace"]["steps"][0]["conditions"]["saw"] == 700_00


class TestARetry:
    @pytest.fixture
    def refused(self, card):
        return SimulatedMark.objects.create(account=card, fail_code=ErrorCode.PAYMENT_FAILED)

    def test_does_not_happen_once_its_deposit_has_gone_back(self, api, bank, rent, card, refused):
        fund(rent, 700_00)
        run_once()
        all_of_it = action("percentage", rent.id, card.id, percentage_value=100, percentage_target="INCOMING_AMOUNT")
        made = write_enabled(api, rule(step(all_of_it), trigger=on_funds(rent.id)))
        pulled = transfer_between(api, bank, rent, 200_00)
        run_once()
        run_once(later(seconds=10))
        run_once(later(seconds=20))
        refused.delete()
        return_payment(pulled.id, ErrorCode.INSUFFICIENT_FUNDS)

        run_once(later(minutes=10))
        run_once(later(minutes=11))

        assert balances(rent, card) == [700_00, 300_00]
        [run] = runs_of(made)
        told = execution(api, run.id)
        assert (told["status"], told["next_attempt_at"]) == ("failed", None)
        assert told["error_message"].startswith("deposit_returned: ")

    def test_that_finds_nothing_to_do_leaves_failed_what_failed(self, api, income, card, refused):
        made = paying(api, income, card, "total_amount_due")
        id = trigger(api, made)
        run_once()
        run_once(later(seconds=10))
        assert execution(api, id)["status"] == "in_progress"
        record_statement(organization_id=card.organization_id, account_id=card.id, balance_cents=0)

        run_once(later(minutes=10))

        told = execution(api, id)
        assert (told["status"], counts(told)) == ("failed", [2, 0, 1, 0])
        assert told["error_message"] == "1 of 1 transfers failed: payment_failed."
        assert told["trace"]["nothing_to_move"] == 1  # 2 = 0 + 1 + 0 + 1

    def test_adds_its_movements_to_those_of_the_first(self, api, income, rent, card, refused):
        nothing = action("top_up", income.id, rent.id, amount_in_cents=0)
        pay = action("total_amount_due", income.id, card.id)
        id = trigger(api, write_enabled(api, rule(step(nothing, pay), trigger=manual(income.id))))
        run_once()
        run_once(later(seconds=10))
        refused.delete()

        run_once(later(minutes=10))
        run_once(later(minutes=11))

        told = execution(api, id)
        # 4 = 1 + 1 + 0 + 2, of each try one
        assert (told["status"], counts(told), told["trace"]["nothing_to_move"]) == ("executed", [4, 1, 1, 0], 2)


class TestALimit:
    NEVER = condition("TRANSFER_AMOUNT", "GREATER_THAN", 10**9)

    @pytest.fixture
    def capped(self, income, rent):
        return move(income, rent, 300_00, limit=limit("PER_MONTH", 300_00))

    @pytest.fixture
    def made(self, api, income, capped):
        made = write_enabled(api, rule(step(capped), trigger=manual(income.id)))
        run_now(api, made)
        return made

    def rewritten(self, api, made, income, *steps):
        response = api.put(f"/rules/{made.id}", rule(*steps, trigger=manual(income.id)))
        assert response.status_code == 200, response.content
        run_now(api, enable(made))

    def test_goes_on_counting_when_a_step_is_put_in_front(self, api, made, income, rent, savings, capped):
        self.rewritten(api, made, income, step(move(income, savings, 100), conditions=self.NEVER), step(capped))

        assert balances(rent) == [300_00]

    def test_goes_on_counting_when_its_action_moves(self, api, made, income, rent, savings, capped):
        self.rewritten(api, made, income, step(move(income, savings, 1_00), {**capped, "group_index": 2}))

        assert balances(rent, savings) == [300_00, 1_00]

    def test_goes_on_counting_when_its_action_gets_a_twin_in_another_group(self, api, made, income, rent, capped):
        self.rewritten(api, made, income, step(capped, {**capped, "group_index": 1}))
        self.rewritten(api, made, income, step({**capped, "group_index": 1}, {**capped, "group_index": 2}))

        assert balances(rent) == [300_00]

    @pytest.mark.parametrize("period", ["PER_WEEK", "PER_YEAR"])
    def test_goes_on_counting_in_another_period(self, api, made, income, rent, capped, period):
        self.rewritten(api, made, income, step({**capped, "limit": limit(period, 400_00)}))

        assert balances(rent) == [400_00]

    def test_counts_what_moved_before_there_was_one(self, api, income, rent, capped):
        free = write_enabled(api, rule(step({**capped, "limit": None}), trigger=manual(income.id)))
        run_now(api, free)

        self.rewritten(api, free, income, step(capped))

        assert balances(rent) == [300_00]

    def test_that_is_used_up_is_named(self, api, made, income):
        told = run_now(api, made)

        assert (told["status"], counts(told)) == ("executed", [1, 0, 0, 0])
        named = {"period": "PER_MONTH", "limit_in_cents": 300_00, "used_in_cents": 300_00}
        assert told["trace"]["actions"][0]["limit"] == named
        assert told["trace"]["nothing_to_move"] == 1


class TestTheCounts:
    @pytest.mark.usefixtures("statement")
    def test_add_up_whatever_became_of_the_movements(self, api, income, rent, savings, bank, card):
        """Two end at once, one is under way, two find nothing to move, one lacks the money."""
        steps = step(
            move(income, rent, 10_00),
            move(income, savings, 10_00),
            move(income, rent, 10_00, limit=limit("PER_MONTH", 0), group_index=1),
            action("top_up", income.id, rent.id, amount_in_cents=5_00),
            action("total_amount_due", income.id, card.id),
            move(income, bank, 5000_00),
            move(income, rent, 10_00),
        )
        made = write_enabled(api, rule(steps, trigger=manual(income.id)))

        simulated, live = run_now(api, made, simulation=True), run_now(api, made)

        assert (counts(live), live["trace"]["nothing_to_move"]) == ([6, 2, 1, 1], 2)  # 6 = 2 + 1 + 1 + 2
        told = simulated["trace"]
        assert (counts(simulated), told["nothing_to_move"], told["would_move"]) == ([6, 3, 1, 0], 2, 3)  # 6 = 3 + 1 + 2
        movements = [each for done in live["trace"]["actions"] for each in done.get("movements", [])]
        assert [each["result"] for each in movements] == ["move", "move", "skip", "skip", "move", "fail"]


class TestAChainOfRules:
    @pytest.mark.full
    def test_is_bounded_in_breadth_too(self, api, rent, savings):
        fund(rent, 1000_00)
        fund(savings, 1000_00)
        run_once()
        for source, to in ((rent, savings), (savings, rent)):
            write_enabled(api, rule(step(move(source, to, 100), move(source, to, 100)), trigger=on_funds(source.id)))

        fund(rent, 1_00)
        for _ in range(40):
            run_once()

        # A hundred, and one that says that there were.
        assert RuleExecution.objects.count() == 101
        [last] = RuleExecution.objects.filter(chain_number__gt=100)
        assert last.error_message.startswith("rule_loop_detected: ")
        # The next deposit begins a chain of its own.
        fund(rent, 1_00)
        run_once()
        assert RuleExecution.objects.count() == 202


class TestALateSlot:
    @pytest.fixture
    def monthly(self, api, income, rent):
        """The 31st of July 2030, midnight; a limit of $300.00 a month."""
        due = condition("DATE", "EQUALS", 31)
        capped = move(income, rent, 200_00, limit=limit("PER_MONTH", 300_00))
        when = scheduled("MONTHLY", "2030-07-31T00:00:00Z", income.id)
        return write_enabled(api, rule(step(capped, conditions=due), trigger=when))

    def test_is_judged_by_the_date_it_was_due(self, api, monthly, rent):
        run_once(datetime(2030, 8, 2, tzinfo=UTC))

        [run] = runs_of(monthly)
        assert not execution(api, run.id)["conditions_not_met"]
        assert balances(rent) == [200_00]

    def test_is_judged_by_that_date_when_it_is_tried_again(self, api, income, card):
        due = condition("DATE", "EQUALS", 31)
        when = scheduled("MONTHLY", "2030-07-31T23:58:00Z", income.id)
        capped = move(income, card, 200_00, limit=limit("PER_MONTH", 300_00))
        made = write_enabled(api, rule(step(capped, conditions=due), trigger=when))
        refused = SimulatedMark.objects.create(account=card, fail_code=ErrorCode.PAYMENT_FAILED)
        slot = datetime(2030, 7, 31, 23, 58, tzinfo=UTC)
        run_once(slot)
        run_once(slot + timedelta(seconds=10))
        refused.delete()

        run_once(slot + timedelta(minutes=6))  # in August
        run_once(slot + timedelta(minutes=7))

        [run] = runs_of(made)
        assert execution(api, run.id)["status"] == "executed"
        assert balances(card) == [100_00]
        august = datetime(2030, 8, 31, 23, 58, tzinfo=UTC)
        run_once(august)
        run_once(august + timedelta(minutes=1))
        assert balances(card) == [-100_00]  # all of August's limit was left

    def test_counts_in_the_period_it_was_due(self, monthly, rent):
        run_once(datetime(2030, 8, 2, tzinfo=UTC))  # July's 200
        run_once(datetime(2030, 8, 31, tzinfo=UTC))  # August has 300 of its own

        assert balances(rent) == [400_00]
