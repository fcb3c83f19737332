"""The cast of the dialect: keys of Acme, as clients of the vendor's would use them."""

from collections.abc import Callable

import pytest

from accounts.models import Account
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.platform.client import Platform
from tests.transfers.steps import fund


@pytest.fixture
def platform_with(client_with) -> Callable[..., Platform]:
    """Return a client of the dialect whose new key has just the given permissions."""
    return lambda *permissions, **options: in_dialect(client_with(*permissions, **options))


@pytest.fixture
def platform(api) -> Platform:
    """A client of Acme that may do everything, with the same key as ``api``."""
    return in_dialect(api)


@pytest.fixture
def other_platform(other_api) -> Platform:
    return in_dialect(other_api)


def in_dialect(api: Api) -> Platform:
    """Return a client of the dialect with the same key."""
    return Platform(api.headers["Authorization"].partition(" ")[2])


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
