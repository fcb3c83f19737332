"""A pod of Acme's with $100.00, and a card that spends from it."""

import pytest

from accounts.models import Account
from cards.models import Card
from tests.cards.steps import issue
from tests.factories import PodFactory
from tests.transfers.steps import fund


@pytest.fixture
def pod(acme) -> Account:
    """Where the card spends from; $100.00 are there."""
    account = PodFactory(organization=acme, name="Groceries")
    fund(account, 100_00)
    account.refresh_from_db()
    return account


@pytest.fixture
def card(pod) -> Card:
    return issue(pod)
