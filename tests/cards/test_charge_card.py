"""Purchases and refunds: what goes through, what is declined, where the money is then."""

from datetime import UTC, datetime

import pytest

from accounts.services import delete_account
from cards.errors import CardNotFound, NothingToRefund, PurchaseNotFound, RefundTooLarge
from cards.models import CardDecline, CardStatus, CardTransaction
from cards.services import refund_at_merchant, refund_purchase, set_card_controls, set_card_status
from rules.models import RuleExecution
from rules.services import create_rule, enable_rule
from sequence.core.api.ids import new_id
from sequence.core.errors import InvalidRequest
from sequence.core.money import MAX_CENTS
from tests.cards.steps import buy, charge, declined, issue, refund
from tests.factories import ExternalAccountFactory, PodFactory
from tests.transfers.steps import balances, fund, post_transfer, settle
from transfers.errors import BalanceTooLarge
from transfers.ledger_invariants import find_faults
from transfers.models import Clearing, EntrySetKind, Posting
from transfers.settlement import accept


def postings(transaction: CardTransaction) -> list[tuple]:
    rows = Posting.objects.filter(entry_set=transaction.entry_set_id).order_by("id")
    return [(row.account_id or row.clearing, row.amount_cents) for row in rows]


def assert_declined(card, cents, reason, merchant_name="Corner Shop"):
    """The purchase is declined for this reason, which is kept, and nothing moves."""
    before = balances(card.account), CardTransaction.objects.count()

    assert declined(card, cents, merchant_name) == reason

    assert (balances(card.account), CardTransaction.objects.count()) == before
    decline = CardDecline.objects.filter(card=card).latest("id")
    assert (decline.reason, decline.amount_cents, decline.merchant_name) == (reason, cents, merchant_name)
    assert decline.created_at is not None
    assert find_faults() == []


class TestPurchase:
    def test_takes_the_money_from_the_pod_and_posts_it(self, pod, card):
        purchase = buy(card, 30_00)

        assert balances(pod) == [70_00]
        assert postings(purchase) == [(pod.id, -30_00), (Clearing.CARDS, 30_00)]
        assert purchase.entry_set.kind == EntrySetKind.CARD
        assert find_faults() == []

    def test_may_spend_the_last_cent_and_not_one_more(self, pod, card):
        buy(card, 99_99)

        assert_declined(card, 2, "insufficient_funds")
        buy(card, 1)
        assert balances(pod) == [0]

    def test_leaves_alone_what_is_held_for_a_transfer(self, api, acme, pod, card):
        bank = ExternalAccountFactory(organization=acme)
        assert post_transfer(api, pod, bank, 60_00).status_code == 201
        accept(datetime.now(UTC))

        assert_declined(card, 40_01, "insufficient_funds")
        buy(card, 40_00)
        assert balances(pod) == [60_00]
        assert find_faults() == []

    @pytest.mark.parametrize("status", [status for status in CardStatus if status != CardStatus.ACTIVE])
    def test_is_declined_when_the_card_is_not_active(self, card, status):
        set_card_status(card_id=card.id, status=status)

        assert_declined(card, 1_00, "card_not_active")

    def test_goes_through_until_the_end_of_the_month_on_the_card(self, pod, set_clock):
        set_clock(datetime(2026, 2, 10, tzinfo=UTC))
        card = issue(pod)
        assert card.expiration_date == "02/30"

        set_clock(datetime(2030, 2, 28, 23, 59, 59, 999999, tzinfo=UTC))
        buy(card, 1_00)
        set_clock(datetime(2030, 3, 1, tzinfo=UTC))
        assert_declined(card, 1_00, "card_expired")

    def test_trims_the_merchant(self, card):
        assert buy(card, 1_00, "  Corner Shop ").merchant_name == "Corner Shop"

    @pytest.mark.parametrize("merchant_name", ["", "   ", "x" * 101, "a\nb", "a\x00b", "a\udc80b"])
    def test_refuses_a_merchant_without_a_proper_name(self, card, merchant_name):
        with pytest.raises(InvalidRequest, match="merchant_name"):
            charge(card, 1_00, merchant_name)

    def test_needs_a_card(self, pod, card):
        for card_id in [new_id("card"), "card_1", pod.id]:
            card.id = card_id
            with pytest.raises(CardNotFound):
                charge(card, 1_00)


