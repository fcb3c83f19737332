"""The console, the first page of the site: each part shows what it promises, to whoever may see it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.descriptions import describe_accounts
from cards.models import CardType
from cards.services import charge_card, issue_card
from rules.models import RuleExecution
from rules.services import disable_rule
from sequence.core.models import WorkerProcess
from sequence.core.worker import run_once
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.past_guards import past_guard
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import enable, move, trigger, write, write_enabled
from tests.staff import Staff, page_of, sign_in
from tests.transfers.steps import fund, settle, transfer_between
from transfers.failures import take_failure
from transfers.ledger_audit import check_ledger
from transfers.models import LedgerCheck, RailTrouble, Transfer
from transfers.simulated_rail_control import return_payment

# Whatever is in the database, the page asks this often at most.
QUERY_BUDGET = 62


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 100_00)
    run_once()
    return account


@pytest.fixture
def rent(acme):
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Checking", balance_cents=500_00)


@pytest.fixture
def ann(db):
    return Staff("ann", is_superuser=True)


def in_a_minute():
    return timezone.now() + timedelta(minutes=1)


def console(staff, **query):
    """Return what the page's template was given."""
    response = staff.get("", **query)
    assert response.status_code == 200
    return response.context


def waiting(staff, **query):
    """Return the kinds that wait, each with the texts of what is shown of it."""
    return {kind.title: [item.text for item in kind.items] for kind in console(staff, **query)["waiting"]}


def details(staff, title):
    [kind] = [kind for kind in console(staff)["waiting"] if kind.title == title]
    return [item.detail for item in kind.items]


def signs(staff):
    return {sign.name: (sign.tone, sign.words) for sign in console(staff)["signs"]}


