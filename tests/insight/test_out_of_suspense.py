"""What two persons post out of suspense is told as that, on the account's page and the money map."""

import pytest

from sequence.core import clock
from sequence.core.admin.periods import Period
from sequence.core.periods import day_of
from sequence.insight.money_map.flows import FlowKind, read_map
from tests.factories import PodFactory
from tests.staff import Staff, page_of
from tests.transfers.test_suspense import too_late, work_off
from transfers.models import Clearing


@pytest.fixture
def rent(acme):
    """A pod that got $30.00 out of suspense."""
    rent = PodFactory(organization=acme, name="Rent")
    work_off(too_late(PodFactory(organization=acme, name="Old savings"), 30_00), rent)
    return rent


class TestMoneyOutOfSuspense:
    def test_is_told_on_the_accounts_page(self, rent):
        page = Staff("root", is_superuser=True).client.get(page_of(rent)).content.decode()

        assert "Posted out of suspense by two persons" in page
        assert "Suspense" in page

    def test_is_an_arrow_of_its_own_so_that_the_map_comes_to_what_an_account_holds(self, rent):
        today = day_of(clock.now())
        found = read_map(rent.organization_id, Period(today, today))

        [flow] = [flow for flow in found.flows if flow.kind is FlowKind.RELEASE]
        assert (flow.source, flow.target, flow.cents) == (Clearing.SUSPENSE, rent.id, 30_00)
        assert found.gained_cents(rent.id) - found.lost_cents(rent.id) == 30_00
