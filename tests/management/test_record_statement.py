"""``record_statement``"""

import pytest

from accounts.models import Account, ExternalAccountType
from tests.factories import ExternalAccountFactory, PodFactory
from tests.management.test_key_commands import refusal_of, run_json


@pytest.fixture
def card(acme):
    return ExternalAccountFactory(
        organization=acme,
        external_account_type=ExternalAccountType.LIABILITY,
        balance_cents=300_00,
        last_statement_balance_cents=250_00,
    )


class TestRecordStatement:
    def test_tells_the_account_as_the_api_does(self, card, api):
        facts = run_json("record_statement", card.id, "--balance", "31000", "--minimum-payment", "3500")

        assert facts == api.get(f"/accounts/{card.id}").json()["data"]
        assert facts["balance"]["balance_in_cents"] == 310_00
        assert facts["balance"]["next_payment_minimum_in_cents"] == 35_00
        assert facts["balance"]["last_statement_balance_in_cents"] == 250_00

    def test_takes_a_credit_and_an_overdraft(self, acme, card):
        bank = ExternalAccountFactory(organization=acme, balance_cents=5)

        facts = run_json("record_statement", card.id, "--balance", "-2000", "--statement-balance=-1500")
        overdrawn = run_json("record_statement", bank.id, "--balance", "-700")

        told = facts["balance"]
        assert (told["balance_in_cents"], told["available_balance_in_cents"]) == (-20_00, None)
        assert told["last_statement_balance_in_cents"] == -15_00
        assert overdrawn["balance"]["balance_in_cents"] == overdrawn["balance"]["available_balance_in_cents"] == -7_00

    @pytest.mark.parametrize("figure", ["--balance", "--statement-balance", "--minimum-payment"])
    @pytest.mark.parametrize("cents", [2**53, -(2**53), "9" * 30, "--5", "-", "1.5"])
    def test_refuses_in_words_what_is_no_sum_that_can_be_told(self, card, figure, cents):
        others = [] if figure == "--balance" else ["--balance", "1"]

        refusal = refusal_of("record_statement", card.id, *others, f"{figure}={cents}")

        assert f"{str(cents)!r} is no whole number from " in refusal
        card.refresh_from_db()
        assert (card.balance_cents, card.last_statement_balance_cents) == (300_00, 250_00)

    def test_refuses_a_minimum_payment_below_zero(self, card):
        assert "'-1' is no whole number from 0" in refusal_of(
            "record_statement", card.id, "--balance", "1", "--minimum-payment=-1"
        )

    def test_stands_on_the_trail_under_its_name(self, card):
        run_json("record_statement", card.id, "--balance", "1", "--minimum-payment", "1")

        event = card.events.order_by("pgh_id").last()
        assert event.pgh_context.metadata["actor"].startswith("command:record_statement:")

    def test_refuses_what_is_no_account_at_an_institution(self, acme):
        pod = PodFactory(organization=acme)

        assert "no account at another institution" in refusal_of("record_statement", pod.id, "--balance", "1")
        assert refusal_of("record_statement", "acc_1", "--balance", "1") == "Account not found."
        assert Account.objects.get().balance_cents == 0

    def test_refuses_facts_of_a_debt_for_something_that_is_none(self, acme):
        bank = ExternalAccountFactory(organization=acme, balance_cents=5)

        refusal = refusal_of("record_statement", bank.id, "--balance", "1", "--minimum-payment", "1")
        assert "are those of a LIABILITY" in refusal
        bank.refresh_from_db()
        assert bank.balance_cents == 5
