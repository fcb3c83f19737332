"""A desk with more on it than anybody would decide one by one, by clicks and by keys, wide and narrow."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from tests.browser.conftest import new_context
from tests.browser.steps import SIZES, Actions, overhang, sign_in
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, post_transfer
from transfers.models import Status, Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

WAITING = 127


@pytest.fixture
def income(acme) -> Account:
    account = IncomeSourceFactory(organization=acme, name="Main Payroll")
    fund(account, 9_000_00)
    return account


@pytest.fixture
def waiting(acme, client_with, income) -> None:
    """As many payments to a few payees, most of which can be paid."""
    payees = [
        ExternalAccountFactory(organization=acme, name="Chase checking"),
        PodFactory(organization=acme, name="Rent and all that belongs to the house"),
        PodFactory(organization=acme, name="Groceries"),
    ]
    api = client_with("MANUAL_TRANSFER:*>*;day=1500000;count_month=500;approval=0")
    poor = PodFactory(organization=acme, name="Holidays")
    for number in range(WAITING):
        source = poor if number % 20 == 3 else income
        reason = "The invoice of this month, which the landlord sent again" if number % 4 else "Weekly"
        headers = {"X-Called-Reason": reason}
        answer = post_transfer(api, source, payees[number % 3], 10_00 + number * 25, headers=headers)
        assert answer.json()["data"]["status"] == "pending_approval"


def decided(status: Status) -> int:
    return Transfer.objects.filter(status=status, origin="user").count()


@pytest.mark.parametrize("sized_page", SIZES, indirect=True)
class TestDesk:
    def test_takes_under_ten_actions_for_127_transfers(self, sized_page, staff, waiting):
        sign_in(sized_page)
        does = Actions(sized_page)

        does.click("link", "Approvals desk")
        expect(sized_page.get_by_text(f"{WAITING} transfers of")).to_be_visible()
        assert overhang(sized_page) <= 0
        does.click("link", "all 100 here")
        expect(sized_page.get_by_role("button", name="Approve 100 ($")).to_be_visible()
        does.fill("Note", "Read with the landlord")
        does.click("button", "Approve")
        expect(sized_page.get_by_role("heading", name="100 approved, $")).to_be_visible()
        assert overhang(sized_page) <= 0
        does.click("link", "all 27 here")
        expect(sized_page.get_by_role("button", name="Reject 27 ($")).to_be_visible()
        does.click("button", "Reject")
        expect(sized_page.get_by_role("heading", name="27 rejected, $")).to_be_visible()
        expect(sized_page.get_by_text("Nothing waits for a person.")).to_be_visible()

        assert does.count == 6
        assert (decided(Status.PROCESSING), decided(Status.CANCELLED)) == (100, 27)
        assert Transfer.objects.filter(decision_note="Read with the landlord", decided_by="staff:ann").count() == 100


class TestKeys:
    def test_walk_and_decide(self, live_server, page, staff, waiting):
        sign_in(page, live_server.url)
        page.get_by_role("link", name="Approvals desk").click()
        expect(page.get_by_text("Keys:")).to_be_visible()
        first, second, third = Transfer.objects.waiting_for_a_person()[:3]

        for key in ("j", "j", "j", "k", "a"):
            page.keyboard.press(key)
        # One key alone moves no money: it ticks the row, the next one decides.
        expect(page.get_by_role("button", name="Approve 1 ($")).to_be_visible()
        assert decided(Status.PROCESSING) == 0
        page.keyboard.press("a")
        expect(page.get_by_role("heading", name="1 approved")).to_be_visible()
        page.wait_for_load_state()  # The script listens once the page is whole.
        assert Transfer.objects.get(id=second.id).status == Status.PROCESSING

        for key in ("j", " ", "j", " ", "r"):
            page.keyboard.press(key)
        expect(page.get_by_role("heading", name="2 rejected")).to_be_visible()
        assert {Transfer.objects.get(id=each.id).status for each in (first, third)} == {Status.CANCELLED}

    def test_are_letters_in_a_note(self, live_server, page, staff, waiting):
        sign_in(page, live_server.url)
        page.get_by_role("link", name="Approvals desk").click()
        expect(page.get_by_text("Keys:")).to_be_visible()
        page.get_by_role("link", name="all 100 here").click()
        expect(page.get_by_role("button", name="Approve 100 ($")).to_be_visible()
        page.get_by_label("Note").press_sequentially("a jar")

        expect(page.get_by_label("Note")).to_have_value("a jar")
        assert decided(Status.PROCESSING) == 0


class TestWithoutScripts:
    @pytest.fixture
    def page(self, browser, live_server) -> Page:
        context = new_context(browser, java_script_enabled=False, base_url=live_server.url)
        yield context.new_page()
        context.close()

    def test_links_tick_and_buttons_decide(self, page, staff, waiting):
        sign_in(page)
        page.get_by_role("link", name="Approvals desk").click()
        page.get_by_role("link", name="that can be paid").click()
        expect(page.locator("input[name=ticked]:checked")).to_have_count(95)
        page.get_by_role("button", name="Approve").click()

        expect(page.get_by_role("heading", name="95 approved")).to_be_visible()
        assert decided(Status.PROCESSING) == 95
