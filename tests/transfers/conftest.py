"""Acme's accounts, one of each kind, and chance that can be repeated."""

import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import (
    fund,
    post_transfer,
    settle,
    transfer_between,
)
from transfers.models import Status, Transfer


@pytest.fixture
def income(acme) -> Account:
    """Where Acme's pay arrives; $100.00 are there already."""
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 100_00)
    account.refresh_from_db()
    return account


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
    """A debt of $300.00."""
    return ExternalAccountFactory(
        organization=acme, name="Card", external_account_type=ExternalAccountType.LIABILITY, balance_cents=300_00
    )


@pytest.fixture
def later() -> Callable[[float], datetime]:
    """Return a function that gives the time in some seconds, when the simulated rail's delay is over and more."""
    return lambda seconds=60: timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def dice(request) -> random.Random:
    """Chance that can be repeated: the seed is printed, and taken from CHAOS_SEED where that is set."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**9))  # noqa: S311 - chance of the run
    print(f"CHAOS_SEED={seed} repeats {request.node.name}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)  # noqa: S311 - chance that can be repeated is the point


@pytest.fixture
def ask(income, rent):
    """Return a function that asks for a transfer and tells its status, or the refusal's code."""

    def post(api, cents, source=income, destination=rent):
        response = post_transfer(api, source, destination, cents)
        body = response.json()
        return body["data"]["status"] if response.status_code == 201 else body["error"]["code"]

    return post


@pytest.fixture
def settled(api, income, rent) -> Transfer:
    """A transfer of $30.00 that is through the ledger."""
    transfer = transfer_between(api, income, rent, 30_00)
    settle()
    transfer.refresh_from_db()
    assert transfer.status == Status.COMPLETE
    return transfer


@pytest.fixture
def waiting(api, income, rent) -> Transfer:
    """A transfer that no worker has touched."""
    return transfer_between(api, income, rent, 30_00)
