"""Accounts told by facts: whoever may rename one must not choose the words by which it is judged."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.descriptions import describe_accounts, quoted
from accounts.models import Account
from accounts.services import edit_account
from apikeys.models import ApiKey
from cards.models import Card, CardType
from cards.services import issue_card
from rules.models import Rule
from sequence.core.admin.base import StaffAdmin
from sequence.core.admin.display import shorten
from sequence.core.audit import run_audited
from tests.factories import ExternalAccountFactory, PodFactory, set_balance
from tests.rules.definitions import action, manual, step
from tests.rules.steps import write
from tests.staff import Staff, page_of
from tests.transfers.test_suspense import too_late
from transfers.models import SuspenseItem, Transfer
from transfers.suspense import propose_suspense


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Main Payroll")


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Chase checking")


def line_of(account):
    return describe_accounts([account.id])[account.id].line


def rename(account, name, actor="staff:ann"):
    def work():
        return edit_account(organization_id=account.organization_id, account_id=account.id, name=name)

    return run_audited(work, actor=actor)


class TestDescription:
    def test_tells_kind_institution_number_and_whether_money_leaves(self, pod, bank):
        assert line_of(pod) == f"“Main Payroll”: Pod, {shorten(pod.id)}, stays in the house."
        assert line_of(bank) == (
            f"“Chase checking”: External depository at “First Bank”, {shorten(bank.id)}, leaves the house."
        )

    def test_tells_the_last_four_where_there_are_some(self, pod):
        Account.objects.filter(id=pod.id).update(bank_account_number_last_four="7731")

        assert "Pod, ••••7731, stays" in line_of(pod)

    def test_tells_who_renamed_it_lately_and_what_it_was(self, api, bank):
        api.patch(f"/accounts/{bank.id}", {"nickname": "Rainy days"})

        key = ApiKey.objects.get()
        assert line_of(bank).endswith(f"Renamed today by key “{key.name}” ({key.prefix}…); before: “Chase checking”.")

    def test_tells_a_member_of_staff_by_name(self, bank):
        rename(bank, "Rainy days")

        assert "Renamed today by ann; before: “Chase checking”." in line_of(bank)

    def test_tells_the_name_from_before_all_renamings(self, bank):
        """A name in between would hide the true one."""
        rename(bank, "Something else")
        rename(bank, "Rainy days", actor="key:gone")

        assert "Renamed today by key:gone; before: “Chase checking”." in line_of(bank)

    def test_tells_nothing_of_a_name_that_came_back(self, bank):
        rename(bank, "Rainy days")
        rename(bank, "Chase checking")

        assert "Renamed" not in line_of(bank)

    @pytest.mark.parametrize(("days", "words"), [(1, "Renamed yesterday"), (29, "Renamed 29 days ago"), (31, "")])
    def test_tells_it_for_a_month(self, bank, set_clock, days, words):
        rename(bank, "Rainy days")
        set_clock(timezone.now() + timedelta(days=days))

        assert words in line_of(bank)
        assert ("Renamed" in line_of(bank)) is bool(words)

    def test_says_nothing_of_other_edits(self, bank):
        run_audited(
            lambda: edit_account(organization_id=bank.organization_id, account_id=bank.id, icon="bank"), actor="staff:a"
        )

        assert "Renamed" not in line_of(bank)

    def test_cannot_be_closed_by_the_name(self):
        assert quoted("Rent”: Pod, stays in the house. “") == "“Rent': Pod, stays in the house. '”"

    def test_costs_the_same_for_many(self, acme, bank):
        def statements(accounts):
            with CaptureQueriesContext(connection) as captured:
                describe_accounts([account.id for account in accounts])
            return len(captured)

        many = [ExternalAccountFactory(organization=acme) for _ in range(5)]
        for account in many:
            rename(account, "Renamed")

        assert statements([bank]) == statements(many) == 2


PAGES = [
    (model, page)
    for model, its in admin.site._registry.items()
    if isinstance(its, StaffAdmin)
    for page in its.all_object_pages()
    if model is Account or any(field.related_model is Account for field in model._meta.fields)
]


@pytest.fixture
def named(client_with, api, acme, pod, bank):
    """One object of each model whose pages act, with the accounts that it names."""
    set_balance(pod, 100_000)
    asking = client_with("MANUAL_TRANSFER:*>*;approval=0")
    body = {"source_account_id": pod.id, "destination_account_id": bank.id, "amount_in_cents": 5_000}
    transfer = Transfer.objects.get(id=asking.post("/transfers", body).json()["data"]["id"])
    body = {"trigger": manual(pod.id), "steps": [step(action("fixed_amount", pod.id, bank.id, amount_in_cents=100))]}
    rule = write(api, body)
    item = too_late(PodFactory(organization=acme), 30_00)
    propose_suspense(item_id=item.id, account_id=pod.id, by="staff:ann", note="Theirs")
    return {
        Account: (bank, [bank]),
        Transfer: (transfer, [pod, bank]),
        Card: (issue_card(account_id=pod.id, type=CardType.VIRTUAL, holder_name="Ann"), [pod]),
        Rule: (rule, [pod, bank]),
        SuspenseItem: (item, [pod]),
    }


class TestEveryPageThatActs:
    @pytest.mark.parametrize(("model", "page"), PAGES, ids=lambda value: getattr(value, "name", None))
    def test_tells_the_accounts_by_facts(self, named, monkeypatch, model, page):
        monkeypatch.setattr(type(page), "offered", lambda *_: True)
        obj, accounts = named[model]
        for account in accounts:
            rename(account, f"Rainy {account.id[-4:]}", actor="staff:mallory")

        text = Staff("root", is_superuser=True).get(page_of(obj, page.name).removeprefix("/admin/")).content.decode()

        assert all(line_of(account) in text for account in accounts)
        assert text.count("Renamed today by mallory") == len(accounts)


class TestChoices:
    def test_of_a_key_are_told_by_facts(self, acme, bank, api):
        rename(bank, "Rainy days")
        key = ApiKey.objects.get()

        text = Staff("root", is_superuser=True).get(f"apikeys/apikey/{key.id}/change/").content.decode()

        assert line_of(bank) in text

    def test_of_a_card_are_told_by_facts(self, acme, pod):
        rename(pod, "Rainy days")

        text = Staff("root", is_superuser=True).get("cards/card/add/", organization=acme.id).content.decode()

        assert line_of(pod) in text
