"""Accounts as the API's document shows them."""

from sequence.core.typing import JsonObject

_TIME = "2024-04-23T10:00:00Z"

NEW_INCOME_SOURCE = {"nickname": "Main Payroll", "icon": "briefcase"}

INCOME_SOURCE: JsonObject = {
    "id": "acc_01HABC4567TKW2XN9Q8RJ5VZ3M",
    "name": "Main Payroll",
    "type": "income_source",
    "description": None,
    "external_account_type": None,
    "beneficiary_name": "John Smith",
    "institution_name": None,
    "can_be_source": True,
    "can_be_destination": False,
    "routing_number": "••••0021",
    "bank_account_number": "••••7731",
    "balance": {
        "balance_in_cents": 0,
        "available_balance_in_cents": 0,
        "last_statement_balance_in_cents": None,
        "next_payment_minimum_in_cents": None,
        "next_payment_due_date": None,
        "balance_last_updated_at": _TIME,
    },
    "created_at": _TIME,
    "updated_at": _TIME,
}

NEW_POD = {
    "nickname": "Rent",
    "icon": "house",
    "description": "Due on the 1st",
    "savings_target_in_cents": 250000,
}

POD = {
    **INCOME_SOURCE,
    "id": "acc_01HABC8901F4M6ZT7YD3GQ0BWE",
    "name": "Rent",
    "type": "pod",
    "description": "Due on the 1st",
    "can_be_destination": True,
    "routing_number": None,
    "bank_account_number": None,
}

_ONLY_IN_FULL = {"routing_number", "bank_account_number", "balance"}
LISTED = [
    {name: value for name, value in account.items() if name not in _ONLY_IN_FULL} for account in (INCOME_SOURCE, POD)
]
