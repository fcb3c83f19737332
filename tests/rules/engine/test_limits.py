"""What limits leave of an amount. Cents; the comment beside a row is its arithmetic."""

import pytest

from rules.engine.plan import make_plan
from tests.rules.definitions import action, condition, defined, limit, rule, step
from tests.rules.engine.worlds import bank, debt, plan_of, told, world

DOLLAR = "transfer_amount_less_than_one_dollar"


# What ``fixed`` makes.
MOVE = "fixed_amount income rent"


def fixed(cents, period=None, cap=0, **own):
    extra = {"limit": limit(period, cap)} if period else {}
    return action("fixed_amount", amount_in_cents=cents, **extra, **own)


class TestLimitPerTransfer:
    @pytest.mark.parametrize(
        ("spec", "income", "expected"),
        [
            (fixed(500, "PER_TRANSFER", 300), 1000, ["rent 300"]),
            (fixed(500, "PER_TRANSFER", 500), 1000, ["rent 500"]),
            (fixed(500, "PER_TRANSFER", 501), 1000, ["rent 500"]),
            (fixed(500, "PER_TRANSFER", 99), 1000, [f"rent 99 skipped: {DOLLAR}"]),
            (fixed(500, "PER_TRANSFER", 0), 1000, ["rent 0 skipped"]),
            (fixed(500, "PER_TRANSFER", 300, up_to=True), 250, ["rent 250"]),
        ],
    )
    def test_caps_each_transfer(self, spec, income, expected):
        assert told(plan_of(world(income=income), spec)) == expected

    def test_needs_funds_for_what_it_leaves_only(self):
        assert told(plan_of(world(income=300), fixed(500, "PER_TRANSFER", 300))) == ["rent 300"]

    def test_is_not_used_up_by_another_transfer(self):
        spec = fixed(500, "PER_TRANSFER", 300)

        assert told(plan_of(world(), spec, spec)) == ["rent 300", "rent 300"]

    def test_is_told_in_the_trace(self):
        [trace] = plan_of(world(income=1000), fixed(500, "PER_TRANSFER", 300)).trace["actions"]

        assert (trace["computed_cents"], trace["limit_took_cents"], trace["wanted_cents"]) == (500, 200, 300)


@pytest.mark.parametrize("period", ["PER_WEEK", "PER_MONTH", "PER_YEAR"])
class TestLimitPerPeriod:
    @pytest.mark.parametrize(
        ("cap", "used", "expected"),
        [
            (800, 0, ["rent 500"]),
            (800, 300, ["rent 500"]),  # 800-300=500
            (800, 301, ["rent 499"]),
            (800, 700, ["rent 100"]),
            (800, 701, [f"rent 99 skipped: {DOLLAR}"]),
            (800, 800, ["rent 0 skipped"]),  # used up: no transfer and no failure
            (800, 900, ["rent 0 skipped"]),  # the limit was lowered since
            (0, 0, ["rent 0 skipped"]),
        ],
    )
    def test_leaves_what_the_period_has_not_used(self, period, cap, used, expected):
        plan = plan_of(world(used={(MOVE, 0, period): used}), fixed(500, period, cap))

        assert told(plan) == expected
        assert plan.failure is None

    def test_is_shared_by_the_actions_of_one_group(self, period):
        # 800 for group 1: 500, then 300. Group 2 has 800 of its own.
        one, two = fixed(500, period, 800, group_index=1), fixed(500, period, 800, group_index=2)

        assert told(plan_of(world(), one, one, two)) == ["rent 500", "rent 300", "rent 500"]

    def test_is_used_by_what_earlier_runs_of_the_same_group_moved(self, period):
        used = {(MOVE, 1, period): 600, (MOVE, 2, period): 100, ("round_down income rent", 1, period): 800}
        one, two = fixed(500, period, 800, group_index=1), fixed(500, period, 800, group_index=2)

        assert told(plan_of(world(used=used), one, two)) == ["rent 200", "rent 500"]

    def test_is_used_in_every_group_by_what_earlier_versions_moved(self, period):
        one, two = fixed(500, period, 800, group_index=1), fixed(500, period, 800, group_index=2)

        plan = plan_of(world(used={(MOVE, None, period): 600, (MOVE, 2, period): 100}), one, two)

        assert told(plan) == ["rent 200", "rent 100"]  # 800-600; 800-600-100

    def test_of_another_period_does_not_count(self, period):
        others = {"PER_WEEK", "PER_MONTH", "PER_YEAR"} - {period}
        used = {(MOVE, 0, other): 800 for other in others}

        assert told(plan_of(world(used=used), fixed(500, period, 800))) == ["rent 500"]

    def test_of_another_action_does_not_count(self, period):
        others = ["fixed_amount income savings", "fixed_amount bank rent", "top_up income rent"]
        used = {(key, 0, period): 800 for key in others}

        assert told(plan_of(world(used=used), fixed(500, period, 800))) == ["rent 500"]

    def test_counts_on_when_the_action_changes_its_step_or_its_group(self, period):
        never = condition("TRANSFER_AMOUNT", "GREATER_THAN", 10**6)
        capped = fixed(500, period, 800, group_index=3)
        definition = defined(rule(step(fixed(500), conditions=never), step(fixed(100, source="bank"), capped)))

        plan = make_plan(definition, world(bank(cents=500), used={(MOVE, 0, period): 600}))

        assert told(plan) == ["rent 100", "rent 200"]

    def test_of_a_payment_over_debts_counts_whichever_they_are(self, period):
        spec = {"type": "avalanche", "source": {"id": "income"}, "accounts": [{"id": "card"}], "amount_in_cents": 500}

        used = {("avalanche income", 0, period): 600}
        plan = plan_of(world(debt(owes=900_00), used=used), {**spec, "limit": limit(period, 800)})

        assert told(plan) == ["card 200"]

    def test_is_named_by_the_trace(self, period):
        [trace] = plan_of(world(used={(MOVE, 0, period): 600}), fixed(500, period, 800)).trace["actions"]

        assert trace["limit"] == {"period": period, "limit_in_cents": 800, "used_in_cents": 600}

    def test_is_not_used_by_what_does_not_move(self, period):
        # The balance leaves 200 of the first 500; 800-200=600 are left for the second, which finds nothing.
        plan = plan_of(world(income=200), fixed(500, period, 800, up_to=True), fixed(500, period, 800, up_to=True))

        assert told(plan) == ["rent 200", "rent 0 skipped"]

    def test_needs_funds_for_what_it_leaves_only(self, period):
        plan = plan_of(world(income=200, used={(MOVE, 0, period): 600}), fixed(500, period, 800))

        assert told(plan) == ["rent 200"]


