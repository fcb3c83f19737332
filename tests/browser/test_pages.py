"""The pages in a real browser, which alone knows what the content security policy forbids."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import Account
from sequence.core.api.openapi.document import document
from sequence.guides.library import guides
from tests.api_docs.conformance import operations
from tests.browser.steps import overhang
from tests.factories import IncomeSourceFactory, PodFactory


@pytest.fixture
def page(sized_page, complaints, live_server) -> Page:
    """A window that also complains about whatever is asked of another server."""
    sized_page.on("request", lambda sent: _note_outsider(sent.url, live_server.url, complaints))
    return sized_page


def _note_outsider(url: str, home: str, complaints: list[str]) -> None:
    if not url.startswith((home, "data:")):
        complaints.append(f"outside: {url}")


@pytest.mark.full
class TestLanding:
    def test_is_whole(self, page):
        page.goto("/")

        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("pre")).to_contain_text(f"{page.url}api/v1/accounts/income-sources")
        assert overhang(page) <= 0
        page.get_by_role("link", name="Read the API reference").click()
        page.locator(".opblock").first.wait_for()
        page.get_by_role("link", name="Sequence").click()
        page.get_by_role("heading", level=1).wait_for()


@pytest.mark.full
class TestApiReference:
    @pytest.fixture
    def reference(self, page) -> Page:
        """The reference, with all its operations drawn."""
        page.goto("/docs")
        page.locator(".opblock").first.wait_for()
        return page

    def test_shows_every_operation(self, reference):
        expect(reference.locator(".opblock")).to_have_count(len(operations()))
        for tag in document()["tags"]:
            expect(reference.get_by_role("link", name=tag["name"], exact=True)).to_be_visible()
        assert overhang(reference) <= 0

    def test_breaks_no_name_of_a_scope(self, reference):
        names = reference.locator(".info td:first-child code")
        assert "MANUAL_TRANSFER" in names.all_inner_texts()
        for name in names.all():
            assert name.evaluate("name => name.getClientRects().length") == 1

    def test_finds_operations_by_what_they_say(self, reference):
        search = reference.locator(".operation-filter-input")
        search.fill("cancel transfer")
        expect(reference.locator(".opblock")).to_have_count(1)
        expect(reference.locator("[id$=transfer_cancel]")).to_be_visible()
        search.fill("no such thing anywhere")
        expect(reference.locator(".opblock")).to_have_count(0)
        search.fill("")
        expect(reference.locator(".opblock")).to_have_count(len(operations()))

    def test_sends_a_request_with_a_key_that_was_pasted_without_its_scheme(self, api, reference):
        key = api.headers["Authorization"].removeprefix("ApiKey ")
        reference.locator(".authorize").first.click()
        reference.locator("#api_key_value").fill(key)
        reference.locator(".auth-btn-wrapper .authorize").click()
        reference.locator(".btn-done").click()

        self._execute(reference, "account_create_income_source", "201")
        assert Account.objects.count() == 1

    def test_puts_the_readers_key_and_ids_into_samples_and_requests(self, api, acme, reference):
        IncomeSourceFactory(organization=acme, name="Main Payroll")
        rainy, groceries = (PodFactory(organization=acme, name=name) for name in ("Rainy days", "Groceries"))
        key = api.headers["Authorization"].removeprefix("ApiKey ")
        reference.get_by_label("Your key").fill(key)
        reference.get_by_role("button", name="Use", exact=True).click()
        expect(reference.locator("#reader-told")).to_contain_text("3 of your ids")

        operation = self._execute(reference, "transfer_dry_run", "200")

        samples = operation.locator(".samples")
        for language in ("curl", "Python", "JavaScript"):
            samples.get_by_role("button", name=language).click()
            text = samples.locator("pre").inner_text()
            assert key in text
            assert {rainy.id, groceries.id} <= set(re.findall(r"acc_\w+", text)), text
            assert "/api/v1/transfers/dry-run" in text
            assert "$" not in text
            assert "environ" not in text
            assert "process.env" not in text

    def test_takes_nothing_along(self, api, reference):
        reference.get_by_label("Your key").fill(api.headers["Authorization"])
        reference.get_by_role("button", name="Use", exact=True).click()
        expect(reference.locator("#reader-told")).to_contain_text("In use")

        assert reference.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])") == (
            '[{},{},""]'
        )

    def _execute(self, page: Page, name: str, status: str) -> Locator:
        operation = page.locator(f"[id$={name}]")
        operation.locator(".opblock-summary-control").click()
        operation.locator(".execute").click()
        answer = operation.locator(".live-responses-table tbody")
        answer.wait_for()
        expect(answer.locator(".response-col_status").first).to_have_text(re.compile(f"^\\s*{status}"))
        assert overhang(page) <= 0
        return operation


@pytest.mark.full
class TestGuides:
    def test_are_a_walk_from_the_first_page_to_the_last(self, page):
        page.goto("/")
        page.get_by_role("link", name="Guides").click()
        expect(page.get_by_role("heading", level=1, name="Guides")).to_be_visible()
        assert overhang(page) <= 0
        for guide in guides().values():
            page.goto(guide.address)
            expect(page.get_by_role("heading", level=1)).to_have_text(guide.title)
            assert overhang(page) <= 0, guide.name

    def test_lead_from_one_to_the_other(self, page):
        page.goto("/docs/guides/first-payment")
        page.get_by_role("main").get_by_role("link", name="hear of a payment").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
        page.get_by_role("navigation", name="Guides").get_by_role("link", name="Errors").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Errors")
        page.get_by_role("link", name="API reference").click()
        page.locator(".opblock").first.wait_for()
        page.get_by_role("link", name="Guides", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Guides")