class TestWaitsForAPerson:
    def test_says_so_when_nothing_does(self, ann):
        assert waiting(ann) == {}
        assert "Nothing. All is decided" in ann.get("").content.decode()

    def test_shows_transfers_to_approve_with_who_asked_and_how_long_is_left(self, ann, client_with, income, rent):
        transfer = transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 30_00)
        with past_guard("transfers.Transfer:stays_what_was_asked"):
            Transfer.objects.filter(id=transfer.id).update(created_at=timezone.now() - timedelta(days=5, minutes=1))

        ends = describe_accounts([income.id, rent.id])
        text = f"$30.00 {ends[income.id].short} → {ends[rent.id].short}"
        assert waiting(ann) == {"Transfers to approve or reject": [text]}
        [detail] = details(ann, "Transfers to approve or reject")
        assert "A test's key" in detail
        assert "1\xa0day, 23\xa0hours" in detail
        assert page_of(transfer) in ann.get("").content.decode()

    def test_counts_more_than_it_shows(self, ann, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;approval=0")
        for _ in range(7):
            transfer_between(api, income, rent, 1_00)

        [kind] = console(ann)["waiting"]
        assert (kind.count, len(kind.items), kind.others) == (7, 5, 2)

    def test_shows_transfers_that_failed_until_somebody_takes_them(self, ann, api, income, rent):
        old, new = (transfer_between(api, income, rent, 500_00) for _ in range(2))
        settle()
        Transfer.objects.filter(id=old.id).update(updated_at=timezone.now() - timedelta(days=400))
        title = "Failed transfers that nobody has taken"

        assert waiting(ann) == {title: ["$500.00 Payroll → Rent"] * 2}
        assert details(ann, title) == ["Failed: there was not enough money in the source."] * 2
        assert page_of(new) in ann.get("").content.decode()

        take_failure(transfer_id=old.id, by="staff:bob", note="Paid by check")
        assert [item.address for kind in console(ann)["waiting"] for item in kind.items] == [page_of(new)]
        take_failure(transfer_id=new.id, by="staff:bob", note="Paid by check")
        assert waiting(ann) == {}

    def test_shows_transfers_that_no_worker_takes_or_that_one_broke_on(self, ann, api, income, rent):
        fresh, left, broken = (transfer_between(api, income, rent, cents) for cents in (1_00, 2_00, 3_00))
        Transfer.objects.filter(id=left.id).update(updated_at=timezone.now() - timedelta(minutes=2))
        Transfer.objects.filter(id=broken.id).update(stalled_at=timezone.now())

        assert waiting(ann) == {"Transfers that stand still": ["$2.00 Payroll → Rent", "$3.00 Payroll → Rent"]}
        assert details(ann, "Transfers that stand still") == [
            "no worker has taken it",
            "a worker broke on it and tries again",
        ]
        assert page_of(fresh) not in ann.get("").content.decode()

    def test_shows_money_in_suspense(self, ann, api, income, bank):
        transfer = transfer_between(api, income, bank, 100_00)
        settle()
        settle(in_a_minute())
        assert api.delete(f"/accounts/{income.id}").status_code == 204
        return_payment(transfer.id, "payment_failed")

        assert waiting(ann)["Money in suspense"] == ["$100.00"]

    def test_shows_rules_that_are_new_or_changed_since_they_were_enabled(self, ann, api, income, rent):
        new = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="New"))
        changed = write_enabled(
            api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Changed")
        )
        api.put(
            f"/rules/{changed.id}", rule(step(move(income, rent, 2_00)), trigger=manual(income.id), nickname="Changed")
        )
        off = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Off"))
        disable_rule(rule_id=off.id)

        assert waiting(ann) == {"Rules to review and enable": ["New", "Changed"]}
        assert [detail.split(",")[0] for detail in details(ann, "Rules to review and enable")] == [
            "new",
            "changed since it was last enabled",
        ]
        enable(new)
        assert waiting(ann) == {"Rules to review and enable": ["Changed"]}

    def test_shows_runs_that_failed_and_runs_that_stand_still(self, ann, api, income, rent):
        made = write_enabled(
            api, rule(step(move(income, rent, 500_00)), trigger=manual(income.id), nickname="Too much")
        )
        trigger(api, made)
        run_once()
        trigger(api, made)
        with past_guard("rules.RuleExecution:stays_what_was_started"):
            RuleExecution.objects.filter(status="in_progress").update(created_at=timezone.now() - timedelta(minutes=2))

        found = waiting(ann)
        assert found["Runs of rules that failed in the last day"] == ["Too much"]
        assert found["Runs of rules that stand still"] == ["Too much"]
        assert "not enough money" in details(ann, "Runs of rules that failed in the last day")[0]

    def test_is_of_the_chosen_organization_alone(self, ann, client_with, income, rent, globex):
        transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 30_00)
        write(client_with("CREATE_AND_EDIT_RULES"), rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))

        assert waiting(ann, organization=globex.id) == {}
        assert waiting(ann, organization="org_nonsense") == {}
        assert waiting(ann, organization=income.organization_id) == waiting(ann) != {}


class TestToday:
    def test_adds_up_what_moved_since_midnight(self, ann, api, acme, income, rent, bank, set_clock):
        transfer_between(api, income, rent, 60_00)
        transfer_between(api, income, bank, 10_00)
        settle()
        settle(in_a_minute())
        card = issue_card(account_id=rent.id, type=CardType.VIRTUAL, holder_name="Ann")
        charge_card(card_id=card.id, amount_cents=5_00, merchant_name="Grocer")

        figures = {figure.label: figure.cents for figure in console(ann)["figures"]}
        assert figures == {"In": 100_00, "Out": 10_00, "Between own accounts": 60_00, "Spent by card": 5_00}
        set_clock((timezone.now() + timedelta(days=1)).replace(hour=0, minute=0, second=1))
        tomorrow = Staff("bob", is_superuser=True)  # Ann's session has ended meanwhile.
        assert {figure.cents for figure in console(tomorrow)["figures"]} == {0}


