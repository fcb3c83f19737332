"""Many organizations: a table of what waits in each, the worst first, and a page that is the home of one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.admin.overview import PAGE_SIZE, SHOWN, overview
from apikeys.models import Organization
from sequence.core import clock
from sequence.core.admin.console import ConsoleQuery
from sequence.core.admin.timeline import address_of
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.staff import Staff, page_of
from tests.transfers.steps import fund, settle, transfer_between
from transfers.failures import take_failure
from transfers.models import Transfer

# The person and the session, a look at each kind that waits, and the organizations.
MAX_QUERIES = 14


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def troubled(acme, globex, api, client_with):
    """Two failures in one organization, a transfer to approve in another, and a third that is well."""
    income, rent = IncomeSourceFactory(organization=acme, name="Payroll"), PodFactory(organization=acme, name="Rent")
    for _ in range(2):
        transfer_between(api, income, rent, 5_00)
    settle()
    well = OrganizationFactory(name="AAA Well")
    source, target = IncomeSourceFactory(organization=globex), PodFactory(organization=globex)
    fund(source, 9_00)
    waiting = client_with("MANUAL_TRANSFER:*>*;approval=0", organization=globex)
    transfer_between(waiting, source, target, 1_00)
    return acme, globex, well


def lines(staff, **query):
    return staff.get("organizations/", **query).context["overview"].lines


class TestTheTable:
    def test_begins_with_the_worst(self, root, troubled):
        assert [line.organization for line in lines(root)] == list(troubled)

    def test_counts_what_waits_and_leads_to_it(self, root, troubled):
        worst = lines(root)[0]
        [failed] = [cell for cell in worst.cells if cell.heading == "Failed"]

        assert failed.number == 2
        assert root.client.get(failed.address).context["cl"].result_count == 2
        assert sum(cell.number for cell in worst.cells) == 2
        assert worst.address == address_of(troubled[0])

    def test_forgets_what_somebody_has_taken(self, root, troubled):
        for transfer in Transfer.objects.untaken():
            take_failure(transfer_id=transfer.id, by="staff:ann", note="Mine")

        assert lines(root)[0].organization == troubled[1]

    def test_is_paged_and_holds_each_organization_once(self, root, troubled):
        Organization.objects.bulk_create(
            Organization(name=f"Org {number:03}", legal_name="X") for number in range(PAGE_SIZE + 5)
        )
        first, second = lines(root), lines(root, page="2")

        assert (len(first), len(second)) == (PAGE_SIZE, 8)
        assert first[0].organization == troubled[0]
        assert len({line.organization.id for line in [*first, *second]}) == PAGE_SIZE + 8
        for odd in ("0", "-1", "x", "9" * 30, "3"):
            assert root.get("organizations/", page=odd).status_code == 200

    def test_asks_as_many_queries_however_many_there_are(self, root, troubled):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get("organizations/")
            return len(captured)

        few = queries()
        Organization.objects.bulk_create(Organization(name=f"Org {number}", legal_name="X") for number in range(50))

        assert queries() == few <= MAX_QUERIES

    def test_counts_only_what_one_may_see(self, troubled):
        bob = Staff("bob", "apikeys.view_organization", "rules.view_rule")

        page = bob.get("organizations/")

        assert page.context["overview"].headings == ["Rules to review"]
        assert Staff("eve", "rules.view_rule").get("organizations/").status_code == 403

    def test_has_suspended_organizations_among_the_worst(self, root, troubled, django_user_model):
        Organization.objects.filter(id=troubled[2].id).update(status="suspended", suspended_at=clock.now())
        user = django_user_model.objects.get(username="root")

        shown = overview(user, ConsoleQuery(clock.now())).lines

        assert [line.organization for line in shown] == [troubled[0], troubled[2], troubled[1]]


class TestTheConsole:
    def test_shows_the_first_lines_of_the_table(self, root, troubled):
        Organization.objects.bulk_create(Organization(name=f"Org {number}", legal_name="X") for number in range(20))

        found = root.get("").context["overview"]

        assert (len(found.lines), found.lines[0].organization) == (SHOWN, troubled[0])

    def test_shows_none_for_a_single_organization(self, root, acme, troubled):
        assert root.get("", organization=acme.id).context["overview"] is None


class TestTheHomeOfAnOrganization:
    def test_tells_what_waits_and_what_it_holds(self, root, troubled):
        page = root.client.get(page_of(troubled[0])).content.decode()

        assert "Failed transfers that nobody has taken" in page
        assert "$5.00 Payroll → Rent" in page
        assert "Today, since midnight UTC" in page
        assert "Payroll" in page

    def test_tells_nothing_of_another_one(self, root, troubled):
        assert "Payroll" not in root.client.get(page_of(troubled[1])).content.decode()

    def test_shows_what_one_may_see_and_no_more(self, troubled):
        page = Staff("bob", "apikeys.view_organization").client.get(page_of(troubled[0])).content.decode()

        assert "Payroll" not in page
