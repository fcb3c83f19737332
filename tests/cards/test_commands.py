"""issue_card, charge_card, freeze_card, unfreeze_card, set_card_status"""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.services import delete_account
from cards.models import Card, CardDecline, CardTransaction
from sequence.core.api.ids import new_id
from sequence.core.commands.base import operator_name
from tests.cards.steps import buy, run
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import balances


def actors(row) -> list[str]:
    return [event.pgh_context.metadata["actor"] for event in row.events.order_by("pgh_id") if event.pgh_context]


class TestIssueCard:
    @pytest.mark.parametrize("type", ["virtual", "physical"])
    def test_tells_the_card_as_the_api_does(self, api, pod, type, set_clock):
        set_clock(datetime(2026, 9, 30, 23, 59, tzinfo=UTC))

        facts = run("issue_card", "--account", pod.id, "--type", type, "--holder", " Grace Hopper ")

        assert facts == api.get(f"/cards/{facts['id']}").json()["data"]
        assert (facts["type"], facts["status"], facts["account_id"]) == (type, "active", pod.id)
        assert (facts["holder_name"], facts["expiration_date"]) == ("Grace Hopper", "09/30")
        assert actors(Card.objects.get()) == [f"command:issue_card:{operator_name()}"]

    def test_keeps_no_number_but_its_last_four_digits(self, pod):
        run("issue_card", "--account", pod.id, "--type", "virtual", "--holder", "Ada")

        names = {field.name for field in Card._meta.fields}
        assert {name for name in names if "number" in name or "cvv" in name or "pan" in name} == set()
        assert len(Card.objects.get().last_four) == 4

    @pytest.mark.parametrize("holder", ["", "  ", "x" * 101, "Ada\nLovelace"])
    def test_refuses_a_holder_without_a_proper_name(self, pod, holder):
        with pytest.raises(CommandError, match="holder_name"):
            run("issue_card", "--account", pod.id, "--type", "virtual", "--holder", holder)
        assert not Card.objects.exists()

    def test_takes_a_name_of_1_and_of_100_characters(self, pod):
        for holder in ["Ö", "x" * 100]:
            facts = run("issue_card", "--account", pod.id, "--type", "virtual", "--holder", holder)
            assert facts["holder_name"] == holder

    @pytest.mark.parametrize("factory", [IncomeSourceFactory, ExternalAccountFactory])
    def test_refuses_an_account_that_is_no_pod(self, acme, factory):
        account = factory(organization=acme, name="Elsewhere")

        with pytest.raises(CommandError, match="Elsewhere is no pod"):
            run("issue_card", "--account", account.id, "--type", "virtual", "--holder", "Ada")

    def test_does_not_find_an_account_that_is_missing_or_deleted(self, acme):
        deleted = PodFactory(organization=acme)
        delete_account(organization_id=acme.id, account_id=deleted.id)

        for account_id in [deleted.id, new_id("acc"), "acc_1"]:
            with pytest.raises(CommandError, match="Account not found"):
                run("issue_card", "--account", account_id, "--type", "virtual", "--holder", "Ada")


class TestChargeCard:
    def test_buys_and_tells_the_transaction_as_the_api_does(self, api, pod, card):
        facts = run("charge_card", card.id, "--amount", 30_00, "--merchant", "Grocer")

        assert api.get(f"/cards/{card.id}/transactions").json()["data"] == [facts]
        assert (facts["direction"], facts["amount_in_cents"], facts["status"]) == ("debit", 30_00, "complete")
        assert balances(pod) == [70_00]

    def test_ends_with_the_reason_when_it_is_declined(self, pod, card):
        out = StringIO()
        with pytest.raises(CommandError) as refused:
            call_command("charge_card", card.id, "--amount", "10001", "--merchant", "Grocer", stdout=out)

        assert str(refused.value) == "Declined, insufficient_funds: The pod has too little money available."
        assert refused.value.returncode == 1
        assert out.getvalue() == ""
        assert CardDecline.objects.get().reason == "insufficient_funds"
        assert balances(pod) == [100_00]

    def test_refunds_the_latest_purchase_at_the_merchant(self, pod, card):
        first, second = buy(card, 10_00, "Grocer"), buy(card, 10_00, "Grocer")

        facts = run("charge_card", card.id, "--amount", 4_00, "--merchant", "grocer", "--refund")

        assert (facts["direction"], facts["merchant_name"]) == ("credit", "Grocer")
        assert CardTransaction.objects.get(id=facts["id"]).purchase_id == second.id
        with pytest.raises(CommandError, match="No purchase"):
            run("charge_card", card.id, "--amount", 10_01, "--merchant", "Grocer", "--refund")
        run("charge_card", card.id, "--amount", 10_00, "--merchant", "Grocer", "--refund")
        first.refresh_from_db()
        assert first.left_cents == 0
        assert balances(pod) == [94_00]

    def test_refunds_the_purchase_that_is_named(self, pod, card):
        first, _ = buy(card, 10_00), buy(card, 10_00)

        facts = run("charge_card", card.id, "--amount", 4_00, "--purchase", first.id, "--refund")

        assert CardTransaction.objects.get(id=facts["id"]).purchase_id == first.id
        with pytest.raises(CommandError, match="Only 600 cents"):
            run("charge_card", card.id, "--amount", 6_01, "--purchase", first.id, "--refund")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--amount", "0", "--merchant", "M"], "whole number"),
            (["--amount", "1.5", "--merchant", "M"], "whole number"),
            (["--amount", "5"], "required"),
            (["--amount", "5", "--merchant", "M", "--purchase", "ctx_1"], "not allowed"),
            (["--amount", "5", "--purchase", "ctx_1"], "give --refund too"),
            (["--amount", "5", "--purchase", "ctx_1", "--refund"], "no such purchase"),
            (["--amount", "5", "--merchant", ""], "merchant_name"),
        ],
    )
    def test_refuses_what_it_does_not_understand(self, card, arguments, words):
        with pytest.raises(CommandError, match=words):
            run("charge_card", card.id, *arguments)
        assert not CardTransaction.objects.exists()

    def test_does_not_find_a_card_that_is_missing(self, db):
        for more in [[], ["--refund"]]:
            with pytest.raises(CommandError, match="Card not found"):
                run("charge_card", new_id("card"), "--amount", 5, "--merchant", "M", *more)


class TestStatusCommands:
    def test_freeze_and_unfreeze(self, card):
        assert run("freeze_card", card.id)["status"] == "frozen"
        assert run("freeze_card", card.id)["status"] == "frozen"
        assert run("unfreeze_card", card.id)["status"] == "active"

        operator = operator_name()
        assert actors(card) == [f"command:freeze_card:{operator}", f"command:unfreeze_card:{operator}"]

    def test_set_every_status(self, card):
        for status in ["inactive", "active", "stolen"]:
            assert run("set_card_status", card.id, status)["status"] == status
        for command in [["set_card_status", card.id, "active"], ["freeze_card", card.id], ["unfreeze_card", card.id]]:
            with pytest.raises(CommandError, match="The card is stolen"):
                run(*command)

    def test_do_not_find_a_card_that_is_missing(self, db):
        for command in [["set_card_status", "card_1", "lost"], ["freeze_card", "card_1"], ["unfreeze_card", "card_1"]]:
            with pytest.raises(CommandError, match="Card not found"):
                run(*command)
