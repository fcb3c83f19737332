"""A person follows the money: with the keyboard, on a wide screen in the light and on a narrow one in the dark."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from rules.models import Rule
from rules.services import create_rule, enable_rule
from tests.browser.steps import overhang, sign_in
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import kept, manual, on_funds, rule, step
from tests.rules.steps import move
from tests.transfers.steps import fund, settle

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(sized_page: Page) -> Page:
    return sized_page


@pytest.fixture
def accounts(transactional_db) -> list[Account]:
    """An income source, a pod and an account outside; two rules in a row, which have moved $400.00 and $150.00."""
    acme = OrganizationFactory(name="Acme")
    income = IncomeSourceFactory(organization=acme, name="Payroll")
    rent = PodFactory(organization=acme, name="Rent, and all that belongs to it")
    bank = ExternalAccountFactory(organization=acme, name="Landlord")
    for name, source, target, cents in (("Fill the rent", income, rent, 400_00), ("Pay it", rent, bank, 150_00)):
        made = _written(acme.id, rule(step(move(source, target, cents)), trigger=on_funds(source.id)), name)
        enable_rule(rule_id=made.id, version=made.version, by="staff:ada")
    _written(acme.id, rule(step(move(rent, rent_twin(acme), 1_00)), trigger=manual(rent.id)), "Not yet")
    fund(income, 1000_00)
    settle()
    return [income, rent, bank]


def rent_twin(organization) -> Account:
    return PodFactory(organization=organization, name="Twin")


def _written(organization_id: str, body: dict, nickname: str) -> Rule:
    definition = kept(body)
    return create_rule(organization_id=organization_id, nickname=nickname, by="staff:ada", **definition)


class TestMoneyMap:
    def test_is_walked_with_the_tab_key_and_an_arrow_leads_to_its_rule(self, live_server, page, staff, accounts):
        sign_in(page, live_server.url)
        page.goto(f"{live_server.url}/admin/rules/rule/")
        page.get_by_role("link", name="Money map").click()
        expect(page.locator("svg.money-map")).to_be_visible()
        assert overhang(page) <= 0

        page.get_by_role("link", name="Skip the picture").focus()
        arrow = page.get_by_role("link", name="Payroll to Rent, and all that belongs to it, Fill the rent (enabled)")
        for _ in range(10):
            page.keyboard.press("Tab")
            if arrow.evaluate("arrow => arrow === document.activeElement"):
                break
        expect(arrow).to_be_focused()
        hit = arrow.locator(".hit")
        assert hit.evaluate("line => getComputedStyle(line).stroke") != "rgba(0, 0, 0, 0)"
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="Fill the rent")).to_be_visible()

    def test_shows_nothing_that_overlaps_or_is_cut_off(self, live_server, page, staff, accounts):
        sign_in(page, live_server.url)
        page.goto(f"{live_server.url}/admin/rules/rule/map/")

        boxes = page.locator(".place rect").evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        texts = page.locator(".labels text").evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        assert len(boxes) == 5
        assert len(texts) >= 5
        for text in texts:
            for box in boxes:
                apart = (
                    text["right"] <= box["left"] + 1
                    or text["left"] >= box["right"] - 1
                    or text["bottom"] <= box["top"] + 1
                    or text["top"] >= box["bottom"] - 1
                )
                assert apart, (text, box)

    def test_says_how_much_flowed_and_is_there_without_moving_sideways(self, live_server, page, staff, accounts):
        sign_in(page, live_server.url)
        page.goto(f"{live_server.url}/admin/rules/rule/map/")
        expect(page.locator(".flows tr", has_text="Fill the rent").locator(".amount")).to_have_text("$400.00")
        expect(page.locator(".gains tr", has_text="Payroll").locator(".amount").last).to_have_text("$600.00")

        edges = page.locator(".carded td").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
        assert 0 < max(edges) <= page.viewport_size["width"]

    def test_has_arrows_that_a_mouse_can_hit(self, live_server, page, staff, accounts):
        sign_in(page, live_server.url)
        page.goto(f"{live_server.url}/admin/rules/rule/map/")

        page.get_by_role("link", name="Not yet (disabled)").locator(".hit").click()

        expect(page.get_by_role("heading", name="Not yet")).to_be_visible()


class TestBalanceOverTime:
    def test_is_one_click_from_the_account(self, live_server, page, staff, accounts):
        sign_in(page, live_server.url)
        for account, title in zip(
            accounts, ["Balance over time", "Balance over time", "Money in and out"], strict=True
        ):
            page.goto(f"{live_server.url}/admin/accounts/account/{account.id}/change/")
            page.get_by_role("link", name=title).click()

            expect(page.get_by_role("img", name=title)).to_be_visible()
            assert overhang(page) <= 0
            page.get_by_label("Period").select_option("365")
            page.get_by_role("button", name="Show").click()
            expect(page).to_have_url(re.compile("=365"))
            expect(page.get_by_role("img", name=title)).to_be_visible()
