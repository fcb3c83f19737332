"""The page that the project was created from."""

import re


class TestCreateIncomeSource:
    def test_answers_exactly_as_the_page_shows(self, api, acme):
        response = api.post("/accounts/income-sources", {"nickname": "Main Payroll", "icon": "briefcase"})

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
