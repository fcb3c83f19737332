"""A rule that waits for review is tried on what really happened, read, and enabled."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from rules.models import Rule, RuleStatus
from sequence.core.worker import run_once
from tests.browser.steps import SIZES, Actions, overhang, sign_in
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import on_funds, rule, step
from tests.rules.steps import move, write
from tests.transfers.steps import fund, transfer_between
from transfers.models import Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def income(acme) -> Account:
    return IncomeSourceFactory(organization=acme, name="Main Payroll")


@pytest.fixture
def written(acme, api, income) -> Rule:
    """A rule that would have paid 60 dollars of the last 100, of which 70 went elsewhere."""
    rent, holidays = (PodFactory(organization=acme, name=name) for name in ("Rent and all that", "Holidays"))
    body = rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id), nickname="Put the rent aside")
    written = write(api, body)
    fund(income, 100_00)
    transfer_between(api, income, holidays, 70_00)
    run_once()
    return written


def replay(page: Page, does: Actions) -> None:
    """Ask for a replay of the last 90 days on the rule's page, and see it done."""
    does.click("link", "Replay on history")
    expect(page.get_by_label("From the beginning of the day")).not_to_have_value("")
    assert overhang(page) <= 0
    does.click("button", "Replay on history")
    expect(page.get_by_role("status")).to_contain_text("in progress")
    assert overhang(page) <= 0
    run_once()
    # The page looks again by itself.
    expect(page.get_by_role("status")).to_contain_text("Nothing has moved.")


def read(page: Page) -> None:
    """See both courses of both accounts, and in sentences what would have been otherwise."""
    expect(page.get_by_role("img", name=re.compile("Both courses"))).to_have_count(2)
    expect(page.locator(".balance-plot .other").first).to_be_visible()
    expect(page.get_by_role("link", name="the deposit would have paid $60.00 to Rent and all that")).to_be_visible()
    expect(page.get_by_role("link", name="a payment would have been $30.00 short.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"^Main Payroll .*\$40\.00"))).to_be_visible()
    assert overhang(page) <= 0
    for table in page.locator(".scrolls").all():
        assert table.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


@pytest.mark.parametrize("sized_page", SIZES, indirect=True)
class TestARule:
    def test_is_replayed_and_enabled_where_one_has_read_what_came_of_it(self, sized_page, staff, written):
        sign_in(sized_page)
        does = Actions(sized_page)

        does.click("link", "Put the rent aside")
        replay(sized_page, does)
        read(sized_page)
        does.click("link", "Enable")
        expect(sized_page.locator(".consequences")).to_contain_text("Move $60.00 from “Main Payroll”")
        assert overhang(sized_page) <= 0
        does.click("button", "Enable")

        expect(sized_page.locator(".messagelist .success")).to_have_text("Put the rent aside is enabled.")
        written.refresh_from_db()
        assert (written.status, written.enabled_by, does.count) == (RuleStatus.ENABLED, "staff:ann", 5)
        assert not Transfer.objects.filter(rule_id__isnull=False).exists()

    def test_is_tried_as_a_draft_that_was_typed_in(self, sized_page, staff, written):
        sign_in(sized_page)
        does = Actions(sized_page)
        draft = sized_page.get_by_label("A draft instead of the rule")

        does.click("link", "Put the rent aside")
        does.click("link", "Replay on history")
        sized_page.get_by_text("The rule’s own, to begin with").click()
        own = json.loads(sized_page.locator("details pre.json").inner_text())
        draft.fill(json.dumps(own).replace("6000", '"6000'))
        does.click("button", "Replay on history")
        expect(sized_page.locator(".errorlist")).to_contain_text("The draft is not JSON")
        assert overhang(sized_page) <= 0
        draft.fill(json.dumps(own, indent=2).replace("6000", "2500"))
        does.click("button", "Replay on history")
        run_once()

        expect(sized_page.get_by_role("status")).to_contain_text("Nothing has moved.")
        expect(sized_page.get_by_text("Move $25.00 from “Main Payroll”")).to_be_visible()
        expect(sized_page.get_by_role("link", name="the deposit would have paid $25.00")).to_be_visible()
        assert overhang(sized_page) <= 0
