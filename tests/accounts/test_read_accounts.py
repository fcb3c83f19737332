"""``GET /accounts`` and ``GET /accounts/{id}``"""

from datetime import date

import pytest

from accounts.models import ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory


class TestListAccounts:
    @pytest.fixture
    def accounts(self, acme):
        return [factory(organization=acme) for factory in [PodFactory, IncomeSourceFactory, ExternalAccountFactory]]

    def test_shows_all_oldest_first_without_numbers_and_balance(self, api, accounts):
        listed = api.get("/accounts").json()["data"]

        assert [account["id"] for account in listed] == [account.id for account in accounts]
        for item in listed:
            full = api.get(f"/accounts/{item['id']}").json()["data"]
            short = [name for name in full if name not in {"routing_number", "bank_account_number", "balance"}]
            assert list(item) == short
            assert item == {name: full[name] for name in short}

    def test_shows_one_type_when_asked(self, api, accounts):
        for account in accounts:
            assert [item["id"] for item in api.get(f"/accounts?type={account.type}").json()["data"]] == [account.id]

    def test_is_empty_where_there_is_nothing(self, api):
        body = api.get("/accounts").json()

        assert body["data"] == []
        assert body["page_info"] == {"end_cursor": None, "has_next_page": False}


class TestReadAccount:
    @pytest.mark.parametrize(
        ("kind", "can_be_source", "can_be_destination"),
        [
            (ExternalAccountType.DEPOSITORY, True, True),
            (ExternalAccountType.INVESTMENT, False, True),
            (ExternalAccountType.LIABILITY, False, True),
        ],
    )
    def test_shows_what_an_external_account_can_be(self, api, acme, kind, can_be_source, can_be_destination):
        account = ExternalAccountFactory(organization=acme, external_account_type=kind)

        shown = api.get(f"/accounts/{account.id}").json()["data"]

        assert shown["type"] == "external_account"
        assert shown["external_account_type"] == kind
        assert shown["institution_name"] == "First Bank"
        assert (shown["can_be_source"], shown["can_be_destination"]) == (can_be_source, can_be_destination)

    def test_shows_what_a_liability_owes_and_when(self, api, acme):
        card = ExternalAccountFactory(
            organization=acme,
            external_account_type=ExternalAccountType.LIABILITY,
            balance_cents=2500_00,
            last_statement_balance_cents=2000_00,
            next_payment_minimum_cents=35_00,
            next_payment_due_on=date(2026, 3, 31),
        )

        balance = api.get(f"/accounts/{card.id}").json()["data"]["balance"]

        del balance["balance_last_updated_at"]
        assert balance == {
            "balance_in_cents": 2500_00,
            "available_balance_in_cents": None,
            "last_statement_balance_in_cents": 2000_00,
            "next_payment_minimum_in_cents": 35_00,
            "next_payment_due_date": "2026-03-31",
        }

    def test_shows_available_as_the_balance_less_what_is_held(self, api, acme):
        pod = PodFactory(organization=acme, balance_cents=2**53, held_cents=1)

        raw = api.get(f"/accounts/{pod.id}").content

        assert b'"balance_in_cents":9007199254740992,"available_balance_in_cents":9007199254740991,' in raw

    def test_shows_null_where_no_balance_is_known(self, api, acme):
        account = ExternalAccountFactory(organization=acme, balance_cents=None)

        balance = api.get(f"/accounts/{account.id}").json()["data"]["balance"]

        assert balance["balance_in_cents"] is balance["available_balance_in_cents"] is None
