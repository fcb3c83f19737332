"""Statements: what they say is what the ledger holds, to the cent, as a page and as files."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from itertools import chain

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from ofxtools.Parser import OFXTree

from accounts.models import Account
from cards.services import charge_card, issue_card
from sequence.core import clock
from sequence.core.admin import exports
from sequence.core.admin.periods import Period
from sequence.core.errors import InvalidRequest
from sequence.insight import statement_page
from sequence.insight.statement_files import ofx_parts
from sequence.insight.statements import MAX_DAYS, check_period, read_statement, stream_statement
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.staff import Staff, messages_of, page_of
from tests.transfers.steps import fund
from transfers.ledger import balance_at
from transfers.models import Posting
from transfers.services import pull_from_outside

pytestmark = pytest.mark.django_db
# Files are read over a connection of their own, which sees what is committed.
FILES = pytest.mark.django_db(transaction=True)

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
VIEW = ["accounts.view_account", "transfers.view_posting"]
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def rent() -> Account:
    """$100.00 from February; in March, at its first and its last instant too, nine movements; one of April."""
    with clock.stopped_at(START - timedelta(days=40)):
        rent = PodFactory(organization=OrganizationFactory(name="Acme", legal_name="Acme Trading LLC"), name="Rent")
    moved(rent, [(-INSTANT, 100_00), (timedelta(0), 20_00), (timedelta(days=31) - INSTANT, 1)])
    moved(rent, [(timedelta(days=day), -3_33) for day in range(1, 8)])
    moved(rent, [(timedelta(days=31), 7_77)])
    rent.refresh_from_db()
    return rent


def moved(account: Account, moves: list[tuple[timedelta, int]]) -> None:
    for after, cents in moves:
        with clock.stopped_at(START + after):
            if cents > 0:
                fund(account, cents)
            else:
                pull_from_outside(account_id=account.pk, amount_cents=-cents, by="test")


def posted(account: Account, period: Period) -> int:
    rows = Posting.objects.filter(account=account, **period.within("posted_at"))
    return rows.aggregate(total=Sum("amount_cents", default=0))["total"]


def path_of(account: Account) -> str:
    return f"transfers/posting/statement/{account.pk}/"


def ask(staff: Staff, account: Account, **query: str):
    return staff.get(path_of(account), since="2026-03-01", until="2026-03-31", **query)


class TestReadStatement:
    @pytest.mark.parametrize("created_later", [False, True], ids=["summed from the start", "back from now"])
    def test_adds_up_to_the_postings(self, rent, created_later):
        if created_later:
            rent.created_at = START - timedelta(days=4000)

        statement = read_statement(rent, MARCH, first=100)

        assert statement.opening_cents == balance_at(rent, MARCH.since - INSTANT) == 100_00
        assert statement.came_in_cents == 20_01
        assert statement.went_out_cents == 7 * 3_33
        assert statement.came_in_cents - statement.went_out_cents == posted(rent, MARCH)
        assert statement.closing_cents == balance_at(rent, MARCH.until - INSTANT)
        assert statement.movements[-1].balance_cents == statement.closing_cents
        assert [movement.before_cents for movement in statement.movements][1:] == [
            movement.balance_cents for movement in statement.movements
        ][:-1]

    def test_counts_what_it_leaves_out(self, rent):
        statement = read_statement(rent, MARCH, first=2)

        assert (len(statement.movements), statement.number, statement.left_out) == (2, 9, 7)
        assert statement.closing_cents == balance_at(rent, MARCH.until - INSTANT)

    def test_has_both_balances_where_nothing_moved(self, rent):
        for day, cents in ((date(2026, 2, 1), 0), (date(2026, 3, 20), 100_00 + 20_00 - 7 * 3_33)):
            statement = read_statement(rent, Period(day, day), first=10)
            assert (statement.opening_cents, statement.closing_cents, statement.number) == (cents, cents, 0)

    def test_asks_once_however_much_there_is(self, rent, django_assert_num_queries):
        with django_assert_num_queries(1):
            read_statement(rent, MARCH, first=100)


@FILES
class TestStreamStatement:
    def test_tells_the_same_in_small_batches(self, rent, monkeypatch):
        monkeypatch.setattr(exports, "CHUNK_ROWS", 2)

        course = stream_statement(rent, MARCH)
        batches = list(course.batches)

        assert max(map(len, batches)) == 2
        assert list(chain(*batches)) == read_statement(rent, MARCH, first=100).movements
        assert course.opening_cents == 100_00

    def test_has_the_opening_balance_where_nothing_moved(self, rent):
        course = stream_statement(rent, Period(date(2026, 5, 1), date(2026, 5, 2)))

        assert course.opening_cents == rent.balance_cents
        assert list(course.batches) == []


class TestPeriod:
    def test_is_a_year_at_most(self):
        check_period(Period(date(2024, 1, 1), date(2024, 12, 31)))
        with pytest.raises(InvalidRequest):
            check_period(Period(date(2024, 1, 1), date(2025, 1, 1)))
        with pytest.raises(InvalidRequest):
            check_period(Period(date(2024, 1, 2), date(2024, 1, 1)))

    def test_is_told_on_the_page_where_it_is_too_long(self, root, rent):
        response = root.get(path_of(rent), since="2024-01-01", until="2026-03-31", format="csv")

        assert f"at most {MAX_DAYS} days" in response.content.decode()
        assert response["Content-Type"].startswith("text/html")


class TestPage:
    def test_is_of_the_last_month_unless_asked_otherwise(self, rent, set_clock):
        set_clock(START + timedelta(days=45))

        page = Staff("root", is_superuser=True).get(path_of(rent)).content.decode()

        assert "2026-03-01 to 2026-03-31" in page
        facts = [unescape(fact) for fact in re.findall(r"<dd>(.*?)</dd>", page)]
        assert facts[2:] == ["Acme Trading LLC", "2026-03-01 to 2026-03-31", "$100.00", "$20.01", "$23.31", "$96.70"]
        assert len(re.findall(r'<td class="when">', page)) == 9

    def test_says_what_it_leaves_out(self, root, rent, monkeypatch):
        monkeypatch.setattr(statement_page, "PAGE_ROWS", 4)

        page = ask(root, rent).content.decode()

        assert "Only the first 4 of 9 movements are listed here." in page
        assert "$96.70" in page

    def test_leads_there_from_the_account_and_back(self, root, rent):
        assert f"/admin/{path_of(rent)}" in root.client.get(page_of(rent)).content.decode()
        assert page_of(rent) in ask(root, rent).content.decode()

    def test_shows_a_bank_number_by_its_end_alone(self, root):
        income = IncomeSourceFactory(name="Payroll")
        Account.objects.filter(pk=income.pk).update(
            bank_account_number_last_four="7731", bank_account_number="123456787731"
        )

        with CaptureQueriesContext(connection) as captured:
            page = ask(root, income).content.decode()

        assert "••••7731" in page
        assert not [query for query in captured if '"bank_account_number",' in query["sql"]]

    def test_is_not_made_of_an_account_elsewhere(self, root, bank):
        response = root.client.get(f"/admin/{path_of(bank)}", follow=True)

        assert response.redirect_chain[-1][0] == page_of(bank)
        assert "Its institution prints its statements" in messages_of(response)[0]
        assert path_of(bank) not in response.content.decode()

    def test_carries_no_markup_of_a_name_and_nothing_inline(self, root, rent):
        Account.objects.filter(pk=rent.pk).update(name="<script>alert(1)</script>")

        page = ask(root, rent).content.decode()

        assert "<script>alert" not in page
        assert not re.search(r"\sstyle=|\son\w+=", page)

    @pytest.mark.parametrize("query", [{}, {"format": "csv"}, {"format": "ofx"}])
    def test_is_for_whoever_may_see_accounts_and_the_ledger(self, rent, query):
        assert ask(Staff("ann", *VIEW), rent, **query).status_code == 200
        for name, permission in (("eve", VIEW[0]), ("bob", VIEW[1])):
            assert ask(Staff(name, permission), rent, **query).status_code == 403

    def test_is_not_there_without_an_account(self, root):
        assert root.get("transfers/posting/statement/acc_01ARZ3NDEKTSV4RRFFQ69G5FAV/").status_code == 404

    def test_asks_as_much_for_much_as_for_little(self, root, rent):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                ask(root, rent)
            return len(captured)

        queries()
        few = queries()
        moved(rent, [(timedelta(days=20), 1)] * 50)

        assert queries() == few
        assert few <= 5


@FILES
class TestCsv:
    def test_begins_and_ends_with_the_balances(self, root, rent):
        response = ask(root, rent, format="csv")

        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))
        opening, *movements, closing = rows
        assert (opening["row"], opening["balance_in_cents"]) == ("opening_balance", "10000")
        assert (closing["row"], closing["balance_in_cents"]) == ("closing_balance", "9670")
        assert sum(int(row["amount_in_cents"]) for row in movements) == posted(rent, MARCH)
        assert {row["currency"] for row in rows} == {"USD"}
        assert f"statement-{rent.pk}-2026-03-01-2026-03-31.csv" in response["Content-Disposition"]

    def test_has_no_cell_that_a_spreadsheet_would_obey(self, root, rent):
        with clock.stopped_at(START + timedelta(days=12)):
            card = issue_card(account_id=rent.pk, type="virtual", holder_name="@Nia")
            charge_card(card_id=card.id, amount_cents=1_00, merchant_name='=HYPERLINK("x")')

        text = ask(root, rent, format="csv").getvalue().decode()

        [row] = [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["card_transaction_id"]]
        assert row["counterparty"].startswith("'=HYPERLINK(")

    def test_tells_no_names_that_the_page_does_not(self, rent):
        with clock.stopped_at(START + timedelta(days=12)):
            card = issue_card(account_id=rent.pk, type="virtual", holder_name="Nia")
            charge_card(card_id=card.id, amount_cents=1_00, merchant_name="Green Basket")

        text = ask(Staff("ann", *VIEW), rent, format="csv").getvalue().decode()

        assert "A merchant" in text
        assert "Green Basket" not in text
        assert "txr_" not in text

    def test_says_so_where_it_breaks_off(self, root, rent, monkeypatch):
        monkeypatch.setattr(exports, "CHUNK_ROWS", 2)
        response = ask(root, rent, format="csv")
        parts = iter(response.streaming_content)
        next(parts)
        next(parts)
        monkeypatch.setattr("sequence.insight.statements.read", lambda *args, **kwargs: 1 / 0)

        assert b"".join(parts).decode().endswith(exports.BROKEN_OFF)


@FILES
class TestOfx:
    def test_is_read_back_by_another_program(self, root, rent):
        with clock.stopped_at(START + timedelta(days=12)):
            card = issue_card(account_id=rent.pk, type="virtual", holder_name="Nia")
            charge_card(card_id=card.id, amount_cents=1_00, merchant_name="Fish & <Co> – a name of over 32 letters")
        parser = OFXTree()

        parser.parse(io.BytesIO(ask(root, rent, format="ofx").getvalue()))
        [statement] = parser.convert().statements

        assert (statement.account.acctid, statement.account.accttype) == (rent.pk[-22:], "SAVINGS")
        assert statement.balance.balamt == Decimal("95.70")
        assert sum(row.trnamt for row in statement.transactions) == Decimal(posted(rent, MARCH)) / 100
        ids = Posting.objects.filter(account=rent, **MARCH.within("posted_at")).values_list("id", flat=True)
        assert {row.fitid for row in statement.transactions} == {str(id) for id in ids}
        bought = next(row for row in statement.transactions if row.trntype == "POS")
        assert bought.name.startswith("Fish & <Co> – a name")
        assert bought.dtposted == START + timedelta(days=12)
        assert statement.transactions.dtstart == MARCH.since

    def test_holds_no_bank_number(self, rent):
        text = "".join(part for _, part in ofx_parts(rent, MARCH, stream_statement(rent, MARCH)))

        assert re.findall(r"<ACCTID>(.*?)</ACCTID>", text) == [rent.pk[-22:]]
        assert "<BANKID>SEQUENCE</BANKID>" in text