class TestHealth:
    def test_warns_when_nobody_works(self, ann):
        tone, words = signs(ann)["Workers"]

        assert tone == "bad"
        assert "Start run_worker" in words

    def test_tells_who_works_and_what_broke(self, ann):
        now = timezone.now()
        row = WorkerProcess.objects.create(host="a", pid=1, started_at=now - timedelta(hours=3), seen_at=now)
        assert signs(ann)["Workers"] == ("good", "1 worker is at work; the first began 3\xa0hours ago.")

        WorkerProcess.objects.filter(id=row.id).update(broken_sweep="accept", broke_at=now)
        tone, words = signs(ann)["Workers"]
        assert tone == "warn"
        assert "accept broke in the last hour" in words
        WorkerProcess.objects.filter(id=row.id).update(broke_at=now - timedelta(hours=2))
        assert signs(ann)["Workers"][0] == "good"

    def test_tells_how_the_ledger_was_when_it_was_last_checked(self, ann, income):
        assert signs(ann)["Ledger"][0] == "warn"
        check = check_ledger(by="test")
        assert signs(ann)["Ledger"][0] == "good"

        LedgerCheck.objects.filter(id=check.id).update(started_at=timezone.now() - timedelta(days=2))
        assert signs(ann)["Ledger"][0] == "warn"
        fault = {"check": "nothing_is_negative", "subject": "acc_1", "message": "less than nothing is left"}
        LedgerCheck.objects.filter(id=check.id).update(faults=[fault])
        assert signs(ann)["Ledger"][0] == "bad"
        assert "less than nothing is left" in ann.get(f"transfers/ledgercheck/{check.id}/change/").content.decode()

    def test_names_a_rail_that_breaks_as_long_as_it_does(self, ann):
        assert "Rails" not in signs(ann)
        RailTrouble.objects.create(rail="wire", broke_at=timezone.now())

        tone, words = signs(ann)["Rails"]
        assert tone == "bad"
        assert words.startswith("Asking wire what became of payments breaks")
        RailTrouble.objects.update(broke_at=timezone.now() - timedelta(minutes=2))
        assert "Rails" not in signs(ann)


class TestBalances:
    def test_shows_each_open_account_by_organization(self, ann, income, rent, globex):
        PodFactory(organization=globex, name="Theirs")
        [section] = console(ann)["sections"]

        assert [account.name for account in section.facts["accounts"]] == ["Payroll", "Rent", "Theirs"]
        assert section.facts["total_cents"] == 100_00
        [section] = console(ann, organization=globex.id)["sections"]
        assert [account.name for account in section.facts["accounts"]] == ["Theirs"]
        assert section.facts["total_cents"] == 0

    def test_is_cut_where_there_are_too_many(self, ann, acme, monkeypatch):
        monkeypatch.setattr("accounts.admin.console.BALANCES_SHOWN", 2)
        PodFactory.create_batch(3, organization=acme)

        [section] = console(ann)["sections"]
        assert (len(section.facts["accounts"]), section.facts["is_cut"]) == (2, True)


class TestPermissions:
    def test_show_each_part_to_whoever_may_see_it_alone(self, income, rent, client_with):
        transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 30_00)
        nobody, accountant = Staff("nobody"), Staff("accountant", "accounts.view_account")
        approver = Staff("approver", "transfers.view_transfer")

        for staff, sees in [(nobody, []), (accountant, ["sections"]), (approver, ["waiting", "figures"])]:
            context = console(staff)
            parts = ["waiting", "figures", "signs", "sections", "organizations"]
            assert [part for part in parts if context[part]] == sees
        assert "Waits for a person" not in nobody.get("").content.decode()


class TestCost:
    def test_does_not_grow_with_what_there_is(self, ann, api, client_with, income, rent):
        approving = client_with("MANUAL_TRANSFER:*>*;approval=0")

        def fill():
            for _ in range(3):
                transfer_between(approving, income, rent, 1_00)
                transfer_between(api, income, rent, 500_00)
                write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
            settle()

        fill()
        few = self._queries(ann)
        fill()
        assert self._queries(ann) == few <= QUERY_BUDGET

    def _queries(self, staff):
        with CaptureQueriesContext(connection) as queries:
            staff.get("")
        return len(queries)


class TestLatestChanges:
    def test_follow_the_chosen_organization(self, acme, globex):
        PodFactory(organization=acme, name="Of Acme")
        PodFactory(organization=globex, name="Of Globex")
        root = sign_in(is_superuser=True)

        of_acme = root.get("/admin/", {"organization": acme.id}).context["latest_changes"]
        of_all = root.get("/admin/").context["latest_changes"]

        assert "Of Acme" in {change.object_name for change in of_acme}
        assert "Of Globex" not in {change.object_name for change in of_acme}
        assert {"Of Acme", "Of Globex"} <= {change.object_name for change in of_all}
