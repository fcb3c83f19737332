"""Issued routing and account numbers."""

import secrets
from dataclasses import dataclass

# Weights of the American Bankers Association's check digit: the weighted sum of all nine is a multiple of ten.
# https://en.wikipedia.org/wiki/ABA_routing_transit_number
ABA_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)
# 01 to 12 are the twelve Federal Reserve districts, the beginnings of ordinary banks' numbers.
DISTRICTS = 12
ACCOUNT_NUMBER_LENGTH = 12


@dataclass(frozen=True)
class BankNumbers:
    """Where money for an account is sent."""

    routing_number: str
    account_number: str


def issue_bank_numbers() -> BankNumbers:
    """Return fresh numbers: a routing number with a valid check digit and a random account number."""
    body = f"{secrets.randbelow(DISTRICTS) + 1:02}{secrets.randbelow(10**6):06}"
    account_number = f"{secrets.randbelow(10**ACCOUNT_NUMBER_LENGTH):0{ACCOUNT_NUMBER_LENGTH}}"
    return BankNumbers(body + str(check_digit(body)), account_number)


def check_digit(body: str) -> int:
    """Return the ninth digit that makes eight digits an ABA routing number."""
    total = sum(int(digit) * weight for digit, weight in zip(body, ABA_WEIGHTS, strict=False))
    return -total % 10
