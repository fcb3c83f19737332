"""A person makes a key, and a program uses it."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from apikeys.models import ApiKey, PermissionEntry
from tests.browser.steps import overhang, sign_in

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


def create_organization(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/apikeys/organization/add/")
    page.locator("#id_name").fill("Acme")
    page.locator("#id_legal_name").fill("Acme Trading LLC")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def fill_in_new_key(page: Page, address: str) -> None:
    """A key with two entries: one of them added by the page's script."""
    page.goto(f"{address}/admin/apikeys/apikey/add/")
    page.get_by_label("Organization").select_option(label="Acme")
    page.get_by_role("button", name="Continue").click()
    page.locator("#id_name").fill("Budget agent")
    page.locator("#id_entries-0-scope").select_option("CREATE_ACCOUNTS")
    page.get_by_role("button", name="Add another Permission entry").click()
    page.locator("#id_entries-1-scope").select_option("MANUAL_TRANSFER")
    page.locator("#id_entries-1-source").select_option("*")
    page.locator("#id_entries-1-target").select_option("*")
    page.locator("#id_entries-1-max_amount_cents").fill("1,250.50")


def create_income_source(address: str, token: str) -> dict:
    body = json.dumps({"nickname": "Freelance"}).encode()
    headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/json"}
    request = Request(f"{address}/api/v1/accounts/income-sources", body, headers)  # noqa: S310 - our own address
    with urlopen(request) as answer:  # noqa: S310
        return json.load(answer)["data"]


class TestANewKey:
    def test_is_seen_once_and_used(self, live_server, page, staff):
        sign_in(page, live_server.url)
        create_organization(page, live_server.url)
        fill_in_new_key(page, live_server.url)
        page.get_by_role("button", name="Save").click()
        token = page.locator("#new-key").inner_text()

        assert create_income_source(live_server.url, token)["beneficiary_name"] == "Acme Trading LLC"
        assert Account.objects.get().name == "Freelance"
        assert PermissionEntry.objects.get(scope="MANUAL_TRANSFER").max_amount_cents == 1_250_50
        page.reload()
        expect(page.get_by_text("Change API key", exact=True)).to_be_visible()
        assert token not in page.content()
        assert ApiKey.objects.count() == 1

    def test_is_closed_by_a_click_and_a_confirmation(self, live_server, page, staff):
        sign_in(page, live_server.url)
        create_organization(page, live_server.url)
        fill_in_new_key(page, live_server.url)
        page.get_by_role("button", name="Save").click()
        token = page.locator("#new-key").inner_text()
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="Revoke").click()
        page.get_by_role("button", name="Revoke").click()

        expect(page.get_by_role("heading", name="is revoked")).to_be_visible()
        with pytest.raises(HTTPError, match="401"):
            create_income_source(live_server.url, token)


class TestTheEntryForm:
    def test_shows_the_fields_that_the_scope_has(self, live_server, page, staff):
        sign_in(page, live_server.url)
        create_organization(page, live_server.url)
        fill_in_new_key(page, live_server.url)
        caps, accounts = page.locator("#id_entries-1-max_amount_cents"), page.locator("#id_entries-1-accounts")
        expect(caps).to_be_visible()
        expect(accounts).to_be_hidden()

        page.locator("#id_entries-1-scope").select_option("READ_ACCOUNTS")
        expect(caps).to_be_hidden()
        expect(accounts).to_be_visible()


class TestEveryPage:
    @pytest.mark.parametrize("width", [390, 1280])
    def test_fits_the_window(self, live_server, page, staff, width):
        page.set_viewport_size({"width": width, "height": 900})
        sign_in(page, live_server.url)
        create_organization(page, live_server.url)
        fill_in_new_key(page, live_server.url)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_text("Change API key", exact=True)).to_be_visible()
        key = page.url
        lists = ["", "apikeys/apikey/", "apikeys/organization/", "accounts/account/", "sequence/audittrail/"]

        for address in [*(f"{live_server.url}/admin/{path}" for path in lists), key, key.replace("change", "history")]:
            page.goto(address)
            assert overhang(page) <= 0, address