class TestRefund:
    def test_gives_the_money_back_and_posts_it(self, pod, card):
        purchase = buy(card, 30_00)

        credit = refund(purchase, 10_00)

        assert balances(pod) == [80_00]
        assert postings(credit) == [(pod.id, 10_00), (Clearing.CARDS, -10_00)]
        assert credit.purchase_id == purchase.id
        assert find_faults() == []

    def test_never_exceeds_what_is_left_of_its_purchase(self, pod, card):
        purchase = buy(card, 30_00)
        buy(card, 30_00)
        with pytest.raises(RefundTooLarge):
            refund(purchase, 30_01)
        refund(purchase, 20_00)
        with pytest.raises(RefundTooLarge, match="Only 1000 cents"):
            refund(purchase, 10_01)
        refund(purchase, 10_00)
        with pytest.raises(RefundTooLarge):
            refund(purchase, 1)

        assert balances(pod) == [70_00]
        assert find_faults() == []

    @pytest.mark.parametrize("status", CardStatus)
    def test_is_possible_whatever_the_status_of_the_card(self, pod, card, status):
        purchase = buy(card, 30_00)
        set_card_status(card_id=card.id, status=status)

        refund(purchase, 30_00)

        assert balances(pod) == [100_00]

    def test_goes_to_suspense_when_the_pod_is_deleted(self, acme, pod, card):
        purchase = buy(card, 100_00)
        set_card_status(card_id=card.id, status=CardStatus.LOST)
        delete_account(organization_id=acme.id, account_id=pod.id)

        credit = refund(purchase, 40_00)

        assert balances(pod) == [0]
        assert postings(credit) == [(Clearing.SUSPENSE, 40_00), (Clearing.CARDS, -40_00)]
        assert find_faults() == []

    def test_is_refused_where_the_pod_could_not_tell_its_balance_exactly(self, pod, card):
        purchase = buy(card, 30_00)
        fund(pod, MAX_CENTS - 80_00)  # 70.00 are left, so there is room for 10.00

        with pytest.raises(BalanceTooLarge):
            refund(purchase, 10_01)
        assert balances(pod) == [MAX_CENTS - 10_00]
        refund(purchase, 10_00)
        assert balances(pod) == [MAX_CENTS]
        assert find_faults() == []

    def test_is_only_for_a_purchase_of_the_same_card(self, pod, card):
        purchase = buy(card, 10_00)
        credit = refund(purchase, 1_00)
        other = issue(pod)

        for card_id, purchase_id in [(other.id, purchase.id), (card.id, credit.id), (card.id, new_id("ctx"))]:
            with pytest.raises(PurchaseNotFound):
                refund_purchase(card_id=card_id, purchase_id=purchase_id, amount_cents=1)

    def test_does_not_set_off_a_rule_for_arriving_funds(self, acme, pod, card):
        savings = PodFactory(organization=acme)
        enable_rule(rule_id=split_arrivals(acme, pod, savings).id, version=1, by="test")
        settle()
        refund(buy(card, 30_00), 30_00)
        settle()

        assert not RuleExecution.objects.exists()
        assert balances(pod, savings) == [100_00, 0]
        fund(pod, 10_00)  # The rule is alive.
        settle()
        assert RuleExecution.objects.count() == 1


def split_arrivals(acme, source, destination):
    reference = {"id": source.id, "type": "pod"}
    action = {
        "type": "fixed_amount",
        "source": reference,
        "destination": {"id": destination.id, "type": "pod"},
        "group_index": 0,
        "up_to_enabled": False,
        "limit": None,
        "ach_description": None,
        "is_direct_deposit": False,
        "amount_in_cents": 1_00,
    }
    return create_rule(
        organization_id=acme.id,
        trigger={"type": "ON_FUNDS_TRANSFERRED", "account_id": source.id},
        steps=[{"conditions": None, "actions": [action]}],
        by="test",
    )


