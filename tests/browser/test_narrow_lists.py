"""Every list on a telephone: no page wider than the screen, the amount and the state first; and the box that finds."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from playwright.sync_api import Page, expect

from sequence.demo.seeding import make_demo
from tests.browser.conftest import open_window
from tests.browser.steps import overhang, sign_in
from tests.factories import IncomeSourceFactory
from tests.staff import list_of
from tests.transfers.steps import fund
from transfers.models import Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

DAYS = 40
SITE_PAGES = ("/admin/", "/admin/organizations/", "/admin/search/?q=640")
# Its own page of ours, which is no list of rows.
NOT_LISTED = {"sequence.audittrail"}


@pytest.fixture
def page(browser, complaints, live_server) -> Iterator[Page]:
    """A telephone's window."""
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "base_url": live_server.url}
    yield from open_window(browser, complaints, **options)


@pytest.fixture
def demo(transactional_db) -> dict:
    return make_demo(actor="command:seed_demo:tester", days=DAYS, tell=lambda line: None)


class TestAListOnATelephone:
    def test_is_no_wider_than_the_screen(self, page, staff, demo):
        sign_in(page)
        lists = [list_of(model) for model in admin.site._registry]

        for address in [*lists, *SITE_PAGES]:
            page.goto(address)
            assert overhang(page) <= 0, address

    def test_begins_each_line_with_the_amount_and_the_state(self, page, staff, acme):
        fund(IncomeSourceFactory(organization=acme), 1_00)
        sign_in(page)
        page.goto(list_of(Transfer))
        line = page.locator("#result_list tbody tr").first
        cells = line.locator("td, th").all()

        boxes = {(cell.get_attribute("class") or "").split()[0]: cell.bounding_box() for cell in cells}
        first = sorted(boxes, key=lambda name: (round(boxes[name]["y"] / 8), boxes[name]["x"]))[:2]
        assert [name.removeprefix("field-") for name in first] == ["shown_amount", "shown_status"]


class TestTheSlash:
    def test_leads_to_the_search(self, page, staff):
        sign_in(page)
        page.keyboard.press("/")
        box = page.locator("#search-everything")
        expect(box).to_be_focused()

        page.keyboard.type("1/2")
        expect(box).to_have_value("1/2")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
