"""The staff's page with an account's balance over time."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from tests.staff import Staff, page_of
from tests.transfers.steps import fund, settle, transfer_between

VIEW = ["accounts.view_account", "transfers.view_posting"]


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def income(income) -> Account:
    """$100.00 are there already."""
    fund(income, 100_00)
    income.refresh_from_db()
    return income


def path_of(account) -> str:
    return f"transfers/posting/history/{account.id}/"


class TestPermission:
    def test_is_that_for_accounts_and_the_ledger(self, income):
        assert Staff("ann", *VIEW).get(path_of(income)).status_code == 200
        for name, permission in (("eve", VIEW[0]), ("bob", VIEW[1])):
            assert Staff(name, permission).get(path_of(income)).status_code == 403

    def test_is_that_for_transfers_where_there_is_no_ledger(self, bank):
        assert Staff("ann", VIEW[0], "transfers.view_transfer").get(path_of(bank)).status_code == 200
        assert Staff("eve", *VIEW).get(path_of(bank)).status_code == 403

    def test_decides_who_sees_the_button(self, income, bank):
        ann = Staff("ann", *VIEW)
        eve = Staff("eve", VIEW[0])

        assert path_of(income) in ann.client.get(page_of(income)).content.decode()
        assert path_of(income) not in eve.client.get(page_of(income)).content.decode()
        assert path_of(bank) not in ann.client.get(page_of(bank)).content.decode()

    @pytest.mark.parametrize("id", ["acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"])
    def test_does_not_help_where_there_is_no_account(self, root, id):
        assert root.get(f"transfers/posting/history/{id}/").status_code == 404
        assert Staff("eve").get(f"transfers/posting/history/{id}/").status_code == 403


class TestPage:
    def test_tells_the_balance_and_leads_to_the_postings(self, root, api, income, rent):
        transfer_between(api, income, rent, 30_00)
        settle()

        text = root.get(path_of(income)).content.decode()

        assert "From $0.00 to $70.00; at the end of a day never above $70.00 nor below $0.00." in text
        rows = [
            " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
        ]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d 2 of \d{4}-\d\d-\d\d \$100.00 \$30.00 \$70.00", rows[1])
        [address] = re.findall(r'<a href="([^"]*)">2<span', text)
        assert root.client.get(unescape(address)).context["cl"].result_count == 2
        assert "Each of them" in text

    def test_says_why_an_external_account_has_no_line(self, root, api, income, bank):
        transfer_between(api, income, bank, 30_00)
        settle()
        settle(timezone.now() + timedelta(seconds=60))

        text = root.get(path_of(bank)).content.decode()

        assert "only its balance of now is known: $530.00" in text
        assert '<rect class="gain"' in text
        assert 'class="line"' not in text
        [address] = re.findall(r'<a href="([^"]*)">1<span', text)
        assert root.client.get(unescape(address)).context["cl"].result_count == 1

    def test_says_kindly_that_nothing_moved(self, root, rent):
        assert "Nothing came or went from" in root.get(path_of(rent)).content.decode()

    def test_carries_no_markup_of_a_name_and_nothing_inline(self, root, rent):
        type(rent).objects.filter(id=rent.id).update(name="<script>alert(1)</script>")

        response = root.get(path_of(rent))
        text = response.content.decode()

        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
        assert not re.search(r"\sstyle=|\son\w+=", text)
        assert "unsafe" not in response.headers["Content-Security-Policy"]

    def test_is_joined_with_the_balance_at_an_instant(self, root, income):
        page = root.get(path_of(income)).content.decode()
        [address] = re.findall(r'<a href="([^"]*)">The balance at an exact instant', page)

        answer = root.client.get(unescape(address)).content.decode()

        assert "Payroll held $100.00 at" in answer
        assert path_of(income) in answer

    def test_asks_as_much_for_much_as_for_little(self, root, rent):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get(path_of(rent))
            return len(captured)

        few = queries()
        for _ in range(5):
            fund(rent, 1_00)

        assert queries() == few
        assert few <= 6


class TestBalancePanel:
    """The plot on an account's own page."""

    def test_shows_the_balance_with_the_postings_behind_it(self, root, rent):
        fund(rent, 12_34)
        page = root.client.get(page_of(rent)).content.decode()

        assert 'class="balance-plot"' in page
        assert "From $0.00 to $12.34" in page
        assert f"/admin/transfers/posting/?account={rent.id}&amp;from=" in page
        assert f"/admin/transfers/posting/history/{rent.id}/" in page

    def test_shows_what_moved_where_no_balance_is_known(self, root, api, income, bank):
        transfer_between(api, income, bank, 30_00)
        settle()
        settle(timezone.now() + timedelta(seconds=60))
        page = root.client.get(page_of(bank)).content.decode()

        assert "Money in and out, the last 90 days" in page
        assert "$30.00 came in, $0.00 went out." in page

    def test_is_for_whoever_may_see_the_ledger(self, income):
        page = Staff("clerk", "accounts.view_account").client.get(page_of(income))

        assert page.status_code == 200
        assert "balance-plot" not in page.content.decode()
