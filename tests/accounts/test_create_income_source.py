"""The page that the project was created from."""

import re
from datetime import UTC, datetime

import pytest

from accounts.models import Account
from apikeys.models import Organization

PATH = "/accounts/income-sources"


class TestCreateIncomeSource:
    def test_answers_exactly_as_the_page_shows(self, api, acme):
        response = api.post(PATH, {"nickname": "Main Payroll", "icon": "briefcase"})

        assert response.status_code == 201
        body = response.json()
        account = body["data"]
        assert list(body) == ["request_id", "data"]
        assert re.fullmatch("acc_[0-9A-Z]{26}", account.pop("id"))
        assert re.fullmatch("••••[0-9]{4}", account.pop("routing_number"))
        assert re.fullmatch("••••[0-9]{4}", account.pop("bank_account_number"))
        created_at = account.pop("created_at")
        assert created_at == account.pop("updated_at") == account["balance"].pop("balance_last_updated_at")
        assert account == {
            "name": "Main Payroll",
            "type": "income_source",
            "description": None,
            "external_account_type": None,
            "beneficiary_name": "Acme Trading LLC",
            "institution_name": None,
            "can_be_source": True,
            "can_be_destination": False,
            "balance": {
                "balance_in_cents": 0,
                "available_balance_in_cents": 0,
                "last_statement_balance_in_cents": None,
                "next_payment_minimum_in_cents": None,
                "next_payment_due_date": None,
            },
        }

    def test_shows_the_fields_in_the_order_of_the_contract(self, api):
        account = api.post(PATH, {"nickname": "Main Payroll"}).json()["data"]

        assert list(account) == [
            "id",
            "name",
            "type",
            "description",
            "external_account_type",
            "beneficiary_name",
            "institution_name",
            "can_be_source",
            "can_be_destination",
            "routing_number",
            "bank_account_number",
            "balance",
            "created_at",
            "updated_at",
        ]
        assert list(account["balance"]) == [
            "balance_in_cents",
            "available_balance_in_cents",
            "last_statement_balance_in_cents",
            "next_payment_minimum_in_cents",
            "next_payment_due_date",
            "balance_last_updated_at",
        ]

    def test_tells_times_in_utc_as_precisely_as_stored(self, api):
        account = api.post(PATH, {"nickname": "Main Payroll"}).json()["data"]

        stored = Account.objects.get(id=account["id"])
        assert account["created_at"] == stored.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def test_tells_a_whole_second_without_a_fraction(self, api, set_clock):
        set_clock(datetime(2024, 4, 23, 10, 0, tzinfo=UTC))

        assert api.post(PATH, {"nickname": "Main Payroll"}).json()["data"]["created_at"] == "2024-04-23T10:00:00Z"

    def test_keeps_the_icon_for_the_admin(self, api):
        api.post(PATH, {"nickname": "Main Payroll", "icon": "briefcase"})

        assert Account.objects.get().icon == "briefcase"

    def test_uses_the_legal_name_of_the_moment(self, api, acme):
        api.post(PATH, {"nickname": "Before"})
        Organization.objects.filter(id=acme.id).update(legal_name="Acme Renamed LLC")
        api.post(PATH, {"nickname": "After"})

        assert list(Account.objects.order_by("created_at").values_list("name", "beneficiary_name")) == [
            ("Before", "Acme Trading LLC"),
            ("After", "Acme Renamed LLC"),
        ]

    def test_gives_each_account_numbers_of_its_own(self, api):
        for _ in range(5):
            api.post(PATH, {"nickname": "Twin"})

        numbers = {account.bank_account_number for account in Account.objects.all()}
        assert len(numbers) == 5

    @pytest.mark.parametrize(
        "body", [{"description": "x"}, {"savings_target_in_cents": 1}, {"id": "acc_1"}, {"name": "x"}]
    )
    def test_refuses_what_only_a_pod_has_or_nobody(self, api, body):
        response = api.post(PATH, {"nickname": "Payroll", **body})

        assert response.status_code == 400
        assert response.json()["error"]["details"][0]["code"] == "unknown_field"
        assert not Account.objects.exists()