class TestRefundAtMerchant:
    def refund(self, card, cents, merchant_name="corner shop"):
        return refund_at_merchant(card_id=card.id, merchant_name=merchant_name, amount_cents=cents)

    def test_takes_the_latest_purchase_that_has_the_whole_amount_left(self, card):
        large, small = buy(card, 10_00, "Corner Shop"), buy(card, 5_00, "Corner Shop")
        buy(card, 10_00, "Elsewhere")

        assert self.refund(card, 4_00).purchase_id == small.id
        assert self.refund(card, 4_00).purchase_id == large.id
        assert self.refund(card, 1_00, " CORNER SHOP ").purchase_id == small.id

    def test_refuses_what_no_single_purchase_has_left(self, pod, card):
        buy(card, 5_00)
        buy(card, 5_00)

        for cents, merchant_name in [(5_01, "Corner Shop"), (1, "Corner"), (1, "Corner_Shop")]:
            with pytest.raises(NothingToRefund):
                self.refund(card, cents, merchant_name)
        assert balances(pod) == [90_00]


class TestControls:
    def test_limit_one_purchase(self, card):
        set_card_controls(card_id=card.id, limit_per_transaction_cents=10_00)

        buy(card, 10_00)
        assert_declined(card, 10_01, "above_transaction_limit")

    def test_limit_a_day_of_utc(self, card, set_clock):
        set_card_controls(card_id=card.id, limit_per_day_cents=10_00)
        set_clock(datetime(2027, 1, 5, 23, 59, 59, 999999, tzinfo=UTC))
        buy(card, 6_00)
        assert_declined(card, 4_01, "above_daily_limit")
        buy(card, 4_00)

        set_clock(datetime(2027, 1, 6, tzinfo=UTC))
        buy(card, 10_00)
        assert_declined(card, 1, "above_daily_limit")

    def test_limit_a_calendar_month_of_utc(self, card, set_clock):
        set_card_controls(card_id=card.id, limit_per_month_cents=10_00)
        set_clock(datetime(2027, 1, 1, tzinfo=UTC))
        buy(card, 6_00)
        set_clock(datetime(2027, 1, 31, 23, 59, 59, 999999, tzinfo=UTC))
        assert_declined(card, 4_01, "above_monthly_limit")

        set_clock(datetime(2027, 2, 1, tzinfo=UTC))
        buy(card, 10_00)

    def test_count_neither_declines_nor_other_cards(self, pod, card):
        set_card_controls(card_id=card.id, limit_per_day_cents=10_00)
        declined(card, 10_01)
        buy(issue(pod), 10_00)

        buy(card, 10_00)

    def test_get_nothing_back_from_refunds(self, card):
        set_card_controls(card_id=card.id, limit_per_day_cents=10_00)
        refund(buy(card, 10_00), 10_00)

        assert_declined(card, 1, "above_daily_limit")

    def test_block_a_merchant_in_whatever_case(self, card):
        set_card_controls(card_id=card.id, blocked_merchants=[" Casino "])

        for name in ["Casino", "CASINO", " casino "]:
            assert_declined(card, 1_00, "merchant_blocked", name.strip())
        buy(card, 1_00, "Casino Royale")

    def test_allow_some_merchants_alone(self, card):
        set_card_controls(card_id=card.id, allowed_merchants=["Grocer", "Baker"], blocked_merchants=["baker"])

        buy(card, 1_00, "gROCER")
        assert_declined(card, 1_00, "merchant_not_allowed", "Grocer 2")
        assert_declined(card, 1_00, "merchant_blocked", "Baker")

    def test_are_replaced_as_a_whole(self, card):
        set_card_controls(card_id=card.id, limit_per_day_cents=1, allowed_merchants=["Grocer"])

        card = set_card_controls(card_id=card.id)

        assert (card.limit_per_day_cents, card.allowed_merchants) == (None, [])
        buy(card, 2)

    @pytest.mark.parametrize(
        "controls",
        [
            {"limit_per_day_cents": 0},
            {"limit_per_month_cents": -1},
            {"limit_per_transaction_cents": 2**53},
            {"allowed_merchants": [""]},
            {"blocked_merchants": ["x" * 101]},
        ],
    )
    def test_refuse_what_is_no_control(self, card, controls):
        with pytest.raises(InvalidRequest, match=next(iter(controls))):
            set_card_controls(card_id=card.id, **controls)
        with pytest.raises(CardNotFound):
            set_card_controls(card_id=new_id("card"))

    def test_are_on_the_audit_trail(self, card):
        set_card_controls(card_id=card.id, limit_per_day_cents=7)
        set_card_status(card_id=card.id, status=CardStatus.FROZEN)

        trail = card.events.order_by("pgh_id").values_list("pgh_label", "status", "limit_per_day_cents")
        assert list(trail) == [("insert", "active", None), ("update", "active", 7), ("update", "frozen", 7)]
