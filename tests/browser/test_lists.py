"""Staff narrow a list down, take it along as CSV, and follow a request from its id to the ledger."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import overhang, sign_in
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, post_transfer, settle
from transfers.models import Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(sized_page: Page) -> Page:
    return sized_page


@pytest.fixture
def moved(api, acme):
    """Two transfers that went through, and one that could not."""
    income = IncomeSourceFactory(organization=acme, name="Payroll")
    rent, food = PodFactory(organization=acme, name="Rent"), PodFactory(organization=acme, name="Food")
    fund(income, 100_00)
    headers = {"X-Request-ID": "req_rent"}
    post_transfer(api, income, rent, 30_00, idempotency_key="5c1b2f0e", headers=headers)
    post_transfer(api, income, food, 20_00)
    post_transfer(api, food, rent, 999_00)
    settle()


class TestAList:
    def test_is_narrowed_down_and_taken_along(self, page, staff, moved):
        sign_in(page)
        page.goto("/admin/transfers/transfer/")
        filters = page.locator("form.narrow")
        filters.get_by_label("Account").fill("rent")
        filters.get_by_label("Status").select_option("complete")
        filters.get_by_role("button", name="Show").click()

        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        expect(page.locator("ul.chosen")).to_contain_text("Account: Rent (acc_")
        assert overhang(page) <= 0
        with page.expect_download() as taken:
            page.get_by_role("link", name="Export all 1 as CSV").click()
        assert re.fullmatch(r"transfers-\d{4}-\d\d-\d\d\.csv", taken.value.suggested_filename)
        with taken.value.path().open(newline="", encoding="utf-8") as file:
            [row] = csv.DictReader(file)
        assert (row["amount_in_cents"], row["destination_name"]) == ("3000", "Rent")

        page.get_by_role("link", name="Remove Status").click()
        expect(page.locator("#result_list tbody tr")).to_have_count(2)

    def test_says_what_it_did_not_understand(self, page, staff, moved):
        sign_in(page)
        page.goto("/admin/transfers/transfer/?account=Nobody&from=yesterday")

        expect(page.get_by_role("alert")).to_contain_text("Nothing is shown")
        expect(page.locator("#result_list tbody tr")).to_have_count(0)
        assert overhang(page) <= 0

    def test_fits_its_box_on_a_small_laptop(self, page, staff, moved):
        sign_in(page)
        for path in ("transfers/transfer/", "transfers/posting/", "transfers/entryset/", "rules/ruleexecution/"):
            page.goto(f"/admin/{path}")
            assert overhang(page) <= 0
            boxes = page.locator(".results").evaluate_all("all => all.map(box => box.scrollWidth - box.clientWidth)")
            assert max(boxes, default=0) <= 0 or page.viewport_size["width"] < 768


class TestTheSearch:
    def test_leads_from_a_request_id_to_the_posting(self, page, staff, moved):
        sign_in(page)
        box = page.get_by_role("searchbox", name="Search for an amount")
        box.fill("req_rent")
        box.press("Enter")

        for stage in ("Who called", "What was answered", "What it did", "What followed"):
            expect(page.get_by_role("heading", name=stage)).to_be_visible()
        assert overhang(page) <= 0
        page.get_by_role("link", name="$30.00 on Rent").click()
        expect(page.locator(".field-shown_amount")).to_contain_text("$30.00")
        page.locator(".field-transfer a").click()
        expect(page.get_by_text("2 postings")).to_be_visible()
        page.get_by_role("link", name="req_rent").click()
        expect(page.get_by_role("heading", name="What it did")).to_be_visible()

    def test_leads_from_an_id_to_its_page(self, page, staff, moved):
        transfer = Transfer.objects.get(request_id="req_rent")
        sign_in(page)
        box = page.get_by_role("searchbox", name="Search for an amount")
        box.fill(transfer.id)
        page.locator("form.search-everything").get_by_role("button", name="Search").click()

        expect(page.get_by_text("2 postings")).to_be_visible()
        assert overhang(page) <= 0
