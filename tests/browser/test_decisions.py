"""Four stories of a person who decides: what a program changes meanwhile, or chose the words for, changes nothing."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from accounts.models import Account
from apikeys.models import ApiKey
from rules.models import Rule, RuleStatus
from sequence.core.worker import run_once
from tests.browser.conftest import PASSWORD, new_context
from tests.browser.steps import overhang, sign_in
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, on_funds, step
from tests.rules.steps import write
from tests.transfers.steps import fund
from transfers.models import CancelReason, Status, Transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def income(acme) -> Account:
    account = IncomeSourceFactory(organization=acme, name="Main Payroll")
    fund(account, 9_000_00)
    return account


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def bank(acme) -> Account:
    return ExternalAccountFactory(organization=acme, name="Chase checking")


@pytest.fixture
def ann(page, live_server, staff) -> Page:
    """The window of a person who may do everything; addresses are followed from the console."""
    sign_in(page, live_server.url)
    return page


def definition(income: Account, payee: Account, cents: int) -> dict:
    return {
        "trigger": on_funds(income.id),
        "steps": [step(action("fixed_amount", income.id, payee.id, amount_in_cents=cents))],
    }


def ask(api: Api, source: Account, payee: Account, cents: int) -> Transfer:
    body = {"source_account_id": source.id, "destination_account_id": payee.id, "amount_in_cents": cents}
    answer = api.post("/transfers", body).json()
    return Transfer.objects.get(id=answer["data"]["id"])


def open_page(page: Page, obj: Rule | Transfer | ApiKey, address: str) -> None:
    page.goto(f"{address}/admin/{obj._meta.app_label}/{obj._meta.model_name}/{obj.pk}/change/".replace("_", "_5F"))


class TestARuleThatIsSwapped:
    def test_is_shown_anew_and_not_enabled(self, live_server, ann, api, income, rent, bank):
        rule = write(api, definition(income, rent, 50_00))
        open_page(ann, rule, live_server.url)
        ann.get_by_role("link", name="Enable").click()
        expect(ann.locator(".consequences")).to_contain_text("Move $50.00")

        api.put(f"/rules/{rule.id}", definition(income, bank, 1_950_00))
        ann.get_by_role("button", name="Enable").click()

        expect(ann.locator(".messagelist")).to_contain_text("changed")
        rule.refresh_from_db()
        assert rule.status == RuleStatus.DISABLED
        expect(ann.locator(".consequences")).to_contain_text("Move $1,950.00")
        expect(ann.locator(".facts")).to_contain_text("leaves the house")
        ann.get_by_role("button", name="Enable").click()  # What was read now is what is enabled.
        expect(ann.locator(".messagelist .success")).to_contain_text("is enabled")
        rule.refresh_from_db()
        assert (rule.status, rule.enabled_version) == (RuleStatus.ENABLED, 2)


class TestOnePairOfEyes:
    def test_may_not_approve_what_its_own_secret_asked_for(self, live_server, browser, ann, client_with, income, bank):
        client_with("MANUAL_TRANSFER:*>*;approval=0")
        open_page(ann, ApiKey.objects.get(), live_server.url)
        ann.get_by_role("link", name="Rotate").click()
        ann.get_by_role("button", name="Rotate").click()
        secret = ann.locator("#new-key").inner_text()
        transfer = ask(Api(secret), income, bank, 500_00)

        open_page(ann, transfer, live_server.url)
        ann.get_by_role("link", name="Approve").click()

        expect(ann.locator(".deciders").first).to_be_visible()
        expect(ann.get_by_role("link", name="You may not decide on this")).to_be_visible()
        expect(ann.get_by_role("button", name="Approve")).to_have_count(0)
        self._approve_as_ben(browser, live_server.url, transfer)

    def _approve_as_ben(self, browser, address: str, transfer: Transfer) -> None:
        User.objects.create_superuser("ben", password=PASSWORD)
        other = new_context(browser).new_page()
        sign_in(other, address, name="ben")
        open_page(other, transfer, address)
        other.get_by_role("link", name="Approve").click()
        other.get_by_role("button", name="Approve").click()
        expect(other.locator(".messagelist .success")).to_contain_text("is approved")
        other.context.close()
        transfer.refresh_from_db()
        assert transfer.decided_by == "staff:ben"


class TestARenamedPayee:
    def test_is_told_by_facts(self, live_server, ann, api, client_with, income, bank):
        api.patch(f"/accounts/{bank.id}", {"nickname": "Rainy days"})
        transfer = ask(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, bank, 6_000_00)

        ann.goto(f"{live_server.url}/admin/")
        ann.get_by_role("link", name=re.compile("leaves the house, renamed lately")).click()
        ann.get_by_role("link", name="Approve").click()

        facts = ann.locator(".facts")
        expect(facts).to_contain_text("To “Rainy days”: External depository at “First Bank”")
        expect(facts).to_contain_text("leaves the house. Renamed today by key")
        expect(facts).to_contain_text("before: “Chase checking”")
        expect(ann.locator(".consequences")).to_contain_text(
            "Available in the source now: $9,000.00. After: $3,000.00."
        )
        transfer.refresh_from_db()
        assert transfer.status == Status.PENDING_APPROVAL


class TestStop:
    @pytest.mark.parametrize("sized_page", [(390, "light")], indirect=True, ids=["phone"])
    def test_takes_two_taps_on_a_phone(self, live_server, sized_page, staff, client_with, income, bank):
        key_api = client_with("MANUAL_TRANSFER:*>*;approval=0")
        transfer, key = ask(key_api, income, bank, 500_00), ApiKey.objects.get()
        sign_in(sized_page)
        open_page(sized_page, key, live_server.url)

        sized_page.get_by_role("link", name="Stop", exact=True).click()
        expect(sized_page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
        assert overhang(sized_page) <= 0
        sized_page.get_by_role("button", name="Stop", exact=True).click()

        expect(sized_page.get_by_role("heading", name="is paused")).to_be_visible()
        expect(sized_page.locator(".consequences")).to_contain_text("1 transfer of $500.00 cancelled")
        assert overhang(sized_page) <= 0
        transfer.refresh_from_db()
        assert (transfer.status, transfer.cancel_reason) == (Status.CANCELLED, CancelReason.KEY_STOPPED)
        assert key_api.get("/accounts").json()["error"]["code"] == "key_paused"
        run_once()
