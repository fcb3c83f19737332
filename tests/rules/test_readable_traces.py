"""A trace tells a key the amounts of accounts that it may read, and no others."""

from typing import Any

import pytest

from tests.rules.definitions import action, condition, limit, manual, rule, step
from tests.rules.steps import execution, move, run_now, trigger, write, write_enabled
from tests.transfers.steps import fund

# Amounts that stand for one account each: whoever sees one has learned that account's secret.
PAYROLL, RENT = 123_457, 98_765


@pytest.fixture
def reader(client_with):
    """Return a client that reads executions, and just the given accounts."""

    def make(*accounts):
        readable = [f"READ_ACCOUNTS:{','.join(account.id for account in accounts)}"] if accounts else []
        return client_with("READ_RULE_EXECUTIONS:*", "TRIGGER_RULES:*", *readable)

    return make


@pytest.fixture
def funded(income, rent):
    fund(income, PAYROLL)
    fund(rent, RENT)


def numbers_in(value: Any) -> set[int]:
    if isinstance(value, dict):
        return {number for name, inner in value.items() if not name.endswith("_index") for number in numbers_in(inner)}
    if isinstance(value, list):
        return {number for inner in value for number in numbers_in(inner)}
    return {value} if type(value) is int else set()


def balance_of(account, operator="GREATER_THAN", value=0):
    return condition("BALANCE", operator, value, of=account.id)


class TestConditions:
    @pytest.fixture
    def told(self, api, funded, income, rent, reader):
        both = {"all": [balance_of(income), {"any": [balance_of(rent)]}]}
        made = write_enabled(api, rule(step(move(income, rent, 100), conditions=both), trigger=manual(income.id)))
        id = run_now(api, made)["id"]
        return lambda *accounts: execution(reader(*accounts), id)["trace"]["steps"]

    def test_show_what_they_saw_of_readable_accounts(self, told, income, rent):
        assert numbers_in(told(income, rent)) == {0, PAYROLL, RENT}

    def test_hide_what_they_saw_of_the_others_and_keep_the_verdict(self, told, income):
        steps = told(income)

        assert numbers_in(steps) == {0, PAYROLL}
        [hidden] = steps[0]["conditions"]["all"][1]["any"]
        assert (hidden["saw"], hidden["compared_with"], hidden["holds"]) == (None, 0, True)

    def test_hide_a_balance_that_they_compare_with(self, api, funded, income, rent, reader):
        compared = condition("TRANSFER_AMOUNT", "LESS_THAN", of=rent.id, fact_value="BALANCE")
        made = write(api, rule(step(move(income, rent, 100), conditions=compared), trigger=manual(income.id)))
        told = execution(reader(), trigger(api, made, simulation=True, manual_execute_amount=7))

        [told_step] = told["trace"]["steps"]
        assert (told_step["conditions"]["saw"], told_step["conditions"]["compared_with"]) == (7, None)

    def test_hide_the_balance_of_the_triggers_account(self, api, funded, income, rent, reader):
        of_trigger = condition("BALANCE", "GREATER_THAN", 0)
        made = write(api, rule(step(move(income, rent, 100), conditions=of_trigger), trigger=manual(income.id)))
        told = execution(reader(rent), trigger(api, made, simulation=True))

        assert told["trace"]["steps"][0]["conditions"]["saw"] is None


class TestActions:
    @pytest.mark.parametrize(
        ("type", "own"),
        [
            ("fixed_amount", {"amount_in_cents": 10**9, "up_to_enabled": True}),
            ("percentage", {"percentage_value": 100, "percentage_target": "SOURCE_ACCOUNT"}),
            ("round_down", {"amount_in_cents": 1000}),
            ("top_up", {"amount_in_cents": RENT + 4321}),
        ],
    )
    def test_hide_every_amount_made_from_accounts_out_of_reach(self, api, funded, income, rent, reader, type, own):
        made = write(api, rule(step(action(type, income.id, rent.id, **own)), trigger=manual(income.id)))
        id = trigger(api, made, simulation=True)
        everything = execution(api, id)["trace"]["actions"]

        assert numbers_in(everything)
        assert numbers_in(execution(reader(), id)["trace"]["actions"]) == set()
        assert numbers_in(execution(reader(rent), id)["trace"]["actions"]) == set()
        assert numbers_in(execution(reader(income), id)["trace"]["actions"]) <= {PAYROLL}
        assert execution(reader(income, rent), id)["trace"]["actions"] == everything

    def test_keep_results_and_reasons(self, api, funded, income, rent, reader):
        made = write_enabled(api, rule(step(move(income, rent, 10**9)), trigger=manual(income.id)))
        told = execution(reader(), run_now(api, made)["id"])["trace"]["actions"][0]

        assert told["result"] == "failed"
        assert told["movements"][0]["reason"] == "insufficient_funds"

    def test_hide_what_a_limit_took(self, api, funded, income, rent, reader):
        capped = move(income, rent, 500_00, limit=limit("PER_MONTH", 300_00))
        made = write_enabled(api, rule(step(capped), trigger=manual(income.id)))

        assert numbers_in(execution(reader(), run_now(api, made)["id"])["trace"]["actions"]) == set()

    def test_hide_what_is_topped_up_to(self, api, funded, income, rent, savings, reader):
        up = action("top_up", income.id, savings.id, current_balance_account={"id": rent.id})
        made = write(api, rule(step(up), trigger=manual(income.id)))
        id = trigger(api, made, simulation=True)

        assert RENT in numbers_in(execution(api, id)["trace"]["actions"])
        assert RENT not in numbers_in(execution(reader(income, savings), id)["trace"]["actions"])
