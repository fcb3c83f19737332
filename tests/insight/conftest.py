"""Acme's accounts, as pictures of its money show them."""

import pytest

from accounts.models import Account
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
