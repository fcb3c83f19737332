"""What an account's own page begins with: its balance and its movements."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cards.models import CardTransaction
from cards.services import charge_card, issue_card, refund_at_merchant
from sequence.core import clock
from sequence.insight import account_page, counterparties
from sequence.insight.account_page import DEALINGS
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import on_funds, rule, step
from tests.rules.steps import move, write_enabled
from tests.staff import Staff, page_of
from tests.transfers.steps import fund, settle, transfer_between
from transfers.models import ErrorCode, Posting
from transfers.services import pull_from_outside
from transfers.simulated_rail_control import fail_payment, return_payment

VIEW = ["accounts.view_account", "transfers.view_posting"]
# Who is asking (session, user), the account and its organization, its movements, its dealings, the plot's two, and
# the page's own.
QUERY_BUDGET = 11


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


def rows_of(page: str) -> list[str]:
    """Return the lines of the movements as people read them."""
    [table] = re.findall(r'<table class="movements-table">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", row)).split()) for row in rows]


def look(staff, account, query="") -> str:
    response = staff.client.get(page_of(account) + query)
    assert response.status_code == 200
    return response.content.decode()


class TestMovements:
    def test_come_before_the_form_with_what_was_there_after_each(self, root, api, income, rent):
        fund(income, 100_00)
        transfer_between(api, income, rent, 30_00)
        settle()

        page = look(root, income)

        newest, oldest = rows_of(page)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d to Rent Key A test's key -\$30.00 then \$70.00", newest)
        assert oldest.endswith("from Outside Paycheck, by test +$100.00 then $100.00")
        assert page.index("Balance and movements") < page.index('name="name"')
        assert page_of(rent) in page

    def test_tell_a_rule_with_the_version_that_ran(self, root, api, income, rent):
        write_enabled(api, rule(step(move(income, rent, 40_00)), trigger=on_funds(income.id), nickname="Split"))
        fund(income, 100_00)
        settle()

        page = look(root, rent)

        assert rows_of(page)[0].endswith("from Payroll Rule Split, version 1 +$40.00 then $40.00")
        assert re.search(r'href="/admin/rules/ruleexecution/rex_\w+/change/">Rule Split', page)

    def test_tell_the_merchant_and_the_card(self, root, rent):
        fund(rent, 50_00)
        card = issue_card(account_id=rent.id, type="virtual", holder_name="Nia")
        charge_card(card_id=card.id, amount_cents=20_00, merchant_name="Green Basket")
        refund_at_merchant(card_id=card.id, amount_cents=5_00, merchant_name="Green Basket")

        refund, purchase, _ = rows_of(look(root, rent))

        assert f"from Green Basket Refund, card of Nia •••• {card.last_four} +$5.00 then $35.00" in refund
        assert "to Green Basket Purchase, card of Nia" in purchase
        for bought in CardTransaction.objects.all():
            assert f'href="{page_of(bought)}">{"Purchase" if bought.purchase is None else "Refund"}, card' in look(
                root, rent
            )

    def test_tell_what_came_back_and_what_others_drew(self, root, api, income, bank):
        fund(income, 100_00)
        pull_from_outside(account_id=income.id, amount_cents=10_00, by="test")
        sent = transfer_between(api, income, bank, 30_00)
        settle()
        settle(timezone.now() + timedelta(seconds=60))
        with clock.stopped_at(timezone.now() + timedelta(seconds=90)):
            return_payment(sent.id, ErrorCode.NAME_MISMATCH)

        back, out, drawn, _ = rows_of(look(root, income))

        assert "to Outside Drawn by somebody outside, by test -$10.00 then $90.00" in drawn
        assert f"from {bank} Came back: Name Mismatch. Key A test's key +$30.00 then $90.00" in back
        assert f"to {bank} Key A test's key -$30.00 then $60.00" in out

    def test_are_of_this_account_alone(self, root, api, income, rent, globex):
        other = PodFactory(organization=globex, name="Theirs")
        fund(other, 77_00)
        fund(income, 100_00)

        assert len(rows_of(look(root, income))) == 1
        assert "$77.00" not in look(root, income)

    def test_say_that_there_are_none(self, root, rent):
        assert "Nothing has come or gone." in look(root, rent)

    def test_of_an_account_elsewhere_are_its_transfers_without_balances(self, root, api, income, rent, bank, globex):
        fund(income, 100_00)
        transfer_between(api, income, bank, 30_00)
        transfer_between(api, bank, rent, 10_00)
        failed = transfer_between(api, bank, rent, 20_00)
        settle()
        fail_payment(failed.id, ErrorCode.NAME_MISMATCH)
        settle(timezone.now() + timedelta(seconds=60))

        page = look(root, bank)

        pulled, sent = rows_of(page)
        assert pulled.endswith("to Rent Key A test's key -$10.00")
        assert sent.endswith("from Payroll Key A test's key +$30.00")
        assert "Balance, as last told</dt><dd>$520.00" in page
        assert "Statement for a period" not in page
        assert "Balance and movements" not in look(Staff("ann", *VIEW), bank)


def dealings_of(page: str) -> list[str]:
    """Return the lines of those whom the account dealt with."""
    [part] = re.findall(r'<div class="following-ways dealings">(.*?)</div>', page, re.DOTALL)
    return [
        " ".join(unescape(re.sub(r"<[^>]+>", "", line)).split())
        for line in re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    ]


class TestDealings:
    def test_tell_from_whom_it_came_and_to_whom_it_went_the_most_first(self, root, api, income, rent, savings):
        fund(income, 100_00)
        for to, cents in ((rent, 10_00), (savings, 25_00), (rent, 20_00)):
            transfer_between(api, income, to, cents)
        settle()
        card = issue_card(account_id=rent.id, type="virtual", holder_name="Nia")
        charge_card(card_id=card.id, amount_cents=20_00, merchant_name="Green Basket")

        assert dealings_of(look(root, income)) == ["Outside $100.00", "Rent 2 times $30.00", "Savings $25.00"]
        assert dealings_of(look(root, rent)) == ["Payroll 2 times $30.00", "Green Basket $20.00"]
        assert dealings_of(look(Staff("ann", *VIEW), rent))[-1] == "Merchants $20.00"

    def test_are_of_so_many_movements_at_most_and_say_so(self, root, income, monkeypatch):
        monkeypatch.setattr(counterparties, "REACH", 2)
        monkeypatch.setattr(account_page, "REACH", 2)
        for cents in (1_00, 2_00, 4_00):
            fund(income, cents)

        page = look(root, income)

        assert dealings_of(page) == ["Outside 2 times $6.00"]
        assert "Came from, in its last 2 movements" in page

    def test_are_of_the_last_days(self, root, rent):
        with clock.stopped_at(timezone.now() - timedelta(days=31)):
            fund(rent, 10_00)

        assert dealings_of(look(root, rent)) == []

    def test_lead_to_what_they_leave_out(self, root, api, acme, income):
        fund(income, 100_00)
        for _ in range(DEALINGS + 1):
            transfer_between(api, income, PodFactory(organization=acme), 1_00)
        settle()

        page = look(root, income)

        assert dealings_of(page)[-1] == "and 1 more"
        [address] = re.findall(r'<a href="([^"]*)">and 1 more</a>', page)
        assert root.client.get(unescape(address)).context["cl"].result_count == DEALINGS + 1


class TestPages:
    def test_hold_every_movement_once_with_the_balance_of_its_time(self, root, income, monkeypatch):
        monkeypatch.setattr(account_page, "PAGE_ROWS", 3)
        number = 8
        for _ in range(number):
            fund(income, 1_00)
        seen, query = [], ""
        while True:
            page = look(root, income, query)
            seen += rows_of(page)
            found = re.search(r'href="(\?older=\d+)#', page)
            if found is None:
                break
            query = found[1]

        assert [row.rsplit(" ", 1)[1] for row in seen] == [f"${cents}.00" for cents in range(number, 0, -1)]
        assert "The newest" in page

    def test_of_an_account_elsewhere_hold_every_transfer_once(self, root, api, income, rent, bank, monkeypatch):
        monkeypatch.setattr(account_page, "PAGE_ROWS", 2)
        fund(income, 100_00)
        for number in range(1, 6):
            transfer_between(api, *((income, bank) if number % 2 else (bank, rent)), number * 100)
        settle()
        settle(timezone.now() + timedelta(seconds=60))
        seen, query = [], ""
        while query is not None:
            page = look(root, bank, query)
            seen += rows_of(page)
            found = re.search(r'href="(\?older=txr_\w+)#', page)
            query = found and found[1]

        assert [row.rsplit(" ", 1)[1] for row in seen] == ["+$5.00", "-$4.00", "+$3.00", "-$2.00", "+$1.00"]
        theirs = fund(income, 1_00)
        assert "The newest" not in look(root, bank, f"?older={theirs.pk}")

    @pytest.mark.parametrize("older", ["", "x", "-1", "9" * 30, "²", "0"])
    def test_begin_with_the_newest_where_the_address_makes_no_sense(self, root, income, older):
        fund(income, 1_00)

        assert len(rows_of(look(root, income, f"?older={older}"))) == 1

    def test_do_not_begin_at_a_posting_of_somebody_else(self, root, income, globex):
        fund(income, 1_00)
        theirs = IncomeSourceFactory(organization=globex)
        fund(theirs, 1_00)
        posting = Posting.objects.get(account=theirs)

        page = look(root, income, f"?older={posting.pk}")

        assert len(rows_of(page)) == 1
        assert "The newest" not in page


class TestPermission:
    def test_is_that_for_accounts_and_the_ledger(self, income):
        fund(income, 1_00)

        assert "Balance and movements" in look(Staff("ann", *VIEW), income)
        assert "Balance and movements" not in look(Staff("eve", VIEW[0]), income)

    def test_decides_which_names_are_told(self, api, income, rent):
        fund(income, 100_00)
        transfer_between(api, income, rent, 30_00)
        settle()
        card = issue_card(account_id=rent.id, type="virtual", holder_name="Nia")
        charge_card(card_id=card.id, amount_cents=20_00, merchant_name="Green Basket")
        ann = Staff("ann", *VIEW)

        purchase, moved = rows_of(look(ann, rent))

        assert "to A merchant A card -$20.00" in purchase
        assert "from Payroll A key +$30.00" in moved
        assert "/admin/transfers/transfer/" not in look(ann, rent)


class TestQueries:
    def test_are_as_many_for_much_as_for_little(self, root, api, income, rent):
        write_enabled(api, rule(step(move(income, rent, 4_00)), trigger=on_funds(income.id), nickname="Split"))
        fund(income, 10_00)
        settle()

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                look(root, income)
            return len(captured)

        queries()
        few = queries()
        for _ in range(9):
            fund(income, 10_00)
        settle()

        assert queries() == few
        assert few <= QUERY_BUDGET
