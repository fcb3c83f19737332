"""Failures of actions: the codes that a plan gives, each a transfer's error code."""

from enum import StrEnum


class FailureCode(StrEnum):
    """Why an action moves nothing."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    PAYMENT_NOT_SUPPORTED = "payment_not_supported"
    TRANSFER_AMOUNT_LESS_THAN_ONE_DOLLAR = "transfer_amount_less_than_one_dollar"
    NULL_BALANCE = "null_balance"
    ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT = "account_no_minimum_payment_amount"
    ACCOUNT_NO_LAST_STATEMENT_BALANCE = "account_no_last_statement_balance"
    RESOURCE_DELETED = "resource_deleted"


class ActionFailed(Exception):
    """The action fails: its amount is not known, or not there."""

    def __init__(self, code: FailureCode, account_name: str) -> None:
        self.code = code
        super().__init__(f"{code}: {account_name}")
