"""A dollar is followed from payroll to a merchant and back, and a statement is printed."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from sequence.demo.seeding import make_demo
from tests.browser.steps import overhang, sign_in

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

# Long enough for paydays whose money is spent, short enough for a test.
DAYS = 45


@pytest.fixture
def page(sized_page: Page, transactional_db) -> Page:
    """The window of whoever runs the demo, as they have signed in."""
    demo = make_demo(actor="command:seed_demo:tester", days=DAYS, tell=lambda line: None)
    sign_in(sized_page, name=demo["staff_username"], password=demo["staff_password"])
    return sized_page


def look_at(page: Page, name: str) -> None:
    """Open the account of that name, and see that the page fits."""
    account = Account.objects.get(name=name)
    page.goto(f"/admin/accounts/account/{account.pk}/change/")
    expect(page.get_by_role("heading", name="Balance and movements")).to_be_visible()
    assert overhang(page) <= 0


class TestADollar:
    def test_is_followed_from_payroll_to_a_merchant_and_back_and_stands_in_the_statement(self, page):
        self._follow(page)
        self._read_the_statement(page)

    def _follow(self, page: Page) -> None:
        look_at(page, "Main Payroll")
        paycheck = page.locator(".movements-table tr", has_text="Paycheck").last
        paycheck.locator(".when a").click()
        panel = page.get_by_role("region", name="Follow the money")
        expect(panel.get_by_role("link", name=re.compile("Split the paycheck")).first).to_be_visible()
        assert overhang(page) <= 0
        here = page.url
        panel.get_by_role("link", name="Follow it further").click()
        expect(page).not_to_have_url(here)
        expect(page.get_by_role("heading", name="Follow the money")).to_be_visible()
        assert overhang(page) <= 0
        page.get_by_role("region", name="Where it went").get_by_role("link", name=re.compile("spent at")).first.click()
        expect(page).to_have_url(re.compile("/cardtransaction/"))
        came_from = page.get_by_role("region", name="Where it came from")
        expect(came_from.get_by_text(re.compile("from Main Payroll")).first).to_be_visible()
        assert overhang(page) <= 0

    def _read_the_statement(self, page: Page) -> None:
        look_at(page, "Groceries")
        page.get_by_role("link", name="Statement for a period").click()
        page.get_by_label("Period").select_option("30")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("=30"))
        expect(page.locator(".movements-table tr", has_text="Green Basket").first).to_be_visible()
        assert overhang(page) <= 0
        page.emulate_media(media="print")
        expect(page.locator("#header")).to_be_hidden()
        expect(page.get_by_role("button", name="Show")).to_be_hidden()
        page.emulate_media(media="screen")
        with page.expect_download() as saved:
            page.get_by_role("link", name="OFX").click()
        assert saved.value.suggested_filename.endswith(".ofx")
