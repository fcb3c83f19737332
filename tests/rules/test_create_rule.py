"""POST /rules: what it answers, and where it finds fault."""

import json

import pytest

from rules.models import Rule, RuleVersion
from tests.rules.definitions import condition, rule, scheduled, step
from tests.rules.steps import changed, faults, move


def deep(levels, leaf):
    """A tree of that many levels, the leaf counted."""
    tree = leaf
    for _ in range(levels - 1):
        tree = {"all": [tree]}
    return tree


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
