"""How steps and actions follow each other."""

import copy

import pytest

from rules.engine.plan import make_plan
from tests.rules.definitions import action, condition, defined, rule, step
from tests.rules.engine.worlds import account, bank, plan_of, told, world

NEVER = condition("TRANSFER_AMOUNT", "GREATER_THAN", 10**6)


def fixed(cents, **own):
    return action("fixed_amount", amount_in_cents=cents, **own)


class TestSteps:
    def test_the_first_that_holds_ends_the_rule(self):
        holds = condition("TRANSFER_AMOUNT", "EQUALS", 700)
        definition = defined(
            rule(step(fixed(100), conditions=NEVER), step(fixed(200), conditions=holds), step(fixed(300)))
        )

        plan = make_plan(definition, world(incoming=700))

        assert plan.step_index == 1
        assert told(plan) == ["rent 200"]
        assert [trace["holds"] for trace in plan.trace["steps"]] == [False, True]

    def test_none_that_holds_plans_nothing(self):
        plan = make_plan(defined(rule(step(fixed(100), conditions=NEVER), step(fixed(200), conditions=NEVER))), world())

        assert plan.step_index is None
        assert plan.lines == plan.trace["actions"] == []
        assert [trace["step_index"] for trace in plan.trace["steps"]] == [0, 1]

    def test_one_without_conditions_always_holds(self):
        plan = make_plan(defined(rule(step(fixed(100)), step(fixed(200)))), world())

        assert (plan.step_index, told(plan)) == (0, ["rent 100"])


class TestActions:
    def test_see_what_earlier_ones_have_moved(self):
        # 300 reach rent, 250 go on from there; the second 250 finds 50.
        on = fixed(250, source="rent", destination="fun")

        plan = plan_of(world(fun=0, rent=0), fixed(300), on, on)

        assert told(plan) == ["rent 300", "fun 250", "fun 250 failed: insufficient_funds"]

    def test_stop_after_one_that_fails(self):
        plan = plan_of(world(income=300), fixed(200), fixed(200), fixed(100), fixed(100))

        assert told(plan) == ["rent 200", "rent 200 failed: insufficient_funds"]
        assert [trace["result"] for trace in plan.trace["actions"]] == ["moved", "failed", "skipped", "skipped"]
        assert plan.failure.action_index == 1

    def test_go_on_after_one_that_has_nothing_to_move(self):
        plan = plan_of(world(income=300), action("top_up", amount_in_cents=0), fixed(200))

        assert told(plan) == ["rent 0 skipped", "rent 200"]
        assert [trace["result"] for trace in plan.trace["actions"]] == ["nothing to move", "moved"]

    def test_cannot_spend_what_is_still_on_its_way_from_outside(self):
        plan = plan_of(
            world(bank(cents=900), fun=0), fixed(500, source="bank"), fixed(300, source="rent", destination="fun")
        )

        assert told(plan) == ["rent 500", "fun 300 failed: insufficient_funds"]

    def test_are_explained(self):
        spec = action("percentage", percentage_value=50, percentage_target="INCOMING_AMOUNT", up_to=True)

        plan = plan_of(world(account("income", 700, held_cents=300), incoming=900), spec)

        assert plan.trace["actions"] == [
            {
                "action_index": 0,
                "type": "percentage",
                "source": "Income",
                "result": "moved",
                "base_cents": 900,
                "computed_cents": 450,
                "share": {
                    "exact": "450",
                    "floor_in_cents": 450,
                    "remainder": "0",
                    "rank": 1,
                    "got_extra_cent": False,
                },
                "wanted_cents": 450,
                "source_available_cents": 400,
                "balance_took_cents": 50,
                "movements": [
                    {"line": 0, "destination": "Rent", "amount_cents": 400, "result": "move", "reason": None}
                ],
            }
        ]

    @pytest.mark.parametrize("gone", [None, "rent", "fun", "tax"])
    def test_certify_their_shares_whatever_becomes_of_them(self, gone):
        """A third each of $100.01, though the first account is gone, or a later one, and what follows is skipped."""
        pods = {id: account(id, is_deleted=id == gone) for id in ("rent", "fun", "tax")}
        third = {"percentage_value": 33.33, "percentage_target": "INCOMING_AMOUNT"}

        plan = plan_of(
            world(*pods.values(), incoming=100_01), *(action("percentage", destination=id, **third) for id in pods)
        )

        shares = [trace["share"] for trace in plan.trace["actions"]]
        # 3333.3333 three times: rounded down in all 9999 (of 9999.9999), so that no cent is left over.
        assert [share["exact"] for share in shares] == ["3333.3333"] * 3
        assert [share["remainder"] for share in shares] == ["0.3333"] * 3
        assert [share["rank"] for share in shares] == [1, 2, 3]
        assert sum(share["floor_in_cents"] + share["got_extra_cent"] for share in shares) == 9999


class TestMakePlan:
    def test_leaves_rule_and_snapshot_as_they_are(self):
        snapshot = world(bank(), rooms=[("money_out", 900, "x")], used={("fixed_amount income rent", 0, "PER_WEEK"): 1})
        weekly = {"period": "PER_WEEK", "amount_in_cents": 800}
        definition = defined(rule(step(fixed(300, limit=weekly), fixed(200, destination="bank"))))
        before = copy.deepcopy((definition, snapshot))

        assert told(make_plan(definition, snapshot)) == ["rent 300", "bank 200"]

        assert (definition, snapshot) == before
