"""Two organizations that are busy at once, and what is known of the tables."""

from ipaddress import ip_network

import pytest

from tests.scaling.houses import House
from tests.scaling.naming import Statements
from tests.test_distribution import PAGE, ROW
from tests.webhooks.conftest import Receiver, receiving


@pytest.fixture
def distributed() -> set[str]:
    """The tables that are to be spread over many machines."""
    return {row["table"] for row in ROW.finditer(PAGE.read_text()) if row["kind"] == "distributed"}


@pytest.fixture
def houses(db, api, other_api, acme, globex, settings):
    settings.RATE_LIMIT_ENABLED = True
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving(Receiver()) as receiver:
        yield [House(api, acme, receiver.url), House(other_api, globex, receiver.url)]


@pytest.fixture
def said(houses, distributed) -> list[Statements]:
    """For what each house says."""
    ids = [house.organization.id for house in houses]
    return [Statements(own, set(ids) - {own}, distributed) for own in ids]
