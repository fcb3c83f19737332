"""``GET /cards/{id}/transactions``"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.api_docs.conformance import assert_described
from tests.cards.steps import buy, declined, issue, refund
from tests.transfers.steps import error_of

FIELDS = [
    "id",
    "card_id",
    "account_id",
    "direction",
    "amount_in_cents",
    "description",
    "merchant_name",
    "status",
    "created_at",
    "completed_at",
]
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def items(response) -> list[dict]:
    assert response.status_code == 200, response.content
    return response.json()["data"]


class TestListTransactions:
    def test_shows_a_purchase_and_its_refund_newest_first(self, api, pod, card):
        purchase = buy(card, 12_34, "Corner Shop")
        refund(purchase, 2_34)

        response = api.get(f"/cards/{card.id}/transactions")

        credit, debit = items(response)
        assert list(debit) == list(credit) == FIELDS
        assert re.fullmatch("ctx_[0-9A-Z]{26}", debit["id"])
        assert debit["created_at"] == debit["completed_at"]
        assert {**debit, "created_at": None, "completed_at": None} == {
            "id": purchase.id,
            "card_id": card.id,
            "account_id": pod.id,
            "direction": "debit",
            "amount_in_cents": 12_34,
            "description": "Purchase at Corner Shop",
            "merchant_name": "Corner Shop",
            "status": "complete",
            "created_at": None,
            "completed_at": None,
        }
        assert (credit["direction"], credit["amount_in_cents"]) == ("credit", 2_34)
        assert credit["description"] == "Refund from Corner Shop"
        assert_described(response, "GET", "/api/v1/cards/{card_id}/transactions")

    def test_leaves_out_declines_and_other_cards(self, api, pod, card):
        buy(issue(pod), 1_00)
        declined(card, 999_00)

        assert items(api.get(f"/cards/{card.id}/transactions")) == []

    def test_are_no_transfers(self, api, pod, card):
        before = api.get(f"/transfers?account_id={pod.id}").json()["data"]
        refund(buy(card, 5_00), 5_00)

        assert api.get(f"/transfers?account_id={pod.id}").json()["data"] == before

    def test_filters_by_direction(self, api, card):
        purchase = buy(card, 5_00)
        credit = refund(purchase, 1_00)

        for direction, found in [("debit", purchase), ("credit", credit)]:
            [item] = items(api.get(f"/cards/{card.id}/transactions?direction={direction}"))
            assert item["id"] == found.id

    def test_filters_by_time_both_ends_included(self, api, card, set_clock):
        for minutes in range(4):
            set_clock(NOON + timedelta(minutes=minutes))
            buy(card, minutes + 1)

        between = "from=2027-03-01T12:01:00Z&to=2027-03-01T12:02:00Z"
        found = items(api.get(f"/cards/{card.id}/transactions?{between}"))
        assert [item["amount_in_cents"] for item in found] == [3, 2]

    def test_shows_twenty_on_a_page_unless_told_otherwise(self, api, card):
        bought = [buy(card, cents).id for cents in range(1, 23)][::-1]

        first = api.get(f"/cards/{card.id}/transactions")
        cursor = first.json()["page_info"]["end_cursor"]
        second = api.get(f"/cards/{card.id}/transactions?after={cursor}")

        assert [item["id"] for item in items(first)] == bought[:20]
        assert [item["id"] for item in items(second)] == bought[20:]
        assert second.json()["page_info"]["has_next_page"] is False
        assert len(items(api.get(f"/cards/{card.id}/transactions?first=3"))) == 3

    @pytest.mark.parametrize("query", ["direction=sideways", "first=0", "after=forged", "from=now", "status=complete"])
    def test_refuses_what_it_does_not_understand(self, api, card, query):
        response = api.get(f"/cards/{card.id}/transactions?{query}")

        assert error_of(response) == (400, "invalid_request")

    def test_refuses_the_cursor_of_another_list(self, api, pod, card):
        cursor = api.get(f"/cards?account_id={pod.id}&first=1").json()["page_info"]["end_cursor"]

        assert error_of(api.get(f"/cards/{card.id}/transactions?after={cursor}")) == (400, "invalid_request")
