"""When a step's conditions hold. Amounts are cents, days are of the month."""

from datetime import date

import pytest

from rules.engine.conditions import evaluate
from tests.rules.definitions import action, condition, defined, rule, step
from tests.rules.engine.worlds import account, bank, debt, world

EQ, NE, GT, LT = "EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"
GE, LE = "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"
YES = condition("TRANSFER_AMOUNT", EQ, 500)
NO = condition("TRANSFER_AMOUNT", EQ, 501)


def judged(tree, snapshot):
    definition = defined(rule(step(action("fixed_amount", amount_in_cents=100), conditions=tree)))
    return evaluate(definition.steps[0].condition, snapshot)


class TestOperators:
    @pytest.mark.parametrize(
        ("operator", "below", "equal", "above"),
        [
            (EQ, False, True, False),
            (NE, True, False, True),
            (GT, False, False, True),
            (LT, True, False, False),
            (GE, False, True, True),
            (LE, True, True, False),
        ],
    )
    @pytest.mark.parametrize("fact", ["TRANSFER_AMOUNT", "BALANCE", "DATE"])
    def test_compare_every_fact_with_a_number(self, fact, operator, below, equal, above):
        snapshot = world(income=15, incoming=15, today=date(2026, 7, 15))

        verdicts = [judged(condition(fact, operator, value), snapshot)[0] for value in (16, 15, 14)]

        assert verdicts == [below, equal, above]

    @pytest.mark.parametrize(
        ("operator", "value", "expected"),
        [
            (GT, 499.99, True),
            (LT, 500.01, True),
            (EQ, 500.0, True),
            (EQ, 500.5, False),
            (NE, 500.5, True),
            (GE, 500.000001, False),
            (GT, -1, True),
            (GT, 9007199254740991, False),
        ],
    )
    def test_compare_with_a_fraction_exactly(self, operator, value, expected):
        assert judged(condition("TRANSFER_AMOUNT", operator, value), world(incoming=500))[0] is expected


class TestFacts:
    @pytest.mark.parametrize(
        ("leaf", "snapshot", "seen"),
        [
            (condition("TRANSFER_AMOUNT", GE, 0), world(incoming=700), 700),
            (condition("TRANSFER_AMOUNT", GE, 0), world(incoming=None), 0),  # no money came in
            (condition("BALANCE", GE, 0), world(income=900), 900),  # the trigger's account
            (condition("BALANCE", GE, 0), world(account("income", 900, held_cents=300)), 600),  # available: 900-300
            (condition("BALANCE", GE, 0, of="rent"), world(rent=40), 40),
            (condition("BALANCE", GE, 0, of="card"), world(debt(owes=800)), 800),  # what is owed
            (condition("BALANCE", LE, 0, of="bank"), world(bank(cents=-20)), -20),
            (condition("DATE", GE, 0), world(today=date(2026, 2, 28)), 28),
            (condition("DATE", GE, 0), world(today=date(2026, 12, 1)), 1),
        ],
    )
    def test_see_the_world_as_it_is(self, leaf, snapshot, seen):
        holds, trace = judged(leaf, snapshot)

        assert holds
        assert trace["saw"] == seen

    @pytest.mark.parametrize(
        ("fact_value", "of", "compared_with"),
        [
            ("TRANSFER_AMOUNT", None, 500),
            ("BALANCE", None, 900),
            ("BALANCE", "card", 800),
            ("DATE", None, 15),
            ("LAST_DAY_OF_MONTH", None, 31),
            ("NEXT_PAYMENT_MINIMUM_AMOUNT", "card", 35),
            ("LAST_STATEMENT_BALANCE", "card", 310),
        ],
    )
    def test_are_compared_with_every_value_fact(self, fact_value, of, compared_with):
        snapshot = world(debt(owes=800, minimum=35, statement=310), income=900, incoming=500)

        _, trace = judged(condition("TRANSFER_AMOUNT", GT, of=of, fact_value=fact_value), snapshot)

        assert trace["compared_with"] == compared_with
        assert trace["holds"] is (compared_with < 500)

    @pytest.mark.parametrize(
        ("today", "holds"),
        [
            (date(2026, 2, 28), True),
            (date(2028, 2, 28), False),  # a leap year
            (date(2028, 2, 29), True),
            (date(2100, 2, 28), True),  # no leap year
            (date(2026, 4, 30), True),
            (date(2026, 5, 30), False),
            (date(2026, 12, 31), True),
        ],
    )
    def test_know_the_last_day_of_the_month(self, today, holds):
        assert judged(condition("DATE", EQ, fact_value="LAST_DAY_OF_MONTH"), world(today=today))[0] is holds

    @pytest.mark.parametrize("operator", [EQ, NE, GT, LT, GE, LE])
    @pytest.mark.parametrize(
        ("leaf_of", "snapshot"),
        [
            (lambda operator: condition("BALANCE", operator, 0, of="bank"), world(bank(cents=None))),
            (lambda operator: condition("BALANCE", operator, 0, of="gone"), world()),
            (lambda operator: condition("BALANCE", operator, 0, of="rent"), world(account("rent", 0, is_deleted=True))),
            (lambda operator: condition("BALANCE", operator, 0), world(trigger=None)),
            (
                lambda operator: condition("DATE", operator, of="card", fact_value="NEXT_PAYMENT_MINIMUM_AMOUNT"),
                world(debt()),
            ),
            (
                lambda operator: condition("DATE", operator, of="card", fact_value="LAST_STATEMENT_BALANCE"),
                world(debt()),
            ),
        ],
    )
    def test_that_are_not_known_make_every_condition_false(self, leaf_of, snapshot, operator):
        holds, trace = judged(leaf_of(operator), snapshot)

        assert holds is False
        assert None in (trace["saw"], trace["compared_with"])


class TestTrees:
    @pytest.mark.parametrize(
        ("tree", "expected"),
        [
            (None, True),
            (YES, True),
            (NO, False),
            ({"all": [YES]}, True),
            ({"all": [YES, YES]}, True),
            ({"all": [YES, NO]}, False),
            ({"all": [NO, NO]}, False),
            ({"any": [NO]}, False),
            ({"any": [NO, YES]}, True),
            ({"any": [NO, NO]}, False),
            ({"all": [{"any": [NO, YES]}, {"any": [YES, NO]}]}, True),
            ({"all": [{"any": [NO, YES]}, {"any": [NO, NO]}]}, False),
            ({"any": [{"all": [YES, NO]}, {"all": [YES, YES]}]}, True),
            ({"any": [{"all": [YES, NO]}, {"all": [NO, YES]}]}, False),
            ({"any": [{"all": [{"any": [NO, {"all": [YES]}]}, YES]}, NO]}, True),
        ],
    )
    def test_hold_as_their_parts_do(self, tree, expected):
        assert judged(tree, world(incoming=500))[0] is expected

    def test_are_traced_at_every_node_even_where_the_verdict_is_clear(self):
        holds, trace = judged({"any": [YES, {"all": [NO, YES]}]}, world(incoming=500))

        assert holds
        assert [node["holds"] for node in (trace, *trace["any"], *trace["any"][1]["all"])] == [
            True,
            True,
            False,
            False,
            True,
        ]
        leaf = trace["any"][1]["all"][0]
        assert leaf["condition"] == {
            "fact": "TRANSFER_AMOUNT",
            "operator": "EQUALS",
            "value": 501,
            "value_fact": None,
            "params": None,
            "account_name": "Income",
        }
        assert (leaf["saw"], leaf["compared_with"]) == (500, 501)
