"""Acme with money, and a program that may move it: below $20.00 by itself, above with a person's leave."""

from dataclasses import dataclass

import pytest

from accounts.models import Account
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey
from apikeys.services import create_api_key
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, transfer_between
from transfers.models import Transfer

PERMISSIONS = [text for text in ALL_PERMISSIONS if not text.startswith("MANUAL_TRANSFER")]
PERMISSIONS += ["MANUAL_TRANSFER:*>*;day=100000000;approval=2000"]


@dataclass
class Agent:
    """A program with its key."""

    key: ApiKey
    token: str

    @property
    def api(self) -> Api:
        return Api(self.token)


def make_agent(organization, *, name: str = "Agent") -> Agent:
    permissions = parse_permissions(PERMISSIONS)
    key, token = create_api_key(organization=organization, name=name, permissions=permissions, created_by="staff:zoe")
    return Agent(key, token)


@pytest.fixture
def income(acme) -> Account:
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 100_000_00)
    account.refresh_from_db()
    return account


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def bank(acme) -> Account:
    return ExternalAccountFactory(organization=acme, name="Checking", balance_cents=500_00)


@pytest.fixture
def agent(acme) -> Agent:
    return make_agent(acme)


@pytest.fixture
def other(acme) -> Agent:
    """Another program of the same organization, which nobody stops."""
    return make_agent(acme, name="Other")


@pytest.fixture
def accepted(agent, income, rent) -> Transfer:
    return transfer_between(agent.api, income, rent, 10_00)


@pytest.fixture
def waiting(agent, income, rent) -> Transfer:
    return transfer_between(agent.api, income, rent, 30_00)
