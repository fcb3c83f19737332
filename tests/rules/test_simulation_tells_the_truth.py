"""A simulation decides what the live run that follows it on the same state does."""

import pytest

from rules.models import RuleExecution
from rules.sweeps import carry_out
from tests.rules.definitions import action, condition, limit, manual, rule, step
from tests.rules.steps import execution, move, trigger, write_enabled
from tests.transfers.steps import fund
from transfers.ledger_invariants import find_faults
from transfers.models import AchLimits


def told(plan):
    """What an execution decided, without what only a live run can have."""
    actions = [
        {**trace, "movements": [{**movement, "transfer_id": None} for movement in trace.get("movements", [])]}
        for trace in plan["trace"]["actions"]
    ]
    names = ("step_index_matched", "conditions_not_met", "transfers_attempted", "error_message")
    return {**{name: plan[name] for name in names}, "steps": plan["trace"]["steps"], "actions": actions}


@pytest.fixture
def random_action(income, rent, savings, bank, card, dice):
    def make():
        source, destination = dice.choice(
            [(income, rent), (income, savings), (rent, savings), (savings, rent), (bank, rent)]
        )
        own = {"up_to": dice.random() < 0.5, "group_index": dice.randrange(2)}
        if dice.random() < 0.5:
            own["limit"] = limit(
                dice.choice(["PER_TRANSFER", "PER_WEEK", "PER_MONTH", "PER_YEAR"]), dice.randrange(300_00)
            )
        ledger = income if source is bank else source
        share = {"percentage_value": dice.randrange(101), "percentage_target": "INCOMING_AMOUNT"}
        return dice.choice(
            [
                lambda: move(source, destination, dice.randrange(100, 300_00), **own),
                lambda: action("percentage", source.id, destination.id, **share, **own),
                lambda: action("top_up", source.id, destination.id, amount_in_cents=dice.randrange(300_00), **own),
                lambda: action("round_down", source.id, destination.id, amount_in_cents=50_00, **own),
                lambda: action("next_payment_minimum", ledger.id, card.id, **own),
                lambda: action("total_amount_due", ledger.id, card.id, **own),
                lambda: action("avalanche", ledger.id, None, accounts=[{"id": card.id}], amount_in_cents=70_00, **own),
            ]
        )()

    return make


class TestSimulation:
    def test_decides_what_the_live_run_after_it_does(
        self, api, acme, income, rent, card, random_action, dice, by_length
    ):
        AchLimits.objects.create(organization=acme, daily_credit_cents=400_00, monthly_debit_cents=500_00)
        for account in (income, rent):
            fund(account, dice.randrange(100, 800_00))
        for _ in range(by_length(4, 12, 100)):
            steps = [
                step(
                    *(random_action() for _ in range(dice.randrange(1, 5))),
                    conditions=condition("TRANSFER_AMOUNT", "GREATER_THAN", dice.randrange(200_00)),
                ),
                step(random_action()),
            ]
            made = write_enabled(api, rule(*steps, trigger=manual(income.id)))
            incoming = dice.randrange(300_00)
            simulated = execution(api, trigger(api, made, simulation=True, manual_execute_amount=incoming))
            live_id = trigger(api, made, manual_execute_amount=incoming)
            carry_out(RuleExecution.objects.get(id=live_id).created_at)

            live = execution(api, live_id)
            assert not (live["error_message"] or "").startswith("unexpected_error")
            assert told(simulated) == told(live)
            moved = [line["transfer_id"] for trace in live["trace"]["actions"] for line in trace.get("movements", [])]
            assert [id for id in moved if id] == live["transfer_ids"]
        assert find_faults() == []
