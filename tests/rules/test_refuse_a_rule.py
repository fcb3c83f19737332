"""POST /rules refuses what is no rule, and accounts that are not the organization's."""

import pytest

from rules.models import Rule
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, on_funds, rule, scheduled, step
from tests.rules.steps import ABSENT, changed, faults, move

A0, A1, B0, B1 = (f"steps[{step}].actions[{index}]" for step in (0, 1) for index in (0, 1))


LEAF, INNER = "steps[0].conditions.all[0].condition", "steps[0].conditions.all[1].any[0].condition"


class TestRefusesABody:
    @pytest.mark.parametrize(
        ("path", "value", "expected"),
        [
            # The rule itself.
            ("nickname", "", ("nickname", "blank")),
            ("nickname", "n" * 101, ("nickname", "max_length")),
            ("nickname", 5, ("nickname", "invalid")),
            ("nickname", "a\u0007", ("nickname", "control_character")),
            ("description", "d" * 501, ("description", "max_length")),
            ("status", "on", ("status", "invalid_choice")),
            ("status", True, ("status", "invalid_choice")),
            ("name", "x", ("name", "unknown_field")),
            ("trigger", ABSENT, ("trigger", "required")),
            ("trigger", None, ("trigger", "null")),
            ("trigger", "MANUAL", ("trigger", "invalid")),
            ("trigger", {}, ("trigger.type", "required")),
            ("trigger.type", "WHENEVER", ("trigger.type", "invalid_choice")),
            ("trigger.type", "manual", ("trigger.type", "invalid_choice")),
            ("trigger.type", 1, ("trigger.type", "invalid_choice")),
            ("trigger.account_id", ABSENT, ("trigger.account_id", "required")),
            ("trigger.account_id", None, ("trigger.account_id", "null")),
            ("trigger.account_id", 7, ("trigger.account_id", "invalid")),
            ("trigger.start_date", "2026-01-01", ("trigger.start_date", "unknown_field")),
            ("steps", ABSENT, ("steps", "required")),
            ("steps", None, ("steps", "null")),
            ("steps", [], ("steps", "min_length")),
            ("steps", {}, ("steps", "not_a_list")),
            ("steps[0]", "x", ("steps[0]", "invalid")),
            ("steps[0].name", "x", ("steps[0].name", "unknown_field")),
            ("steps[1].actions", ABSENT, ("steps[1].actions", "required")),
            ("steps[1].actions", [], ("steps[1].actions", "min_length")),
            ("steps[1].actions", None, ("steps[1].actions", "null")),
            # Conditions.
            ("steps[0].conditions", [], ("steps[0].conditions", "invalid")),
            ("steps[0].conditions", {}, ("steps[0].conditions.condition", "exactly_one")),
            ("steps[0].conditions", {"all": [], "any": []}, ("steps[0].conditions.any", "exactly_one")),
            ("steps[0].conditions.all", [], ("steps[0].conditions.all", "invalid")),
            ("steps[0].conditions.all", {}, ("steps[0].conditions.all", "invalid")),
            ("steps[0].conditions.all[1].any", [], ("steps[0].conditions.all[1].any", "invalid")),
            ("steps[0].conditions.all[1]", 5, ("steps[0].conditions.all[1]", "invalid")),
            ("steps[0].conditions.all[1].none", [], ("steps[0].conditions.all[1].none", "unknown_field")),
            (LEAF, "x", (LEAF, "invalid")),
            (f"{LEAF}.fact", "WEATHER", (f"{LEAF}.fact", "invalid_choice")),
            (f"{LEAF}.fact", ABSENT, (f"{LEAF}.fact", "required")),
            (f"{LEAF}.fact", "LAST_DAY_OF_MONTH", (f"{LEAF}.fact", "invalid_choice")),
            (f"{LEAF}.operator", "==", (f"{LEAF}.operator", "invalid_choice")),
            (f"{LEAF}.operator", ABSENT, (f"{LEAF}.operator", "required")),
            (f"{LEAF}.value", None, (f"{LEAF}.value", "exactly_one")),
            (f"{LEAF}.value_fact", "DATE", (f"{LEAF}.value_fact", "exactly_one")),
            (f"{LEAF}.value", "100", (f"{LEAF}.value", "invalid")),
            (f"{LEAF}.value", True, (f"{LEAF}.value", "invalid")),
            (f"{LEAF}.value", 2**53, (f"{LEAF}.value", "max_value")),
            (f"{LEAF}.since", 1, (f"{LEAF}.since", "unknown_field")),
            (f"{INNER}.value_fact", "TOMORROW", (f"{INNER}.value_fact", "invalid_choice")),
            (f"{INNER}.params", "x", (f"{INNER}.params", "invalid")),
            (f"{INNER}.params.id", "x", (f"{INNER}.params.id", "unknown_field")),
            (f"{INNER}.params.account_id", 1, (f"{INNER}.params.account_id", "invalid")),
            # Actions.
            (A0, "x", (A0, "invalid")),
            (f"{A0}.type", ABSENT, (f"{A0}.type", "required")),
            (f"{A0}.type", "gift", (f"{A0}.type", "invalid_choice")),
            (f"{A0}.type", "FIXED_AMOUNT", (f"{A0}.type", "invalid_choice")),
            (f"{A0}.source", ABSENT, (f"{A0}.source", "required")),
            (f"{A0}.source", None, (f"{A0}.source", "null")),
            (f"{A0}.source", "acc_1", (f"{A0}.source", "invalid")),
            (f"{A0}.source.id", ABSENT, (f"{A0}.source.id", "required")),
            (f"{A0}.source.id", 5, (f"{A0}.source.id", "invalid")),
            (f"{A0}.source.type", "bank", (f"{A0}.source.type", "invalid_choice")),
            (f"{A0}.source.nickname", "Payroll", (f"{A0}.source.nickname", "unknown_field")),
            (f"{A0}.destination", ABSENT, (f"{A0}.destination", "required")),
            (f"{A0}.amount_in_cents", ABSENT, (f"{A0}.amount_in_cents", "required")),
            (f"{A0}.amount_in_cents", None, (f"{A0}.amount_in_cents", "null")),
            (f"{A0}.amount_in_cents", 99, (f"{A0}.amount_in_cents", "min_value")),
            (f"{A0}.amount_in_cents", -500, (f"{A0}.amount_in_cents", "min_value")),
            (f"{A0}.amount_in_cents", 2**53, (f"{A0}.amount_in_cents", "max_value")),
            (f"{A0}.amount_in_cents", "500", (f"{A0}.amount_in_cents", "invalid")),
            (f"{A0}.amount_in_cents", 500.0, (f"{A0}.amount_in_cents", "invalid")),
            (f"{A0}.amount_in_cents", True, (f"{A0}.amount_in_cents", "invalid")),
            (f"{A0}.percentage_value", 5, (f"{A0}.percentage_value", "unknown_field")),
            (f"{A0}.group_index", -1, (f"{A0}.group_index", "min_value")),
            (f"{A0}.group_index", 100, (f"{A0}.group_index", "max_value")),
            (f"{A0}.group_index", "1", (f"{A0}.group_index", "invalid")),
            (f"{A0}.up_to_enabled", 1, (f"{A0}.up_to_enabled", "invalid")),
            (f"{A0}.up_to_enabled", "true", (f"{A0}.up_to_enabled", "invalid")),
            (f"{A0}.is_direct_deposit", 0, (f"{A0}.is_direct_deposit", "invalid")),
            (f"{A0}.ach_description", "elevenchars", (f"{A0}.ach_description", "statement_text")),
            (f"{A0}.ach_description", "RENT-01", (f"{A0}.ach_description", "statement_text")),
            (f"{A0}.limit", 5, (f"{A0}.limit", "invalid")),
            (f"{A0}.limit", {"period": "PER_WEEK"}, (f"{A0}.limit.amount_in_cents", "required")),
            (f"{A0}.limit.period", "PER_DAY", (f"{A0}.limit.period", "invalid_choice")),
            (f"{A0}.limit.period", None, (f"{A0}.limit.period", "null")),
            (f"{A0}.limit.amount_in_cents", -1, (f"{A0}.limit.amount_in_cents", "min_value")),
            (f"{A0}.limit.amount_in_cents", "9", (f"{A0}.limit.amount_in_cents", "invalid")),
            (f"{A0}.limit.unit", "x", (f"{A0}.limit.unit", "unknown_field")),
            # Top-ups.
            (f"{A1}.next_payment_minimum_account", ABSENT, (f"{A1}.amount_in_cents", "exactly_one")),
            (f"{A1}.amount_in_cents", 500, (f"{A1}.next_payment_minimum_account", "exactly_one")),
            (f"{A1}.next_payment_minimum_account", "acc_1", (f"{A1}.next_payment_minimum_account", "invalid")),
            # Percentages.
            (f"{B0}.percentage_value", ABSENT, (f"{B0}.percentage_value", "required")),
            (f"{B0}.percentage_value", 100.1, (f"{B0}.percentage_value", "max_value")),
            (f"{B0}.percentage_value", -1, (f"{B0}.percentage_value", "min_value")),
            (f"{B0}.percentage_value", 0.0000001, (f"{B0}.percentage_value", "max_places")),
            (f"{B0}.percentage_value", "12", (f"{B0}.percentage_value", "invalid")),
            (f"{B0}.percentage_value", True, (f"{B0}.percentage_value", "invalid")),
            (f"{B0}.percentage_target", "BALANCE", (f"{B0}.percentage_target", "invalid_choice")),
            (f"{B0}.percentage_target", ABSENT, (f"{B0}.percentage_target", "required")),
            # Avalanches.
            (f"{B1}.accounts", ABSENT, (f"{B1}.accounts", "required")),
            (f"{B1}.accounts", [], (f"{B1}.accounts", "min_length")),
            (f"{B1}.accounts[0]", {"id": None}, (f"{B1}.accounts[0].id", "null")),
            (f"{B1}.amount_in_cents", 500, (f"{B1}.percentage_value", "exactly_one")),
            (f"{B1}.percentage_value", ABSENT, (f"{B1}.amount_in_cents", "exactly_one")),
            (f"{B1}.percentage_target", ABSENT, (f"{B1}.percentage_target", "required")),
            (f"{B1}.destination", {"id": "x"}, (f"{B1}.destination", "invalid")),
        ],
    )
    def test_with_the_exact_path_of_each_fault(self, api, body, path, value, expected):
        response = api.post("/rules", changed(body, path, value))

        assert faults(response) == [expected]
        assert not Rule.objects.exists()

    def test_with_all_faults_at_once(self, api, body):
        wrong = changed(changed(body, f"{A0}.limit.period", "PER_DAY"), f"{B0}.percentage_value", 101)

        assert faults(api.post("/rules", wrong)) == [
            (f"{A0}.limit.period", "invalid_choice"),
            (f"{B0}.percentage_value", "max_value"),
        ]

    @pytest.mark.parametrize(
        ("trigger", "expected"),
        [
            (scheduled("HOURLY", "2026-01-01"), ("trigger.schedule_type", "invalid_choice")),
            (scheduled("DAILY", "tomorrow"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "2026-02-30"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "2026-W05-6"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "20260131"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "2026-1-3"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "٢٠٢٦-01-31"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "2026-01-31T24:00:00Z"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", "0001-01-01T00:00:00+05:00"), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", 20260131), ("trigger.start_date", "invalid")),
            (scheduled("DAILY", None), ("trigger.start_date", "null")),
            ({"type": "SCHEDULED", "schedule_type": "DAILY"}, ("trigger.start_date", "required")),
            ({"type": "SCHEDULED", "start_date": "2026-01-01"}, ("trigger.schedule_type", "required")),
            ({"type": "MANUAL", "account_id": "x", "every": 1}, ("trigger.every", "unknown_field")),
        ],
    )
    def test_with_a_schedule_that_is_none(self, api, body, trigger, expected):
        assert faults(api.post("/rules", {**body, "trigger": trigger})) == [expected]
        assert not Rule.objects.exists()


