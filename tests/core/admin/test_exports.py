"""What leaves the house as CSV: all of the list, nothing but the list, and never all of it at once."""

import csv
import io
import time
from datetime import UTC, datetime

import pytest
import structlog
from django.db import connection

from accounts.models import Account
from sequence.core.admin import exports
from sequence.core.admin.exports import write_value
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.roles import by_owner
from tests.staff import Staff
from tests.transfers.steps import fund, post_transfer, settle
from transfers.models import Posting, Transfer

# An export reads over a connection of its own, which sees what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60
TRANSFERS, POSTINGS = "transfers/transfer/export/", "transfers/posting/export/"


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 1_000_00)
    return account


@pytest.fixture
def rent(acme):
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def moved(api, income, rent):
    for cents in (10_00, 20_00, 30_00):
        post_transfer(api, income, rent, cents)
    settle()


def read(response) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))


class TestExport:
    def test_holds_every_row_of_the_list(self, root, moved):
        transfers, postings = read(root.get(TRANSFERS)), read(root.get(POSTINGS))

        assert [row["id"] for row in transfers] == list(Transfer.objects.order_by("pk").values_list("id", flat=True))
        assert [int(row["id"]) for row in postings] == list(Posting.objects.order_by("pk").values_list("id", flat=True))

    def test_sums_up_to_the_ledger(self, root, moved):
        rows = read(root.get(POSTINGS))

        assert sum(int(row["amount_in_cents"]) for row in rows) == 0
        for account in Account.objects.all():
            parts = [int(row["amount_in_cents"]) for row in rows if row["account_id"] == account.id]
            assert sum(parts) == account.balance_cents
        assert {row["currency"] for row in rows} == {"USD"}

    def test_writes_times_and_ids_as_the_api_does(self, root, moved):
        transfer = Transfer.objects.filter(source__name="Payroll").earliest("pk")

        row = next(row for row in read(root.get(TRANSFERS)) if row["id"] == transfer.id)

        assert datetime.fromisoformat(row["created_at"]) == transfer.created_at
        assert row["created_at"].endswith("Z")
        assert (row["source_id"], row["api_key_id"]) == (transfer.source_id, transfer.api_key_id)
        assert (row["error_code"], row["rule_id"]) == ("", "")

    def test_keeps_to_the_filters_in_force(self, root, moved, globex):
        fund(IncomeSourceFactory(organization=globex, name="Theirs"), 5_00)

        acme = read(root.get(TRANSFERS, organization="Acme"))

        assert {row["organization_name"] for row in acme} == {"Acme"}
        assert len(acme) == 4
        assert [row["amount_in_cents"] for row in read(root.get(TRANSFERS, account="Theirs"))] == ["500"]
        assert read(root.get(TRANSFERS, status="error")) == []
        assert len(read(root.get(POSTINGS, account="Rent"))) == 3

    def test_is_refused_when_a_filter_makes_no_sense(self, root, moved):
        for query in ({"account": "Nobody"}, {"status": "x"}, {"q": "\0"}, {"nonsense": "1"}):
            response = root.get(TRANSFERS, **query)
            assert response.status_code == 302
            assert response.url.startswith("../?")

    def test_is_for_those_who_may_see_the_list(self, moved):
        assert Staff("bob", "transfers.view_posting").get(TRANSFERS).status_code == 403
        assert Staff("ann", "transfers.view_transfer").get(TRANSFERS).status_code == 200
        assert Staff("eve").client.get("/admin/rules/rule/export/").status_code in (302, 403, 404)

    def test_is_a_file_of_the_day_that_nobody_keeps(self, moved, set_clock):
        set_clock(datetime(2026, 11, 24, 1, tzinfo=UTC))

        headers = Staff("ann", is_superuser=True).get(TRANSFERS).headers

        assert headers["Content-Disposition"] == 'attachment; filename="transfers-2026-11-24.csv"'
        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "no-store" in headers["Cache-Control"]

    def test_is_told_in_the_log_with_who_what_and_how_many(self, root, moved):
        with structlog.testing.capture_logs() as events:
            root.get(TRANSFERS, account="Rent").getvalue()

        [ended] = [event for event in events if event["event"] == "export_ended"]
        told = (ended["name"], ended["by"], ended["filters"], ended["rows"], ended["is_whole"])
        assert told == ("transfers", "staff:root", "account=Rent", 3, True)
        assert ended["request_id"].startswith("req_")


