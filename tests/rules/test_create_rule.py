"""POST /rules: what it answers, and where it finds fault."""

import json

import pytest

from rules.models import Rule, RuleVersion
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, limit, on_funds, rule, scheduled, step
from tests.rules.steps import ABSENT, changed, faults, move


def deep(levels, leaf):
    """A tree of that many levels, the leaf counted."""
    tree = leaf
    for _ in range(levels - 1):
        tree = {"all": [tree]}
    return tree


@pytest.fixture
def body(income, rent, savings, card):
    """A rule with a bit of everything."""
    return rule(
        step(
            move(income, rent, 500_00, limit=limit("PER_MONTH", 900_00), group_index=3, ach_description="RENT 01"),
            action("top_up", income.id, savings.id, next_payment_minimum_account={"id": card.id}),
            conditions={
                "all": [
                    condition("TRANSFER_AMOUNT", "GREATER_THAN", 100.5),
                    {"any": [condition("BALANCE", "LESS_THAN", of=rent.id, fact_value="DATE")]},
                ]
            },
        ),
        step(
            action("percentage", income.id, savings.id, percentage_value=12.5, percentage_target="INCOMING_AMOUNT"),
            action(
                "avalanche",
                income.id,
                None,
                accounts=[{"id": card.id, "type": "external_account"}],
                percentage_value=10,
                percentage_target="SOURCE_ACCOUNT",
            ),
        ),
        trigger=on_funds(income.id),
        nickname="Pay day",
        description="First rent,\nthen the rest.",
    )


class TestCreateRule:
    def test_answers_the_whole_rule_in_the_order_of_the_contract(self, api, body, income, rent, savings, card):
        response = api.post("/rules", body)

        assert response.status_code == 201
        told = response.json()["data"]
        assert list(told) == [
            "id", "nickname", "description", "status", "trigger", "steps", "created_at", "updated_at",
        ]  # fmt: skip
        assert told["created_at"] == told["updated_at"]
        assert (told["nickname"], told["description"]) == ("Pay day", "First rent,\nthen the rest.")
        assert told["trigger"] == {"type": "ON_FUNDS_TRANSFERRED", "account_id": income.id}
        pays = {"id": income.id, "type": "income_source", "name": "Payroll"}
        owed = {"id": card.id, "type": "external_account", "name": "Card"}
        first, second = told["steps"]
        assert list(first["actions"][0].items()) == [
            ("type", "fixed_amount"),
            ("source", pays),
            ("destination", {"id": rent.id, "type": "pod", "name": "Rent"}),
            ("group_index", 3),
            ("up_to_enabled", False),
            ("limit", {"period": "PER_MONTH", "amount_in_cents": 900_00}),
            ("ach_description", "RENT 01"),
            ("is_direct_deposit", False),
            ("amount_in_cents", 500_00),
        ]
        assert first["conditions"]["all"][0]["condition"] == {
            "fact": "TRANSFER_AMOUNT",
            "operator": "GREATER_THAN",
            "value": 100.5,
            "value_fact": None,
            "params": None,
        }
        assert first["conditions"]["all"][1]["any"][0]["condition"]["params"] == {"account_id": rent.id}
        assert first["actions"][1]["next_payment_minimum_account"] == owed
        assert first["actions"][1]["amount_in_cents"] is first["actions"][1]["current_balance_account"] is None
        assert second["conditions"] is None
        assert second["actions"][0]["percentage_value"] == 12.5
        avalanche = second["actions"][1]
        assert list(avalanche)[:3] == ["type", "source", "destination"]
        assert (avalanche["destination"], avalanche["accounts"], avalanche["percentage_value"]) == (None, [owed], 10)
        assert api.get(f"/rules/{told['id']}").json()["data"] == told

    @pytest.mark.parametrize("status", ["enabled", "disabled", None])
    def test_makes_it_disabled_whatever_status_says(self, api, body, status):
        response = api.post("/rules", {**body, "status": status})

        assert response.json()["data"]["status"] == "disabled"
        assert Rule.objects.get().status == "disabled"

    def test_keeps_the_first_version_and_who_wrote_it(self, api, body):
        api.post("/rules", body)

        version = RuleVersion.objects.get()
        assert (version.number, version.nickname) == (1, "Pay day")
        assert version.created_by.startswith("key:key_")
        assert version.definition == Rule.objects.get().definition

    def test_takes_null_for_absent_and_an_answer_back_as_a_body(self, api, body):
        nulls = changed(body, "steps[1].actions[0].limit", None) | {"nickname": None, "description": None}

        told = api.post("/rules", nulls).json()["data"]

        assert told["nickname"] is told["description"] is None
        again = {name: told[name] for name in ("nickname", "description", "status", "trigger", "steps")}
        again["steps"] = _without_names(again["steps"])
        assert api.post("/rules", again).json()["data"]["steps"] == told["steps"]

    @pytest.mark.parametrize(
        ("start_date", "kept"),
        [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
            ("2026-01-31T09:30:00.250Z", "2026-01-31T09:30:00.250000Z"),
            ("2026-01-31T23:30:00-05:00", "2026-02-01T04:30:00Z"),
            ("2026-01-01T00:15:00+05:30", "2025-12-31T18:45:00Z"),
            ("2026-01-31T09:30:00", "2026-01-31T09:30:00Z"),
        ],
    )
    def test_keeps_a_start_date_in_utc(self, api, income, rent, start_date, kept):
        response = api.post("/rules", rule(step(move(income, rent, 100)), trigger=scheduled("DAILY", start_date)))

        assert response.json()["data"]["trigger"] == {
            "type": "SCHEDULED",
            "schedule_type": "DAILY",
            "start_date": kept,
            "account_id": None,
        }

    def test_takes_ten_levels_of_conditions_and_no_more(self, api, body):
        leaf = condition("DATE", "EQUALS", 1)

        assert api.post("/rules", changed(body, "steps[0].conditions", deep(10, leaf))).status_code == 201
        refused = api.post("/rules", changed(body, "steps[0].conditions", deep(11, leaf)))

        assert faults(refused) == [("steps[0].conditions" + ".all[0]" * 10, "max_depth")]
        assert Rule.objects.count() == 1

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(100, 100), (0, 0), (33.333333, 33.333333), (50.0, 50), (1e1, 10), (0.000001, 0.000001)],
    )
    def test_keeps_a_percentage_exactly(self, api, body, value, shown):
        told = api.post("/rules", changed(body, "steps[1].actions[0].percentage_value", value)).json()["data"]

        assert told["steps"][1]["actions"][0]["percentage_value"] == shown

    def test_does_not_round_a_percentage_of_many_digits(self, api, body):
        raw = _json_with(body, "12.5", "99." + "9" * 40)

        assert faults(api.post("/rules", raw=raw)) == [("steps[1].actions[0].percentage_value", "max_places")]


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


def _without_names(value):
    if isinstance(value, list):
        return [_without_names(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_names(item) for name, item in value.items() if name != "name"}
    return value


def _json_with(body, number, other):
    text = json.dumps(body)
    assert text.count(number) == 1
    return text.replace(number, other).encode()
