"""The staff's page with the money map."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import delete_account
from apikeys.models import Organization
from rules.models import Rule
from tests.cards.steps import buy, issue, refund
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, run_now, write, write_enabled
from tests.staff import Staff, page_of
from tests.transfers.steps import fund, settle, transfer_between

VIEW = ["accounts.view_account", "rules.view_rule", "transfers.view_transfer"]
MAP = "rules/rule/map/"


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def split(api, income, rent, savings) -> Rule:
    """A rule with two actions that has run once, on $500.00."""
    fund(income, 500_00)
    made = write_enabled(
        api,
        rule(
            step(move(income, rent, 200_00), move(income, savings, 50_00)), trigger=manual(income.id), nickname="Split"
        ),
    )
    run_now(api, made)
    return made


def svg_of(text: str) -> str:
    return re.search(r'<svg class="money-map[^"]*".*</svg>\s*</div>', text, re.DOTALL).group()


def links_of(text: str) -> dict[str, str]:
    """Return where the boxes and arrows of the picture lead, by what they tell."""
    found = re.findall(r'<a href="([^"]*)" class="(?:place|flow)[^"]*" aria-label="([^"]*)">', svg_of(text))
    return {unescape(sentence): unescape(address) for address, sentence in found}


class TestPermission:
    def test_is_that_for_accounts_rules_and_transfers(self, acme):
        assert Staff("ann", *VIEW).get(MAP).status_code == 200

    @pytest.mark.parametrize("missing", VIEW)
    def test_that_lacks_one_of_them_is_not_enough(self, acme, missing):
        staff = Staff("eve", *(permission for permission in VIEW if permission != missing))

        assert staff.get(MAP).status_code == 403

    def test_decides_who_sees_the_button(self, root, split):
        for path in ("rules/rule/", "accounts/account/"):
            assert MAP in root.get(path).content.decode()
        eve = Staff("eve", "rules.view_rule", "accounts.view_account")
        for path in ("rules/rule/", "accounts/account/"):
            assert MAP not in eve.get(path).content.decode()
        assert MAP in root.client.get(page_of(split)).content.decode()
        assert MAP not in eve.client.get(page_of(split)).content.decode()

    def test_without_the_ledger_no_link_leads_there(self, acme, split, rent):
        buy(issue(rent), 5_00)

        links = links_of(Staff("ann", *VIEW).get(MAP).content.decode())

        assert not [address for address in links.values() if "posting" in address]
        assert links["Rent to Card network, Card purchases: $5.00 in 1 time."] == page_of(rent)


class TestPicture:
    def test_tells_every_box_and_arrow_in_words_and_leads_to_it(self, root, split, income, rent, savings):
        links = links_of(root.get(MAP).content.decode())

        assert links["Payroll to Rent, Split (enabled): $200.00 in 1 time."] == page_of(split)
        assert links["Payroll to Savings, Split (enabled): $50.00 in 1 time."] == page_of(split)
        told = "Payroll, Income source: $500.00 came in, $250.00 went out. Balance now $250.00."
        assert links[told] == page_of(income)
        assert "Deposits from outside: $0.00 came in, $500.00 went out." in links

    def test_comes_in_the_order_of_reading(self, root, split):
        sentences = list(links_of(root.get(MAP).content.decode()))

        starts = [re.split(r"[:,]", sentence)[0] for sentence in sentences]
        assert starts == [
            "Deposits from outside",
            "Deposits to Payroll",
            "Payroll",
            "Payroll to Rent",
            "Payroll to Savings",
            "Rent",
            "Savings",
        ]

    def test_is_solid_for_enabled_rules_and_dotted_for_others(self, root, api, split, rent, savings):
        write(api, rule(step(move(rent, savings, 1_00)), trigger=manual(rent.id), nickname="Later"))

        svg = svg_of(root.get(MAP).content.decode())

        assert 'class="flow enabled" aria-label="Payroll to Rent' in svg
        assert 'class="flow disabled" aria-label="Rent to Savings, Later (disabled): nothing in this period."' in svg
        assert 'class="flow no-rule" aria-label="Deposits to Payroll' in svg

    def test_carries_no_markup_of_a_name_and_nothing_inline(self, root, api, acme, income):
        evil = PodFactory(organization=acme, name='<script>alert("1")</script>')
        write(api, rule(step(move(income, evil, 1_00)), trigger=manual(income.id), nickname="<img src=x>"))
        fund(evil, 1_00)

        response = root.get(MAP)
        text = response.content.decode()

        assert "<script>alert" not in text
        assert "<img" not in svg_of(text)
        assert "&lt;script&gt;" in text
        assert not re.search(r"\sstyle=|\son\w+=|javascript:", text)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy

    def test_shows_a_deleted_account_as_such(self, root, api, acme, rent, savings):
        fund(rent, 5_00)
        transfer_between(api, rent, savings, 5_00)
        settle()
        delete_account(organization_id=acme.id, account_id=rent.id)

        text = root.get(MAP).content.decode()

        assert 'class="place pod deleted"' in text
        assert "Rent (deleted)" in text


class TestTable:
    def test_says_the_same_as_the_picture(self, root, split, rent):
        text = root.get(MAP).content.decode()

        rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)]
        rows = [" ".join(row.split()) for row in rows]
        assert "Payroll Rent Split Enabled 1 from Payroll to Rent $200.00" in rows
        assert "Deposits from outside Payroll Deposits 1 from Deposits from outside to Payroll $500.00" in rows
        assert "Rent Pod $200.00 $0.00 $200.00 $200.00" in rows
        assert "<dt>Came in from outside</dt><dd>$500.00</dd>" in text

    def test_leads_to_just_the_transfers_behind_each_number(self, root, api, split, income, rent, savings):
        transfer_between(api, rent, savings, 5_00)
        transfer_between(api, income, rent, 6_00)
        settle()
        card = issue(rent)
        refund(buy(card, 5_00), 2_00)
        text = root.get(MAP).content.decode()

        lists = re.findall(r'<a href="([^"]*)">(\d+)<span class="visually-hidden"> from ([^<]*)</span>', text)
        assert len(lists) == 7
        for address, number, ends in lists:
            found = root.client.get(unescape(address))
            assert found.status_code == 200, address
            assert found.context["cl"].result_count == int(number), (ends, address)


class TestChoice:
    def test_of_the_only_organization_is_made_at_once(self, root, split):
        assert root.get(MAP).context["title"] == "Money map: Acme"

    def test_of_one_among_several_is_asked_for(self, root, split, globex):
        theirs = IncomeSourceFactory(organization=globex, name="Secret payroll")
        fund(theirs, 1_00)

        asked, acme = root.get(MAP), root.get(MAP, organization=split.organization_id)

        assert "Choose an organization" in asked.content.decode()
        assert "errorlist" not in asked.content.decode()
        assert "Secret payroll" not in acme.content.decode()
        assert "Split" not in root.get(MAP, organization=globex.id).content.decode()

    @pytest.mark.parametrize("wanted", ["org_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "<script>"])
    def test_of_one_that_is_not_there_shows_none(self, root, split, wanted):
        text = root.get(MAP, organization=wanted).content.decode()

        assert "money-map" not in text
        assert "<script>" not in text

    def test_lists_a_bounded_number_and_always_the_chosen_one(self, root, monkeypatch, db):
        monkeypatch.setattr("sequence.insight.map_page.LISTED_ORGANIZATIONS", 2)
        for name in "abc":
            OrganizationFactory(name=name)
        last = Organization.objects.get(name="c")

        choices = root.get(MAP, organization=last.id).context["form"].fields["organization"].choices

        assert [name for _, name in choices] == ["Choose one", "a", "b", "c"]

    def test_of_a_period_decides_what_is_counted(self, root, split):
        today = f"{timezone.now():%Y-%m-%d}"

        assert "$200.00 in 1 time" in root.get(MAP, since=today).content.decode()
        before = root.get(MAP, since="2020-01-01", until="2020-12-31").content.decode()
        assert "No money moved from 2020-01-01 to 2020-12-31" in before
        assert "Split (enabled): nothing in this period." in before
        faulty = root.get(MAP, since="2020-01-01", until="2019-01-01").content.decode()
        assert "This is after the last day." in faulty


class TestEmpty:
    def test_without_organizations_it_says_how_to_begin(self, root):
        assert "There is no organization yet." in root.get(MAP).content.decode()

    def test_without_accounts_it_says_how_to_begin(self, root, acme):
        assert "It has no accounts yet." in root.get(MAP).content.decode()

    def test_without_flows_it_lists_the_accounts(self, root, income, rent):
        text = root.get(MAP).content.decode()

        assert "No money moved" in text
        assert "Accounts that nothing leads to or from" in text
        assert page_of(income) in text
        assert page_of(rent) in text


class TestQueries:
    def test_are_as_many_for_much_as_for_little(self, root, api, acme, split, income, rent):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get(MAP)
            return len(captured)

        few = queries()
        for _ in range(4):
            pod = PodFactory(organization=acme)
            run_now(api, write_enabled(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id))))
            buy(issue(rent), 1_00)

        assert queries() == few
        assert few <= 12