class TestStreaming:
    @pytest.fixture(autouse=True)
    def _small_chunks(self, monkeypatch):
        monkeypatch.setattr(exports, "CHUNK_ROWS", 2)

    @pytest.fixture
    def begin(self, root):
        """Return a function that begins an export. One that stayed open would keep the tables from being emptied."""
        begun = []

        def begin(path):
            begun.append(root.get(path))
            return begun[-1]

        yield begin
        for response in begun:
            response.close()

    def test_sends_the_first_rows_before_it_has_read_the_last(self, begin, moved, monkeypatch):
        held = []
        monkeypatch.setattr(exports, "csv_text", lambda lines: held.append(len(list(lines))) or "x")
        parts = iter(begin(POSTINGS).streaming_content)

        next(parts), next(parts)

        assert held == [1, 2]  # The heading and one chunk of the eight rows.
        list(parts)
        assert held == [1, 2, 2, 2, 2]

    def test_lists_what_there_was_when_it_began(self, begin, moved, income):
        parts = iter(begin(POSTINGS).streaming_content)
        begun = [next(parts), next(parts)]

        fund(income, 77_77)

        text = b"".join([*begun, *parts]).decode()
        assert len(text.splitlines()) == 1 + 8
        assert "7777" not in text

    def test_closes_its_connection_and_says_so_when_the_reader_goes(self, begin, moved):
        response = begin(POSTINGS)
        parts = iter(response.streaming_content)
        next(parts), next(parts)
        assert others() == 1

        with structlog.testing.capture_logs() as events:
            response.close()

        assert nobody_else_soon()
        [ended] = [event for event in events if event["event"] == "export_ended"]
        assert (ended["rows"], ended["is_whole"]) == (2, False)

    def test_that_breaks_off_says_so_in_its_last_line_and_in_the_log(self, begin, moved, monkeypatch):
        def broken(value):
            raise RuntimeError(value)

        parts = iter(begin(POSTINGS).streaming_content)
        begun = [next(parts), next(parts)]
        monkeypatch.setattr(exports, "write_value", broken)

        with structlog.testing.capture_logs() as events:
            lines = b"".join([*begun, *parts]).decode().splitlines()

        assert len(lines) == 1 + 2 + 1
        assert lines[-1].startswith("INCOMPLETE: ")
        assert [event["event"] for event in events] == ["export_broke", "export_ended"]
        assert (events[-1]["rows"], events[-1]["is_whole"]) == (2, False)


def nobody_else_soon() -> bool:
    """Say whether the others are gone: PostgreSQL sees a closed connection a moment after it was closed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while others():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def others() -> int:
    """Return how many connections hold a transaction open besides the test's own."""
    with by_owner(), connection.cursor() as cursor:  # The application sees no more than its own.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state = 'idle in transaction'"
        )
        return cursor.fetchone()[0]


class TestText:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
    def test_that_a_spreadsheet_would_run_becomes_text(self, text):
        assert write_value(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["＝1+1", "＋1", "－1", "＠A", "\n=1", " =1", '"=1', "\u00a0\u3000=1", "\t"])
    def test_that_a_spreadsheet_of_another_locale_would_run_becomes_text(self, text):
        assert write_value(text) == f"'{text}"

    @pytest.mark.parametrize(
        ("text", "cell"), [("a;=1", "a;'=1"), ("a;;=1", "a;;'=1"), ('a"; "@b', 'a";\' "@b'), ("a\t=1", "a\t'=1")]
    )
    def test_holds_no_cell_that_acts_where_semicolons_or_tabs_separate_cells(self, text, cell):
        assert write_value(text) == cell

    @pytest.mark.parametrize(("value", "cell"), [(-5000, "-5000"), ("a=b", "a=b"), (None, ""), ("Café", "Café")])
    def test_and_numbers_stay_as_they_are(self, value, cell):
        assert write_value(value) == cell

    def test_of_a_name_is_disarmed_in_the_file(self, root):
        evil = OrganizationFactory(name='=cmd|"/c calc"!A1')
        fund(IncomeSourceFactory(organization=evil, name="@SUM(1,2)"), 1_00)

        [row] = read(root.get(TRANSFERS))

        assert row["organization_name"] == '\'=cmd|"/c calc"!A1'
        assert row["destination_name"] == "'@SUM(1,2)"
