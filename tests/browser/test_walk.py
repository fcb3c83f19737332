"""The first ten minutes: somebody signs in to the demo, sees what waits, decides, and follows the money."""

import json
import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from rules.models import Rule
from sequence.core.worker import run_once
from sequence.demo.seeding import make_demo
from tests.browser.steps import sign_in
from transfers.models import Status, Transfer

pytestmark = pytest.mark.django_db(transaction=True)

# Long enough for all that waits, short enough for a test.
DAYS = 60


@pytest.fixture
def demo(transactional_db) -> dict:
    """The demo's credentials."""
    return make_demo(actor="command:seed_demo:tester", days=DAYS, tell=lambda line: None)


def waits(page: Page, title: str) -> str:
    """Open the first thing of a kind that waits, and return its text."""
    heading = page.get_by_role("region", name="Waits for a person").get_by_role("heading", name=title)
    link = heading.locator("xpath=following-sibling::ul[1]").get_by_role("link").first
    text = link.inner_text()
    link.click()
    return text


def told(page: Page) -> str:
    """Return what the page says after something was done."""
    return page.locator(".messagelist .success").inner_text()


class TestTheFirstTenMinutes:
    def test_lead_from_what_waits_to_where_the_money_went(self, live_server, page, demo):
        sign_in(page, live_server.url, name=demo["staff_username"], password=demo["staff_password"])
        self._approve(page)
        page.goto(f"{live_server.url}/admin/")
        self._review_simulate_and_enable(page)
        page.goto(f"{live_server.url}/admin/")
        self._look_at_the_map(page)
        self._follow_a_request(page)
        self._make_a_key_and_use_it(page, live_server.url)

    def _approve(self, page: Page) -> None:
        assert "$640.00" in waits(page, "Transfers to approve or reject")
        page.get_by_role("link", name="Approve").click()
        expect(page.locator(".facts")).to_contain_text("To “Everyday checking”: External")
        page.get_by_role("button", name="Approve").click()

        assert "is approved" in told(page)
        assert not Transfer.objects.filter(status=Status.PENDING_APPROVAL).exists()

    def _review_simulate_and_enable(self, page: Page) -> None:
        name = waits(page, "Rules to review and enable")
        rule = Rule.objects.get(nickname=name)
        expect(page.locator(".field-in_words")).to_contain_text("Rainy days")
        page.get_by_role("link", name="Simulate").click()
        page.get_by_label("Incoming amount in US dollars").fill("1,000.00")
        page.get_by_role("button", name="Simulate").click()
        expect(page.get_by_text("nothing has moved")).to_be_visible()
        page.get_by_role("link", name="Enable").click()
        page.get_by_label("Reason").fill("Agreed with Nia")
        page.get_by_role("button", name="Enable").click()

        assert told(page) == f"{name} is enabled."
        rule.refresh_from_db()
        assert (rule.status, rule.enabled_by) == ("enabled", "staff:admin")

    def _look_at_the_map(self, page: Page) -> None:
        page.get_by_role("link", name="Money map").click()
        picture = page.locator("svg.money-map")
        expect(picture).to_be_visible()
        expect(picture.get_by_role("link", name=re.compile("Split the paycheck")).first).to_be_visible()
        row = page.get_by_role("row", name=re.compile("Main Payroll Rent Split the paycheck Enabled"))
        row.get_by_role("link", name="Split the paycheck").click()
        expect(page.get_by_text("When money arrives in “Main Payroll”")).to_be_visible()

    def _follow_a_request(self, page: Page) -> None:
        run_once()
        transfer = Transfer.objects.filter(amount_cents=640_00).latest("created_at")
        assert transfer.status in (Status.PENDING, Status.COMPLETE)
        page.get_by_role("searchbox").fill(transfer.request_id or "")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Budget agent").first).to_be_visible()
        page.get_by_role("link", name=transfer.id).first.click()
        expect(page).to_have_url(re.compile(f"/admin/transfers/transfer/.*{transfer.id.removeprefix('txr_')}/change/"))

    def _make_a_key_and_use_it(self, page: Page, address: str) -> None:
        page.goto(f"{address}/admin/apikeys/apikey/add/")
        page.get_by_label("Organization").select_option(label="Okafor household")
        page.get_by_role("button", name="Continue").click()
        page.locator("#id_name").fill("Bookkeeper")
        page.locator("#id_entries-0-scope").select_option("LIST_ACCOUNTS")
        page.get_by_role("button", name="Save").click()
        token = page.locator("#new-key").inner_text()

        request = Request(f"{address}/api/v1/accounts", headers={"Authorization": f"ApiKey {token}"})  # noqa: S310
        with urlopen(request) as answer:  # noqa: S310 - our own address
            names = {account["name"] for account in json.load(answer)["data"]}
        assert names == set(Account.objects.values_list("name", flat=True))
