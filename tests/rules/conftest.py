"""Acme's accounts, as rules use them."""

import os
import random

import pytest

from accounts.models import Account, ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory


@pytest.fixture
def income(acme) -> Account:
    """Where Acme's pay arrives; nothing is there yet."""
    return IncomeSourceFactory(organization=acme, name="Payroll")


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def savings(acme) -> Account:
    return PodFactory(organization=acme, name="Savings")


@pytest.fixture
def bank(acme) -> Account:
    """A depository outside, with $500.00 at the last look."""
    return ExternalAccountFactory(organization=acme, name="Checking", balance_cents=500_00)


@pytest.fixture
def brokerage(acme) -> Account:
    return ExternalAccountFactory(
        organization=acme, name="Broker", external_account_type=ExternalAccountType.INVESTMENT, balance_cents=1000_00
    )


@pytest.fixture
def card(acme) -> Account:
    """A debt of $300.00 with a minimum payment of $35.00."""
    return ExternalAccountFactory(
        organization=acme,
        name="Card",
        external_account_type=ExternalAccountType.LIABILITY,
        balance_cents=300_00,
        next_payment_minimum_cents=35_00,
    )


@pytest.fixture
def dice(request) -> random.Random:
    """Chance that can be repeated: the seed is printed, and taken from RULES_SEED where that is set."""
    seed = int(os.environ.get("RULES_SEED") or random.SystemRandom().randrange(10**9))
    print(f"RULES_SEED={seed} repeats {request.node.name}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)  # noqa: S311 - chance that can be repeated is the point
