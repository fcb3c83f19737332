"""The pages in a real browser, which alone knows what the content security policy forbids."""

import pytest
from playwright.sync_api import Page

from sequence.core.api.openapi.document import document
from tests.api_docs.conformance import operations
from tests.browser.steps import overhang


@pytest.fixture
def page(sized_page, complaints, live_server) -> Page:
    """A window that also complains about whatever is asked of another server."""
    sized_page.on("request", lambda sent: _note_outsider(sent.url, live_server.url, complaints))
    return sized_page


def _note_outsider(url: str, home: str, complaints: list[str]) -> None:
    if not url.startswith((home, "data:")):
        complaints.append(f"outside: {url}")


class TestLanding:
    def test_is_whole(self, page):
        page.goto("/")

        assert page.get_by_role("heading", level=1).is_visible()
        assert f"{page.url}api/v1/accounts/income-sources" in page.locator("pre").inner_text()
        assert overhang(page) <= 0
        page.get_by_role("link", name="Read the API reference").click()
        page.locator(".opblock").first.wait_for()
        page.get_by_role("link", name="Sequence").click()
        page.get_by_role("heading", level=1).wait_for()


class TestApiReference:
    def test_shows_every_operation(self, page):
        page.goto("/docs")
        page.locator(".opblock").first.wait_for()

        assert page.locator(".opblock").count() == len(operations())
        for tag in document()["tags"]:
            assert page.get_by_role("link", name=tag["name"], exact=True).is_visible()
        assert overhang(page) <= 0

    def test_sends_a_request_with_a_key(self, api, page):
        page.goto("/docs")
        page.locator(".authorize").first.click()
        page.locator("#api_key_value").fill(api.headers["Authorization"])
        page.locator(".auth-btn-wrapper .authorize").click()
        page.locator(".btn-done").click()
        operation = page.locator("[id$=account_create_income_source]")
        operation.locator(".opblock-summary-control").click()
        operation.locator(".try-out__btn").click()
        operation.locator(".execute").click()

        answer = operation.locator(".live-responses-table tbody")
        answer.wait_for()
        assert answer.locator(".response-col_status").first.inner_text().startswith("201")
        assert overhang(page) <= 0