class TestLeastTransfer:
    def test_is_no_failure_where_the_funds_are_missing_too(self):
        # 1% of 5000 is 50, and there are 10.
        small = action("percentage", percentage_value=1, percentage_target="INCOMING_AMOUNT")

        plan = plan_of(world(income=10, incoming=50_00), small, action("top_up", amount_in_cents=100, up_to=True))

        assert told(plan) == [f"rent 50 skipped: {DOLLAR}", f"rent 10 skipped: {DOLLAR}"]

    def test_moves_nothing_from_an_overdrawn_bank_when_nothing_is_wanted(self):
        spec = action("top_up", source="bank", amount_in_cents=500)

        assert told(plan_of(world(bank(cents=-50), rent=500), spec)) == ["rent 0 skipped"]


class TestAchRooms:
    OUT = ("money_out", 500, "daily_ach_credit_limit_reached")
    MONTH = ("money_out", 400, "monthly_ach_credit_limit_reached")
    IN = ("money_in", 300, "daily_ach_debit_limit_reached")

    @pytest.mark.parametrize(
        ("rooms", "specs", "expected"),
        [
            ([OUT], [fixed(500, destination="card")], ["card 500"]),
            ([OUT], [fixed(501, destination="card")], ["card 501 failed: daily_ach_credit_limit_reached"]),
            ([OUT, MONTH], [fixed(401, destination="card")], ["card 401 failed: monthly_ach_credit_limit_reached"]),
            ([MONTH, OUT], [fixed(501, destination="card")], ["card 501 failed: monthly_ach_credit_limit_reached"]),
            # Actions of one step share the room: 500 - 300 = 200.
            (
                [OUT],
                [fixed(300, destination="card"), fixed(201, destination="bank")],
                ["card 300", "bank 201 failed: daily_ach_credit_limit_reached"],
            ),
            ([OUT], [fixed(300, destination="card"), fixed(200, destination="bank")], ["card 300", "bank 200"]),
            ([IN], [fixed(300, source="bank")], ["rent 300"]),
            ([IN], [fixed(301, source="bank")], ["rent 301 failed: daily_ach_debit_limit_reached"]),
            # Each direction has its own, and what stays inside needs none.
            ([IN, OUT], [fixed(300, source="bank"), fixed(500, destination="card")], ["rent 300", "card 500"]),
            ([("money_out", 0, "x"), ("money_in", 0, "x")], [fixed(500)], ["rent 500"]),
            (
                [("money_out", -5, "daily_ach_credit_limit_reached")],
                [fixed(50_00, "PER_WEEK", 0, destination="card")],
                ["card 0 skipped"],
            ),
        ],
    )
    def test_bound_what_leaves_and_what_is_pulled_in(self, rooms, specs, expected):
        snapshot = world(debt(owes=900_00), bank(cents=900_00), rooms=rooms)

        assert told(plan_of(snapshot, *specs)) == expected

    def test_end_a_spread_where_they_are_full(self):
        spec = action(
            "snowball", destination=None, amount_in_cents=900, accounts=[{"id": "a"}, {"id": "b"}, {"id": "c"}]
        )
        snapshot = world(debt("a", 300), debt("b", 301), debt("c", 400), rooms=[self.OUT])

        plan = plan_of(snapshot, spec, fixed(100))

        assert told(plan) == ["a 300", "b 301 failed: daily_ach_credit_limit_reached"]
