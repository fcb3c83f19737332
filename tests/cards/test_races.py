"""Purchases, refunds and changes at the same moment: what is checked stays true until it is written."""

from collections import Counter

import pytest

from accounts.errors import AccountInUse, AccountNotFound
from accounts.models import Account
from accounts.services import delete_account
from cards.errors import CardStatusNotPossible, RefundTooLarge
from cards.models import Card, CardDecline, CardStatus, CardTransaction
from cards.services import set_card_controls, set_card_status
from tests.cards.steps import buy, charge, issue, refund
from tests.factories import PodFactory
from tests.threads import Crew, in_open_transaction, wait_until_somebody_waits_for_a_lock
from tests.transfers.steps import balances, fund, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.settlement import accept


@pytest.fixture(autouse=True)
def _real_transactions(transactional_db):
    """Rivals see each other through commits alone."""


def outcomes(results) -> Counter:
    """Count what became of purchases: ``bought``, or the reason of a decline. An exception fails the test."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return Counter(result.reason if isinstance(result, CardDecline) else "bought" for result in results)


class TestPurchases:
    ROUNDS = 5
    BUYERS = 50

    def test_spend_a_pod_to_exactly_zero_and_are_declined_beyond(self, acme):
        with Crew(self.BUYERS) as crew:
            for number in range(self.ROUNDS):
                pod = PodFactory(organization=acme)
                fund(pod, 20 * 7_77)
                cards = [issue(pod), issue(pod)]
                buyers = [lambda card=cards[turn % 2]: charge(card, 7_77) for turn in range(self.BUYERS)]

                assert outcomes(crew.at_once(*buyers)) == {"bought": 20, "insufficient_funds": 30}
                assert balances(pod) == [0]
                assert CardTransaction.objects.count() == 20 * (number + 1)
                assert CardDecline.objects.count() == 30 * (number + 1)
        assert find_faults() == []

    @pytest.mark.parametrize(
        ("control", "reason"),
        [("limit_per_day_cents", "above_daily_limit"), ("limit_per_month_cents", "above_monthly_limit")],
    )
    def test_never_exceed_a_limit(self, pod, card, control, reason):
        set_card_controls(card_id=card.id, **{control: 10_50})

        with Crew(20) as crew:
            results = crew.all_at_once(lambda: charge(card, 1_00))

        assert outcomes(results) == {"bought": 10, reason: 10}
        assert balances(pod) == [90_00]
        assert find_faults() == []

    def test_leave_what_a_transfer_holds_at_the_same_moment(self, api, acme, pod, card):
        savings = PodFactory(organization=acme)
        transfers = [transfer_between(api, pod, savings, 10_00) for _ in range(10)]

        with Crew(20) as crew:
            sweeps = [lambda: accept(transfers[-1].created_at)] * 2
            results = crew.at_once(*sweeps, *[lambda: charge(card, 10_00)] * 18)

        bought = outcomes(results[2:])["bought"]
        moved = balances(savings)[0]
        assert balances(pod) == [100_00 - bought * 10_00 - moved] == [0]
        assert find_faults() == []

    def test_stop_with_the_freezing_of_the_card(self, pod, card):
        with Crew(20) as crew:
            freeze = [lambda: set_card_status(card_id=card.id, status=CardStatus.FROZEN)]
            results = crew.at_once(*freeze, *[lambda: charge(card, 1_00)] * 19)

        counted = outcomes(results[1:])
        assert set(counted) <= {"bought", "card_not_active"}
        assert balances(pod) == [100_00 - counted["bought"] * 1_00]
        assert outcomes([charge(card, 1_00)]) == {"card_not_active": 1}

    def test_are_declined_on_a_card_whose_freezing_has_not_committed_yet(self, card):
        with Crew(1) as crew:
            with in_open_transaction(lambda: set_card_status(card_id=card.id, status=CardStatus.FROZEN)):
                future = crew.pool.submit(charge, card, 1_00)
                wait_until_somebody_waits_for_a_lock()
            assert outcomes([future.result(30)]) == {"card_not_active": 1}

    def test_obey_a_control_that_has_not_committed_yet(self, card):
        with Crew(1) as crew:
            with in_open_transaction(lambda: set_card_controls(card_id=card.id, limit_per_transaction_cents=99)):
                future = crew.pool.submit(charge, card, 1_00)
                wait_until_somebody_waits_for_a_lock()
            assert outcomes([future.result(30)]) == {"above_transaction_limit": 1}


class TestRefunds:
    def test_give_back_no_more_than_the_purchase(self, pod, card):
        purchase = buy(card, 10_00)

        with Crew(20) as crew:
            results = crew.all_at_once(lambda: refund(purchase, 1_50))

        assert Counter(type(result) for result in results) == {CardTransaction: 6, RefundTooLarge: 14}
        assert balances(pod) == [99_00]
        assert find_faults() == []


class TestDeletionOfThePod:
    ROUNDS = 20

    def test_never_leaves_an_active_card_behind(self, acme):
        with Crew(3) as crew:
            for _ in range(self.ROUNDS):
                pod = PodFactory(organization=acme)
                card = issue(pod)
                set_card_status(card_id=card.id, status=CardStatus.INACTIVE)

                results = crew.at_once(
                    lambda id=pod.id: delete_account(organization_id=acme.id, account_id=id),
                    lambda id=card.id: set_card_status(card_id=id, status=CardStatus.ACTIVE),
                    lambda pod=pod: issue(pod),
                )

                errors = {type(result) for result in results if isinstance(result, Exception)}
                assert errors in ({AccountInUse}, {CardStatusNotPossible, AccountNotFound})
                is_deleted = Account.objects.get(id=pod.id).deleted_at is not None
                assert Card.objects.needing(pod.id).exists() is not is_deleted
