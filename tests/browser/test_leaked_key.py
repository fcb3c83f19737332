"""A key has leaked: whoever has it whole, or has seen how it begins, stops it in two taps."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from apikeys.models import ApiKey
from tests.browser.steps import SIZES, Actions, overhang, sign_in
from tests.client import Api
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, post_transfer
from transfers.models import CancelReason, Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def income(acme) -> Account:
    account = IncomeSourceFactory(organization=acme, name="Main Payroll")
    fund(account, 900_00)
    return account


@pytest.fixture
def leaked(acme, client_with, income) -> Api:
    """A client with the key, which has asked for a payment that waits for a person."""
    rent = PodFactory(organization=acme, name="Rent")
    api = client_with("MANUAL_TRANSFER:*>*;approval=0")
    assert post_transfer(api, income, rent, 500_00).json()["data"]["status"] == "pending_approval"
    return api


def search(page: Page, does: Actions, text: str) -> None:
    """Search from the console, by the keyboard where there is one."""
    page.wait_for_load_state()  # What listens for the slash is there when the page is.
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    does.fill("Search for an amount", text)
    does.press("Enter")


def stop(page: Page, does: Actions) -> None:
    """Stop it, and read what came of that."""
    stop = page.get_by_role("link", name="Stop", exact=True)
    expect(stop).to_be_in_viewport()
    assert overhang(page) <= 0
    does.click("link", "Stop", exact=True)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_in_viewport()
    expect(page.locator(".consequences")).to_contain_text("is refused from its next request on")
    assert overhang(page) <= 0
    does.click("button", "Stop", exact=True)
    expect(page.get_by_role("heading", name="is paused")).to_be_visible()
    expect(page.locator(".consequences")).to_contain_text("1 transfer of $500.00 cancelled")
    assert overhang(page) <= 0


@pytest.mark.parametrize("sized_page", SIZES, indirect=True)
class TestALeakedKey:
    def test_is_pasted_and_stopped_in_two_taps(self, sized_page, staff, leaked):
        self._found_and_stopped(sized_page, leaked.headers["Authorization"].removeprefix("ApiKey "), leaked)

    def test_is_found_by_how_it_begins_and_stopped_in_two_taps(self, sized_page, staff, leaked):
        self._found_and_stopped(sized_page, ApiKey.objects.get().prefix, leaked)

    def _found_and_stopped(self, page: Page, known: str, leaked: Api) -> None:
        sign_in(page)
        does = Actions(page)
        search(page, does, known)
        searched = does.count
        stop(page, does)

        assert (searched, does.count - searched) == (2, 2)
        assert leaked.get("/accounts").json()["error"]["code"] == "key_paused"
        assert Transfer.objects.get(origin="user").cancel_reason == CancelReason.KEY_STOPPED
