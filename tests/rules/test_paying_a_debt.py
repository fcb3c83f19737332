"""Rules that pay a debt pay it once, and again what came back."""

import pytest
from django.utils import timezone

from accounts.models import ExternalAccountType
from accounts.services import record_statement
from rules.sweeps import carry_out
from sequence.core.worker import run_once
from tests.factories import ExternalAccountFactory
from tests.rules.definitions import action, manual, rule, step
from tests.rules.steps import arrive, paying, run_now, trigger, write_enabled
from tests.transfers.steps import balances, fund, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.models import ErrorCode, Transfer
from transfers.simulated_rail_control import return_payment


@pytest.fixture(autouse=True)
def money(income):
    """$1,000.00 in the income source; after the test the books are right."""
    fund(income, 1000_00)
    yield
    assert find_faults() == []


WAYS = [
    ("total_amount_due", {}, 300_00),
    ("percentage_liability_balance", {"percentage_value": 100}, 300_00),
    ("last_statement_balance", {}, 200_00),
    ("next_payment_minimum", {}, 35_00),
    ("avalanche", {"amount_in_cents": 900_00}, 300_00),
    ("snowball", {"amount_in_cents": 900_00}, 300_00),
]


@pytest.mark.usefixtures("statement")
class TestPayingADebt:
    @pytest.mark.parametrize(("type", "own", "cents"), WAYS)
    def test_pays_once_however_often_it_runs(self, api, income, card, type, own, cents):
        made = paying(api, income, card, type, **own)

        run_now(api, made)
        run_now(api, made)  # the first payment is still with the rail
        arrive()
        run_now(api, made)
        arrive()

        assert balances(income, card) == [1000_00 - cents, 300_00 - cents]

    @pytest.mark.parametrize(("type", "own", "cents"), WAYS)
    def test_counts_what_somebody_else_has_sent(self, api, income, card, type, own, cents):
        made = paying(api, income, card, type, **own)

        transfer_between(api, income, card, 20_00)
        run_now(api, made)
        arrive()

        paid = max(20_00, cents)
        assert balances(income, card) == [1000_00 - paid, 300_00 - paid]

    @pytest.mark.parametrize(("type", "own", "cents"), WAYS)
    def test_pays_again_what_came_back(self, api, income, card, type, own, cents):
        made = paying(api, income, card, type, **own)
        run_now(api, made)
        arrive()
        return_payment(Transfer.objects.get(rule_id=made.id).id, ErrorCode.DISCONNECTED_ACCOUNT)
        assert balances(income, card) == [1000_00, 300_00]

        run_now(api, made)
        arrive()

        assert balances(income, card) == [1000_00 - cents, 300_00 - cents]

    @pytest.mark.parametrize(("type", "own", "cents"), WAYS)
    @pytest.mark.parametrize("owed", [0, -50_00])
    def test_pays_nothing_where_nothing_is_owed(self, api, income, card, type, own, cents, owed):
        record_statement(organization_id=card.organization_id, account_id=card.id, balance_cents=owed)

        told = run_now(api, paying(api, income, card, type, **own))

        assert (told["status"], told["transfer_ids"]) == ("executed", [])

    def test_counts_what_is_accepted_and_with_no_rail_yet(self, api, income, card):
        made = paying(api, income, card, "total_amount_due")
        transfer_between(api, income, card, 20_00)
        trigger(api, made)

        carry_out(timezone.now())
        run_once()
        arrive()

        assert balances(income, card) == [700_00, 0]

    @pytest.mark.parametrize(
        ("type", "fact"),
        [("last_statement_balance", "last_statement_balance"), ("next_payment_minimum", "next_payment_minimum")],
    )
    def test_pays_a_figure_once_where_nobody_knows_what_is_owed(self, api, acme, income, type, fact):
        known = {"balance_cents": None, f"{fact}_cents": 80_00}
        debt = ExternalAccountFactory(organization=acme, external_account_type=ExternalAccountType.LIABILITY, **known)
        made = paying(api, income, debt, type)

        run_now(api, made)
        run_now(api, made)
        arrive()
        run_now(api, made)
        arrive()

        assert balances(income, debt) == [920_00, None]

    def test_pays_a_new_statement_anew(self, api, acme, income, card):
        made = paying(api, income, card, "last_statement_balance")
        run_now(api, made)
        arrive()
        record_statement(
            organization_id=acme.id, account_id=card.id, balance_cents=180_00, last_statement_balance_cents=80_00
        )

        run_now(api, made)
        arrive()

        assert balances(income, card) == [720_00, 100_00]

    def test_what_waits_for_approval_is_not_on_its_way(self, api, client_with, income, card):
        transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, card, 300_00)

        run_now(api, paying(api, income, card, "total_amount_due"))
        arrive()

        assert balances(income, card) == [700_00, 0]

    @pytest.mark.parametrize(
        ("target", "cents"),
        [("current_balance_account", 280_00), ("last_statement_balance_account", 180_00),
         ("next_payment_minimum_account", 15_00)],
    )  # fmt: skip
    def test_saves_for_what_is_left_alone(self, api, income, rent, card, target, cents):
        transfer_between(api, income, card, 20_00)
        made = write_enabled(
            api,
            rule(step(action("top_up", income.id, rent.id, **{target: {"id": card.id}})), trigger=manual(income.id)),
        )

        run_now(api, made)

        assert balances(rent) == [cents]

    def test_leaves_the_budget_to_the_next_debt_where_one_is_below_a_dollar(self, api, acme, income, card):
        tiny = ExternalAccountFactory(
            organization=acme, name="Tiny", external_account_type=ExternalAccountType.LIABILITY, balance_cents=60
        )
        spread = {"type": "snowball", "source": {"id": income.id}, "accounts": [{"id": tiny.id}, {"id": card.id}]}
        made = write_enabled(api, rule(step({**spread, "amount_in_cents": 100_00}), trigger=manual(income.id)))

        told = run_now(api, made)
        arrive()

        assert balances(card, tiny) == [200_00, 60]
        movements = told["trace"]["actions"][0]["movements"]
        assert [(each["destination"], each["result"], each["reason"]) for each in movements] == [
            ("Tiny", "skip", "transfer_amount_less_than_one_dollar"),
            ("Card", "move", None),
        ]
