"""Accounts that money moves between, and a reader of events."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from sequence.core.events.numbering import number_events
from tests.client import Api
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund


@pytest.fixture
def income(acme) -> Account:
    """Where $100.00 are."""
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 100_00)
    account.refresh_from_db()
    return account


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def reader(client_with) -> Api:
    return client_with("READ_EVENTS")


@pytest.fixture
def news_of(reader) -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """Return a function that does something and returns what was told of it: names and data."""

    def tell(work: Callable[[], Any]) -> list[tuple[str, dict[str, Any]]]:
        while number_events(timezone.now()):
            pass
        last = reader.get("/events?first=100").json()["page_info"]["end_cursor"] or 0
        work()
        number_events(timezone.now())
        events = reader.get(f"/events?first=100&after_sequence={last}").json()["data"]
        return [(event["event"], event["data"]) for event in events]

    return tell
