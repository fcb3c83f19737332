"""The smallest change of one literal that makes a step hold."""

import copy
import re

import pytest

from rules.engine.changes import smallest_changes
from rules.engine.definition import Definition
from rules.engine.plan import make_plan
from sequence.core.money import MAX_CENTS
from tests.rules.definitions import action, condition, defined, on_funds, rule, step
from tests.rules.engine.worlds import account, debt, world

OPERATORS = ["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"]
TOP = "steps[0].conditions.condition.value"


def changes(conditions, snapshot, knows=lambda leaf: True):
    """Return the changes of a rule whose steps have these conditions."""
    steps = [step(action("fixed_amount", amount_in_cents=1_00), conditions=each) for each in conditions]
    plan = make_plan(defined(rule(*steps, trigger=on_funds("income"))), snapshot)
    return [(change.path, change.to) for change in smallest_changes(plan.trace, knows)]


class TestOfOneCondition:
    @pytest.mark.parametrize(
        ("operator", "literal", "to"),
        [
            ("EQUALS", 900, 700),
            ("EQUALS", 699, 700),
            # Two are as near: the greater one.
            ("NOT_EQUALS", 700, 701),
            ("GREATER_THAN", 700, 699),
            ("GREATER_THAN", 900, 699),
            ("LESS_THAN", 700, 701),
            ("LESS_THAN", 500, 701),
            ("GREATER_THAN_OR_EQUAL", 701, 700),
            ("LESS_THAN_OR_EQUAL", 699, 700),
            # Fractions turn where whole numbers do.
            ("GREATER_THAN", 700.5, 699),
            ("LESS_THAN", 699.5, 701),
            ("GREATER_THAN_OR_EQUAL", 700.01, 700),
            ("EQUALS", 700.25, 700),
        ],
    )
    def test_is_the_nearest_whole_number_that_holds(self, operator, literal, to):
        assert changes([condition("TRANSFER_AMOUNT", operator, literal)], world(incoming=700)) == [(TOP, to)]

    def test_is_none_where_no_number_is_known_or_none_is_written(self):
        unknown = condition("BALANCE", "LESS_THAN", 5, of="bank")
        written = condition("TRANSFER_AMOUNT", "LESS_THAN", fact_value="DATE")

        assert changes([unknown, written], world(account("bank", None), incoming=700)) == []

    def test_is_none_beyond_what_a_rule_may_say(self):
        full = world(debt("card", MAX_CENTS))

        assert changes([condition("BALANCE", "LESS_THAN", 5, of="card")], full) == []


class TestOfATree:
    YES, NO = condition("TRANSFER_AMOUNT", "EQUALS", 700), condition("TRANSFER_AMOUNT", "EQUALS", 1)

    @pytest.mark.parametrize(
        ("tree", "places"),
        [
            ({"all": [YES, NO]}, ["all[1]"]),
            ({"all": [NO, NO]}, []),
            ({"any": [NO, NO]}, ["any[0]", "any[1]"]),
            ({"all": [{"any": [NO, NO]}, YES]}, ["all[0].any[0]", "all[0].any[1]"]),
            ({"any": [{"all": [NO, NO]}, {"all": [NO, YES]}]}, ["any[1].all[0]"]),
            ({"all": [{"any": [YES, NO]}, NO]}, ["all[1]"]),
        ],
    )
    def test_are_those_that_suffice_alone(self, tree, places):
        assert changes([tree], world(incoming=700)) == [
            (f"steps[0].conditions.{place}.condition.value", 700) for place in places
        ]

    def test_are_of_every_step(self):
        found = changes([{"all": [self.NO, self.NO]}, self.NO, {"any": [self.NO]}], world(incoming=700))

        assert [path.partition(".")[0] for path, _ in found] == ["steps[1]", "steps[2]"]

    @pytest.mark.parametrize("hidden_holds", [True, False])
    @pytest.mark.parametrize(
        ("tree_of", "places"),
        [
            (lambda hidden, no: {"all": [hidden, no]}, []),
            (lambda hidden, no: {"any": [{"all": [hidden, no]}, no]}, ["any[1]"]),
            (lambda hidden, no: {"all": [{"any": [hidden, no]}, no]}, []),
            (lambda hidden, no: {"any": [no, {"all": [no, hidden]}]}, ["any[0]"]),
        ],
    )
    def test_hang_on_nothing_that_the_reader_may_not_know(self, tree_of, places, hidden_holds):
        hidden = condition("BALANCE", "GREATER_THAN", 100 if hidden_holds else 300, of="rent")
        found = changes(
            [tree_of(hidden, self.NO)],
            world(incoming=700, rent=200),
            knows=lambda leaf: leaf["condition"]["fact"] != "BALANCE",
        )

        assert found == [(f"steps[0].conditions.{place}.condition.value", 700) for place in places]


def random_leaf(dice):
    fact, of = dice.choice([("TRANSFER_AMOUNT", None), ("BALANCE", "rent"), ("BALANCE", "bank"), ("DATE", None)])
    if dice.random() < 0.15:
        return condition(fact, dice.choice(OPERATORS), of=of, fact_value=dice.choice(["DATE", "TRANSFER_AMOUNT"]))
    literal = dice.choice([dice.randrange(-50, 50), dice.randrange(-500, 500) / 10])
    return condition(fact, dice.choice(OPERATORS), literal, of=of)


def random_tree(dice, depth=3):
    if depth == 0 or dice.random() < 0.3:
        return random_leaf(dice)
    children = [random_tree(dice, depth - 1) for _ in range(dice.randrange(1, 4))]
    return {dice.choice(["all", "any"]): children}


def with_literal(definition, path, to):
    """Return the definition with another literal at the path."""
    stored = copy.deepcopy(definition.as_dict())
    *way, last = [int(index) if index else name for name, index in re.findall(r"(\w+)|\[(\d+)\]", path)]
    holder = stored
    for part in way:
        holder = holder[part]
    assert holder[last] is not None
    holder[last] = to
    return Definition.read(stored)


def literals_of(definition):
    return [
        (f"{path}.value", part.value) for path, part in definition.walk() if getattr(part, "value", None) is not None
    ]


def holds(definition, snapshot, index):
    return make_plan(definition, snapshot).step_index == index


class TestEveryChange:
    def test_makes_its_step_hold_and_one_nearer_does_not_and_there_is_no_other(self, dice, by_length):
        states = by_length(200, 2_000, 20_000)
        told = 0
        for _ in range(states):
            trees = [random_tree(dice) for _ in range(dice.randrange(1, 4))]
            body = rule(*(step(action("fixed_amount", amount_in_cents=1_00), conditions=tree) for tree in trees))
            definition = defined(body)
            bank = account("bank", dice.choice([None, dice.randrange(-50, 50)]))
            snapshot = world(bank, incoming=dice.choice([None, dice.randrange(50)]), rent=dice.randrange(50))
            plan = make_plan(definition, snapshot)
            if plan.step_index is not None:
                continue

            found = {change.path: change.to for change in smallest_changes(plan.trace, lambda leaf: True)}

            told += len(found)
            for path, literal in literals_of(definition):
                index = int(path[len("steps[") : path.index("]")])
                if path in found or dice.random() < 0.02:
                    # Every literal from far below to far above what anything can be here.
                    nearest_first = sorted(range(-120, 120), key=lambda to: (abs(to - literal), -to))
                    helping = (to for to in nearest_first if holds(with_literal(definition, path, to), snapshot, index))
                    assert found.get(path) == next(helping, None), path
        assert told > states / 10
