"""POST /rules/{id}/trigger, live and as a simulation."""

import pytest

from rules.models import RuleExecution
from sequence.core.worker import run_once
from tests.rules.definitions import manual, on_funds, rule, scheduled, step
from tests.rules.steps import enable, faults, move, run_now, write_enabled
from tests.transfers.steps import balances, error_of, fund

UNKNOWN = "rule_01K00000000000000000000000"


@pytest.fixture
def made(api, income, rent):
    """An enabled rule: $10.00 of what arrives in Payroll go to Rent."""
    return write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=on_funds(income.id), nickname="Old"))


@pytest.fixture
def body(income, savings):
    return rule(step(move(income, savings, 20_00)), trigger=manual(income.id), description="New")


class TestTriggerRule:
    def test_answers_with_the_execution_that_a_worker_will_carry_out(self, api, made, income, rent):
        fund(income, 100_00)

        response = api.post(f"/rules/{made.id}/trigger", {"manual_execute_amount": 70_00})

        assert response.status_code == 202
        assert list(response.json()["data"]) == ["execution_id"]
        told = api.get(f"/rule-executions/{response.json()['data']['execution_id']}").json()["data"]
        assert (told["status"], told["trigger_type"], told["mode"]) == ("in_progress", "manual", "live")
        assert told["trigger_details"] == {"type": "manual", "amount_in_cents": 70_00}
        assert balances(income, rent) == [100_00, 0]

    @pytest.mark.parametrize(
        "trigger_of",
        [lambda id: manual(id), lambda id: on_funds(id), lambda id: scheduled("MONTHLY", "2026-01-31")],
    )
    def test_works_for_every_type_of_trigger(self, api, income, rent, savings, trigger_of):
        fund(income, 100_00)
        run_once()
        made = write_enabled(api, rule(step(move(income, savings, 5_00)), trigger=trigger_of(income.id)))

        told = run_now(api, made)

        assert (told["status"], told["trigger_type"]) == ("executed", "manual")
        assert balances(savings) == [5_00]

    def test_takes_an_empty_body_and_lets_the_amount_take_the_place_of_what_came_in(self, api, income, rent):
        fund(income, 100_00)
        run_once()
        half = {
            "type": "percentage",
            "source": {"id": income.id},
            "destination": {"id": rent.id},
            "percentage_value": 50,
            "percentage_target": "INCOMING_AMOUNT",
        }
        made = write_enabled(api, rule(step(half), trigger=manual(income.id)))

        assert api.request("POST", f"/rules/{made.id}/trigger").status_code == 202
        run_now(api, made, manual_execute_amount=80_00)

        assert balances(income, rent) == [60_00, 40_00]

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ({"manual_execute_amount": "5"}, ("manual_execute_amount", "invalid")),
            ({"manual_execute_amount": 5.0}, ("manual_execute_amount", "invalid")),
            ({"manual_execute_amount": True}, ("manual_execute_amount", "invalid")),
            ({"manual_execute_amount": -1}, ("manual_execute_amount", "min_value")),
            ({"manual_execute_amount": 2**53}, ("manual_execute_amount", "max_value")),
            ({"simulation": "true"}, ("simulation", "invalid")),
            ({"simulation": 1}, ("simulation", "invalid")),
            ({"amount": 5}, ("amount", "unknown_field")),
        ],
    )
    def test_refuses_a_body_with_the_path_of_its_fault(self, api, made, body, fault):
        assert faults(api.post(f"/rules/{made.id}/trigger", body)) == [fault]
        assert not RuleExecution.objects.exists()

    def test_is_rule_disabled_for_a_rule_that_nobody_enabled_and_stays_so_for_its_key(self, api, made, body):
        api.put(f"/rules/{made.id}", body)
        path = f"/rules/{made.id}/trigger"

        first = api.post(path, {}, idempotency_key="one")
        enable(made)
        late = api.post(path, {}, idempotency_key="one")

        assert error_of(first) == (403, "rule_disabled")
        assert late.content == first.content
        assert late.headers["Idempotent-Replayed"] == "true"
        assert not RuleExecution.objects.exists()
        assert api.post(path, {}, idempotency_key="two").status_code == 202

    def test_happens_once_for_an_idempotency_key(self, api, made, income, rent):
        fund(income, 100_00)
        run_once()
        path = f"/rules/{made.id}/trigger"

        first, again = (api.post(path, {}, idempotency_key="one") for _ in range(2))
        run_once()

        assert again.content == first.content
        assert balances(rent) == [20_00]  # the deposit's run and the triggered one

    def test_is_404_or_403_for_one_that_the_key_does_not_reach(self, api, other_api, client_with, made):
        narrow = client_with(f"TRIGGER_RULES:{UNKNOWN}")

        assert error_of(api.post(f"/rules/{UNKNOWN}/trigger", {})) == (404, "not_found")
        assert error_of(other_api.post(f"/rules/{made.id}/trigger", {})) == (404, "not_found")
        assert error_of(narrow.post(f"/rules/{UNKNOWN}/trigger", {})) == (404, "not_found")
        assert error_of(narrow.post(f"/rules/{made.id}/trigger", {})) == (403, "forbidden")
        assert not RuleExecution.objects.exists()


class TestSimulateRule:
    def test_tells_what_would_happen_and_moves_nothing_of_a_disabled_rule_too(self, api, made, body, income, savings):
        fund(income, 100_00)
        run_once()
        moved = balances(income, savings)
        api.put(f"/rules/{made.id}", body)

        response = api.post(f"/rules/{made.id}/trigger", {"simulation": True, "manual_execute_amount": 5})

        assert response.status_code == 202
        told = api.get(f"/rule-executions/{response.json()['data']['execution_id']}").json()["data"]
        assert (told["mode"], told["status"], told["step_index_matched"]) == ("simulation", "executed", 0)
        assert told["trigger_details"] == {"type": "manual", "amount_in_cents": 5}
        [simulated] = told["transfer_ids"]
        assert api.get(f"/transfers/{simulated}").json()["data"]["mode"] == "simulation"
        [movement] = told["trace"]["actions"][0]["movements"]
        assert movement == {
            "destination": "Savings",
            "amount_cents": 20_00,
            "result": "move",
            "reason": None,
            "transfer_id": simulated,
        }
        run_once()
        assert balances(income, savings) == moved

    @pytest.mark.parametrize(
        ("cents", "status", "error"),
        [
            ((50_00,), "executed", None),
            ((150_00,), "failed", "Action 0 failed: insufficient_funds."),
            ((50_00, 150_00), "partial", "Action 1 failed: insufficient_funds."),
        ],
    )
    def test_ends_as_the_live_run_would(self, api, income, rent, cents, status, error):
        fund(income, 100_00)
        made = write_enabled(
            api, rule(step(*(move(income, rent, amount) for amount in cents)), trigger=manual(income.id))
        )

        id = api.post(f"/rules/{made.id}/trigger", {"simulation": True}).json()["data"]["execution_id"]
        simulated, live = api.get(f"/rule-executions/{id}").json()["data"], run_now(api, made)

        assert (simulated["status"], simulated["error_message"]) == (status, error)
        assert (live["status"], live["error_message"]) == (status, error)
