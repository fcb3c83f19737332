"""Where a card's status goes, and what a pod's deletion says to its cards."""

import pytest

from accounts.services import delete_account
from cards.errors import CardNotFound, CardStatusNotPossible
from cards.models import FINAL, CardStatus
from cards.services import set_card_status, unfreeze_card
from sequence.core.api.ids import new_id
from tests.cards.steps import declined, issue
from tests.factories import PodFactory

S = CardStatus
POSSIBLE = {
    S.ACTIVE: {S.INACTIVE, S.FROZEN, S.STOLEN, S.LOST},
    S.INACTIVE: {S.ACTIVE, S.STOLEN, S.LOST},
    S.FROZEN: {S.ACTIVE, S.STOLEN, S.LOST},
    S.STOLEN: set(),
    S.LOST: set(),
}
each_change = pytest.mark.parametrize(("before", "after"), [(one, other) for one in S for other in S])


class TestSetCardStatus:
    @each_change
    def test_goes_only_where_it_can(self, card, before, after):
        set_card_status(card_id=card.id, status=before)

        if after == before or after in POSSIBLE[before]:
            assert set_card_status(card_id=card.id, status=after).status == after
        else:
            with pytest.raises(CardStatusNotPossible, match=f"The card is {before}."):
                set_card_status(card_id=card.id, status=after)
        card.refresh_from_db()
        assert card.status == (after if after in POSSIBLE[before] else before)

    def test_needs_a_card(self, db):
        with pytest.raises(CardNotFound):
            set_card_status(card_id=new_id("card"), status=S.LOST)


class TestUnfreezeCard:
    def test_makes_a_frozen_card_active(self, card):
        set_card_status(card_id=card.id, status=S.FROZEN)

        assert unfreeze_card(card_id=card.id).status == S.ACTIVE
        assert unfreeze_card(card_id=card.id).status == S.ACTIVE

    @pytest.mark.parametrize("status", [S.INACTIVE, *FINAL])
    def test_wakes_no_card_that_was_not_frozen(self, card, status):
        set_card_status(card_id=card.id, status=status)

        with pytest.raises(CardStatusNotPossible):
            unfreeze_card(card_id=card.id)


class TestDeletionOfThePod:
    @pytest.fixture
    def empty(self, acme):
        return PodFactory(organization=acme, name="Empty")

    @pytest.mark.parametrize("status", [S.ACTIVE, S.FROZEN])
    def test_is_refused_while_a_card_needs_it(self, api, empty, status):
        card, other = issue(empty), issue(empty)
        set_card_status(card_id=card.id, status=status)
        set_card_status(card_id=other.id, status=S.LOST)

        response = api.delete(f"/accounts/{empty.id}")

        assert response.status_code == 409
        error = response.json()["error"]
        assert error["code"] == "account_in_use"
        assert f"•••• {card.last_four} ({card.id}, {status})" in error["message"]
        assert other.id not in error["message"]
        assert api.get(f"/accounts/{empty.id}").status_code == 200

    @pytest.mark.parametrize("status", [S.INACTIVE, *FINAL])
    def test_goes_ahead_when_no_card_needs_it(self, api, empty, status):
        card = issue(empty)
        set_card_status(card_id=card.id, status=status)

        assert api.delete(f"/accounts/{empty.id}").status_code == 204
        assert declined(card, 1) == "card_not_active"

    def test_ends_the_life_of_an_inactive_card(self, acme, empty):
        card = issue(empty)
        set_card_status(card_id=card.id, status=S.INACTIVE)
        delete_account(organization_id=acme.id, account_id=empty.id)

        with pytest.raises(CardStatusNotPossible, match="Its pod is deleted"):
            set_card_status(card_id=card.id, status=S.ACTIVE)
        assert set_card_status(card_id=card.id, status=S.LOST).status == S.LOST