class TestRefusesAnAccount:
    PLACES = [
        ("trigger.account_id", "trigger.account_id"),
        (f"{A0}.source.id", f"{A0}.source.id"),
        (f"{A0}.destination.id", f"{A0}.destination.id"),
        (f"{A1}.next_payment_minimum_account.id", f"{A1}.next_payment_minimum_account.id"),
        (f"{B1}.accounts[0].id", f"{B1}.accounts[0].id"),
        (f"{INNER}.params.account_id", f"{INNER}.params.account_id"),
    ]

    @pytest.mark.parametrize(("place", "expected"), PLACES)
    @pytest.mark.parametrize("kind", ["unknown", "foreign", "deleted", "malformed"])
    def test_that_is_not_the_organizations_wherever_it_stands(self, api, body, globex, acme, kind, place, expected):
        gone = PodFactory(organization=acme)
        gone.delete_softly()
        id = {
            "unknown": "acc_01K00000000000000000000000",
            "foreign": PodFactory(organization=globex).id,
            "deleted": gone.id,
            "malformed": "acc_1",
        }[kind]

        assert faults(api.post("/rules", changed(body, place, id))) == [(expected, "unknown_account")]
        assert not Rule.objects.exists()

    @pytest.mark.parametrize(
        ("place", "type", "expected"),
        [
            (f"{A0}.source.type", "pod", f"{A0}.source.type"),
            (f"{A0}.destination.type", "external_account", f"{A0}.destination.type"),
            (f"{B1}.accounts[0].type", "pod", f"{B1}.accounts[0].type"),
        ],
    )
    def test_of_another_type_than_is_said(self, api, body, place, type, expected):
        assert faults(api.post("/rules", changed(body, place, type))) == [(expected, "wrong_type")]

    @pytest.mark.parametrize(
        ("path", "account", "expected"),
        [
            (f"{A0}.source", "brokerage", (f"{A0}.source", "cannot_be_source")),
            (f"{A0}.source", "card", (f"{A0}.source", "cannot_be_source")),
            (f"{A0}.destination", "other_income", (f"{A0}.destination", "cannot_be_destination")),
            (f"{A0}.destination", "income", (f"{A0}.destination", "same_account")),
            (f"{A1}.destination", "card", (f"{A1}.destination", "wrong_account")),  # no top-up of a debt
            (f"{A1}.next_payment_minimum_account", "rent", (f"{A1}.next_payment_minimum_account", "not_a_liability")),
            (f"{B1}.accounts[0]", "rent", (f"{B1}.accounts[0]", "wrong_account")),
            (f"{B1}.accounts[0]", "bank", (f"{B1}.accounts[0]", "wrong_account")),
        ],
    )
    def test_that_cannot_stand_there(self, api, body, request, income, path, account, expected):
        if account == "other_income":
            id = IncomeSourceFactory(organization=income.organization).id
        else:
            id = request.getfixturevalue(account).id

        assert faults(api.post("/rules", changed(body, path, {"id": id}))) == [expected]
        assert not Rule.objects.exists()

    def test_pair_that_is_external_at_both_ends(self, api, body, bank, brokerage):
        wrong = changed(changed(body, f"{A0}.source", {"id": bank.id}), f"{A0}.destination", {"id": brokerage.id})

        assert faults(api.post("/rules", wrong)) == [(f"{A0}.destination", "both_external")]

    @pytest.mark.parametrize(
        "type", ["next_payment_minimum", "total_amount_due", "last_statement_balance", "percentage_liability_balance"]
    )
    def test_that_owes_nothing_by_nature_as_a_debt(self, api, income, rent, type):
        own = {"percentage_value": 5} if type == "percentage_liability_balance" else {}

        response = api.post("/rules", rule(step(action(type, income.id, rent.id, **own)), trigger=on_funds(income.id)))

        assert faults(response) == [(f"{A0}.destination", "wrong_account")]

    def test_twice_in_one_avalanche(self, api, body, card):
        twice = changed(body, f"{B1}.accounts", [{"id": card.id}, {"id": card.id}])

        assert faults(api.post("/rules", twice)) == [(f"{B1}.accounts", "repeated")]

    @pytest.mark.parametrize("fact", ["NEXT_PAYMENT_MINIMUM_AMOUNT", "LAST_STATEMENT_BALANCE"])
    def test_without_a_statement_where_one_is_compared_with(self, api, body, fact):
        wrong = changed(body, f"{INNER}.value_fact", fact)

        assert faults(api.post("/rules", wrong)) == [(f"{INNER}.value_fact", "not_a_liability")]

    @pytest.mark.parametrize(
        "leaf", [condition("BALANCE", "EQUALS", 1), condition("DATE", "EQUALS", fact_value="BALANCE")]
    )
    def test_that_a_condition_needs_and_nobody_names(self, api, income, rent, leaf):
        body = rule(step(move(income, rent, 100), conditions=leaf), trigger=scheduled("DAILY", "2026-01-01"))

        assert faults(api.post("/rules", body)) == [("steps[0].conditions.condition.params", "required")]
