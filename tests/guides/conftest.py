"""The household of the guides on its first morning, behind a server, with a shell beside it."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from apikeys.services import create_organization
from sequence.core.transactions import run_in_transaction
from sequence.core.worker import run_once
from sequence.demo.accounts import bring_money_along, open_accounts
from sequence.demo.household import LEGAL_NAME, NAME, Household
from sequence.demo.keys import make_agent_key, make_demo_key
from sequence.demo.shell import keep_variables
from tests.guides.shell import Shell, shell

BY = "command:seed_demo:tester"


def make_household() -> dict[str, str]:
    """Return the credentials of a household with accounts, money, cards and keys, and no rules yet."""
    household = Household(create_organization(name=NAME, legal_name=LEGAL_NAME), BY)
    open_accounts(household)
    make_agent_key(household)
    bring_money_along(household)
    _, token = make_demo_key(household)
    return {
        "organization": household.organization.id,
        "api_key": token,
        "agent_api_key": household.agent_token,
    }


@pytest.fixture
def household(transactional_db, settings, tmp_path) -> dict[str, str]:
    """The credentials of the household; rails take no time."""
    settings.SIMULATED_RAIL_DELAY_SECONDS = 0
    settings.LOCAL_DIR = tmp_path / ".local"
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    credentials = run_in_transaction(make_household)
    run_once()
    return credentials


@pytest.fixture
def reader(household, live_server, tmp_path: Path) -> Iterator[Shell]:
    """A reader's shell, in a checkout in which ``./run`` is at work."""
    keep_variables(household, server=live_server.url)
    with shell(tmp_path) as opened:
        yield opened
