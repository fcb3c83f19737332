"""The staff's pages about cards."""

import pytest

from cards.models import Card, CardDecline, CardStatus, CardTransaction, CardType
from cards.services import charge_card, issue_card
from tests.factories import PodFactory
from tests.staff import Staff
from transfers.models import Origin
from transfers.services import deposit

VIEW = ["cards.view_card", "cards.view_cardtransaction", "cards.view_carddecline"]


@pytest.fixture
def pod(acme):
    pod = PodFactory(organization=acme, name="Groceries")
    deposit(account_id=pod.id, amount_cents=10_000, origin=Origin.PAYCHECK, by="test")
    return pod


@pytest.fixture
def card(pod) -> Card:
    return issue_card(account_id=pod.id, type=CardType.VIRTUAL, holder_name="Ann Smith")


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


def page_of(card, name="change") -> str:
    return f"cards/card/{card.id}/{name}/"


class TestIssuing:
    def test_makes_an_active_card_on_the_chosen_pod(self, root, acme, pod):
        form = {"account": pod.id, "type": "physical", "holder_name": "Bob Smith"}

        response = root.post(f"cards/card/add/?organization={acme.id}", **form)

        card = Card.objects.get()
        assert (card.account_id, card.status, card.holder_name) == (pod.id, CardStatus.ACTIVE, "Bob Smith")
        assert "is issued and active" in response.content.decode()

    def test_offers_no_other_organizations_pods(self, root, acme, globex, pod):
        theirs = PodFactory(organization=globex, name="Their pod")

        text = root.get("cards/card/add/", organization=acme.id).content.decode()

        assert "Groceries" in text
        assert theirs.name not in text

    def test_needs_its_permission(self, acme, pod):
        staff = Staff("eve", *VIEW)

        assert staff.post(f"cards/card/add/?organization={acme.id}", account=pod.id).status_code == 403
        assert not Card.objects.exists()


class TestStatusPages:
    @pytest.mark.parametrize(
        ("steps", "status"),
        [
            (["freeze"], CardStatus.FROZEN),
            (["freeze", "unfreeze"], CardStatus.ACTIVE),
            (["switch-off"], CardStatus.INACTIVE),
            (["switch-off", "activate"], CardStatus.ACTIVE),
            (["report-lost"], CardStatus.LOST),
            (["freeze", "report-stolen"], CardStatus.STOLEN),
            (["report-lost", "activate"], CardStatus.LOST),
        ],
    )
    def test_lead_from_one_status_to_the_next(self, root, card, steps, status):
        for step in steps:
            root.post(page_of(card, step))

        card.refresh_from_db()
        assert card.status == status

    def test_need_their_permission(self, card):
        staff = Staff("eve", *VIEW)

        assert "../freeze/" not in staff.get(page_of(card)).content.decode()
        assert staff.post(page_of(card, "freeze")).status_code == 403
        card.refresh_from_db()
        assert card.status == CardStatus.ACTIVE


class TestNetworkPages:
    def test_charge_the_card(self, root, card, pod):
        response = root.post(page_of(card, "charge"), amount="25.00", merchant_name="Grocer")

        pod.refresh_from_db()
        assert pod.balance_cents == 7_500
        assert "$25.00 is paid to Grocer." in response.content.decode()

    def test_tell_why_a_purchase_was_declined_and_keep_it(self, root, card, pod):
        response = root.post(page_of(card, "charge"), amount="100.01", merchant_name="Grocer")

        pod.refresh_from_db()
        assert pod.balance_cents == 10_000
        assert "Declined:" in response.content.decode()
        assert "$100.01" in root.get("cards/carddecline/").content.decode()
        assert CardDecline.objects.count() == 1

    def test_refund_at_most_what_is_left(self, root, card, pod):
        charge_card(card_id=card.id, amount_cents=2_500, merchant_name="Grocer")

        root.post(page_of(card, "refund"), amount="25.01", merchant_name="Grocer")
        root.post(page_of(card, "refund"), amount="25.00", merchant_name="grocer")

        pod.refresh_from_db()
        assert pod.balance_cents == 10_000
        assert CardTransaction.objects.count() == 2

    def test_controls_hold_from_the_next_purchase_on(self, root, card):
        root.post(page_of(card, "controls"), limit_per_day_cents="10.00", blocked_merchants="Casino\n")

        root.post(page_of(card, "charge"), amount="10.01", merchant_name="Grocer")
        root.post(page_of(card, "charge"), amount="1.00", merchant_name="casino")

        assert CardTransaction.objects.count() == 0
        text = root.get(page_of(card)).content.decode()
        assert "at most $10.00 a day; never at Casino" in text
        assert "default-src 'self'" in root.get("cards/card/").headers["Content-Security-Policy"]
