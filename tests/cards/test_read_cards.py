"""``GET /cards`` and ``GET /cards/{id}``"""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import delete_account
from cards.models import CardStatus, CardType
from cards.services import set_card_status
from sequence.core.api.ids import new_id
from tests.api_docs.conformance import assert_described
from tests.cards.steps import buy, issue
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import error_of

FIELDS = ["id", "type", "status", "last_four", "holder_name", "expiration_date", "account_id", "created_at"]


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["data"]]


class TestListCards:
    def test_shows_each_card_of_the_pod_as_the_contract_has_it(self, api, pod, card):
        response = api.get(f"/cards?account_id={pod.id}")

        body = response.json()
        [shown] = body["data"]
        assert list(shown) == FIELDS
        assert re.fullmatch("card_[0-9A-Z]{26}", shown["id"])
        assert re.fullmatch("[0-9]{4}", shown["last_four"])
        assert re.fullmatch("(0[1-9]|1[0-2])/[0-9]{2}", shown["expiration_date"])
        assert (shown["type"], shown["status"], shown["holder_name"]) == ("virtual", "active", "Ada Lovelace")
        assert shown["account_id"] == pod.id
        assert body["page_info"] == {"end_cursor": body["page_info"]["end_cursor"], "has_next_page": False}
        assert_described(response, "GET", "/api/v1/cards")

    def test_shows_everything_oldest_first_when_no_size_is_asked_for(self, api, pod):
        cards = [issue(pod) for _ in range(25)]

        assert ids(api.get(f"/cards?account_id={pod.id}")) == [card.id for card in cards]

    def test_has_pages_where_a_size_is_asked_for(self, api, pod):
        cards = [issue(pod).id for _ in range(5)]
        found, after = [], ""
        for size in (2, 2, 1):
            response = api.get(f"/cards?account_id={pod.id}&first=2{after}")
            assert len(ids(response)) == size
            found += ids(response)
            after = f"&after={response.json()['page_info']['end_cursor']}"

        assert found == cards
        assert response.json()["page_info"]["has_next_page"] is False

    def test_filters_by_status_and_type(self, api, pod):
        virtual, physical = issue(pod), issue(pod, type=CardType.PHYSICAL)
        set_card_status(card_id=virtual.id, status=CardStatus.FROZEN)

        assert ids(api.get(f"/cards?account_id={pod.id}&status=frozen")) == [virtual.id]
        assert ids(api.get(f"/cards?account_id={pod.id}&type=physical")) == [physical.id]
        assert ids(api.get(f"/cards?account_id={pod.id}&status=frozen&type=physical")) == []

    def test_leaves_out_the_cards_of_other_pods(self, api, acme, pod, card):
        other = PodFactory(organization=acme)
        issue(other)

        assert ids(api.get(f"/cards?account_id={pod.id}")) == [card.id]

    @pytest.mark.parametrize(
        "query", ["", "?account_id={pod}&status=gone", "?account_id={pod}&type=gold", "?account_id={pod}&colour=red"]
    )
    def test_refuses_what_it_does_not_understand(self, api, pod, query):
        response = api.get("/cards" + query.format(pod=pod.id))

        assert error_of(response) == (400, "invalid_request")
        assert_described(response, "GET", "/api/v1/cards")

    @pytest.mark.parametrize("factory", [IncomeSourceFactory, ExternalAccountFactory])
    def test_refuses_an_account_that_is_no_pod(self, api, acme, factory):
        response = api.get(f"/cards?account_id={factory(organization=acme).id}")

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("account_id", "not_a_pod")

    def test_does_not_find_an_account_that_is_unknown_deleted_or_somebody_elses(self, api, acme, globex):
        deleted, foreign = PodFactory(organization=acme), PodFactory(organization=globex)
        delete_account(organization_id=acme.id, account_id=deleted.id)

        for account_id in [new_id("acc"), "acc_1", deleted.id, foreign.id]:
            response = api.get(f"/cards?account_id={account_id}")
            assert response.status_code == 404
            assert response.json()["error"]["message"] == "Account not found."

    def test_needs_the_scope_on_the_pod(self, client_with, acme, pod, card):
        other = PodFactory(organization=acme)
        keyed = client_with(f"READ_CARDS:{other.id}")

        assert ids(keyed.get(f"/cards?account_id={other.id}")) == []
        assert error_of(keyed.get(f"/cards?account_id={pod.id}")) == (403, "forbidden")
        assert error_of(client_with("READ_ACCOUNTS:*").get(f"/cards?account_id={pod.id}")) == (403, "forbidden")


class TestRetrieveCard:
    def test_shows_the_card(self, api, card):
        response = api.get(f"/cards/{card.id}")

        assert response.status_code == 200
        assert list(response.json()["data"]) == FIELDS
        assert response.json()["data"]["id"] == card.id
        assert_described(response, "GET", "/api/v1/cards/{card_id}")

    def test_does_not_find_a_card_that_is_missing_or_somebody_elses(self, api, globex):
        foreign = issue(PodFactory(organization=globex))

        for path in ["", "/transactions"]:
            answers = [
                api.get(f"/cards/{card_id}{path}", headers={"X-Request-ID": "r"})
                for card_id in [new_id("card"), "card_1", foreign.id]
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.content for answer in answers}) == 1
            assert answers[0].json()["error"]["message"] == "Card not found."
            assert_described(answers[0], "GET", f"/api/v1/cards/{{card_id}}{path}")

    def test_tells_a_key_without_everything_the_same_of_all_that_it_may_not_see(self, client_with, acme, globex, card):
        keyed = client_with(f"READ_CARDS:{PodFactory(organization=acme).id}")
        foreign = issue(PodFactory(organization=globex))

        for path in ["", "/transactions"]:
            answers = [
                keyed.get(f"/cards/{card_id}{path}", headers={"X-Request-ID": "r"})
                for card_id in [card.id, new_id("card"), "card_1", foreign.id]
            ]
            assert {answer.status_code for answer in answers} == {403}
            assert len({answer.content for answer in answers}) == 1

    def test_lets_a_key_read_that_names_the_pod(self, client_with, pod, card):
        keyed = client_with(f"READ_CARDS:{pod.id}")

        assert keyed.get(f"/cards/{card.id}").status_code == 200
        assert keyed.get(f"/cards/{card.id}/transactions").status_code == 200

    def test_still_shows_a_card_whose_pod_is_deleted(self, api, acme):
        pod = PodFactory(organization=acme)
        card = issue(pod)
        set_card_status(card_id=card.id, status=CardStatus.LOST)
        delete_account(organization_id=acme.id, account_id=pod.id)

        assert api.get(f"/cards/{card.id}").json()["data"]["status"] == "lost"
        assert api.get(f"/cards/{card.id}/transactions").status_code == 200


class TestQueries:
    """Authentication is one of them."""

    @pytest.mark.parametrize(
        ("path", "count"), [("/cards?account_id={pod}", 3), ("/cards/{card}", 2), ("/cards/{card}/transactions", 3)]
    )
    def test_are_as_many_for_one_row_as_for_many(self, api, pod, card, path, count):
        for cents in range(1, 6):
            issue(pod)
            buy(card, cents)
        api.get("/cards")  # Notes the first use of the key.

        with CaptureQueriesContext(connection) as queries:
            assert api.get(path.format(pod=pod.id, card=card.id)).status_code == 200

        assert len(queries) == count
