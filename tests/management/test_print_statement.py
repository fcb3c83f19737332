"""``manage.py print_statement``: what stands on an account, at a terminal and for other programs."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from ofxtools.Parser import OFXTree

from sequence.core import clock
from tests.factories import ExternalAccountFactory, PodFactory
from tests.transfers.steps import fund
from transfers.services import pull_from_outside

# A statement is read over a connection of its own, which sees what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = ["--from", "2026-03-01", "--to", "2026-03-31"]


@pytest.fixture
def rent(acme):
    """$100.00 before March, and $10.00 less at its end."""
    with clock.stopped_at(START - timedelta(days=3)):
        rent = PodFactory(organization=acme, name="Rent")
        fund(rent, 100_00)
    with clock.stopped_at(START + timedelta(days=4)):
        pull_from_outside(account_id=rent.id, amount_cents=30_00, by="test")
    with clock.stopped_at(START + timedelta(days=5)):
        fund(rent, 20_00)
    return rent


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("print_statement", *arguments, stdout=out)
    return out.getvalue()


class TestPrintStatement:
    def test_prints_a_table_of_an_account_by_its_name(self, rent):
        lines = printed("Rent", *MARCH).splitlines()

        assert lines[0] == "Rent, 2026-03-01 to 2026-03-31 (UTC)"
        assert [line.split()[-2:] for line in (lines[1], lines[-1])] == [["opening", "balance"], ["closing", "balance"]]
        assert lines[2].split()[:4] == ["2026-03-05", "00:00:00", "-$30.00", "$70.00"]
        assert lines[2].endswith("Outside: Drawn by somebody outside, by test")
        assert lines[3].split()[2:4] == ["$20.00", "$90.00"]
        assert lines[-1].split()[0] == "$90.00"

    def test_prints_csv_and_ofx(self, rent):
        rows = list(csv.DictReader(io.StringIO(printed(rent.id, *MARCH, "--format", "csv"), newline="")))
        parser = OFXTree()
        parser.parse(io.BytesIO(printed(rent.id, *MARCH, "--format", "ofx").encode()))
        [statement] = parser.convert().statements

        assert [row["balance_in_cents"] for row in rows] == ["10000", "7000", "9000", "9000"]
        assert [str(row.trnamt) for row in statement.transactions] == ["-30.00", "20.00"]
        assert str(statement.balance.balamt) == "90.00"

    def test_tells_machines_the_same(self, rent):
        told = json.loads(printed(rent.id, *MARCH, "--json"))

        assert (told["account_id"], told["from"], told["to"]) == (rent.id, "2026-03-01", "2026-03-31")
        assert (told["opening_balance_in_cents"], told["closing_balance_in_cents"]) == (100_00, 90_00)
        assert (told["came_in_in_cents"], told["went_out_in_cents"], told["left_out"]) == (20_00, 30_00, 0)
        assert [row["amount_in_cents"] for row in told["movements"]] == [-30_00, 20_00]

    def test_is_of_the_last_month_unless_told_otherwise(self, rent):
        with clock.stopped_at(START + timedelta(days=40)):
            assert printed(rent.id).splitlines()[0] == "Rent, 2026-03-01 to 2026-03-31 (UTC)"
            assert "2026-03-31 to 2026-04-10" in printed(rent.id, "--from", "2026-03-31", "--to", "2027-01-01")
            assert "2026-04-01 to 2026-04-10" in printed(rent.id, "--to", "2027-01-01")

    def test_is_of_a_deleted_account_too(self, rent):
        pull_from_outside(account_id=rent.id, amount_cents=90_00, by="test")
        rent.refresh_from_db()
        rent.delete_softly()

        assert "$90.00" in printed(rent.id, *MARCH)

    @pytest.mark.parametrize(
        ("days", "words"),
        [
            (["--from", "2024-01-01", "--to", "2026-03-01"], "at most 366 days"),
            (["--from", "2026-03-02", "--to", "2026-03-01"], "before the first"),
            (["--from", "9999-01-01", "--to", "9999-02-01"], "yet to come"),
        ],
    )
    def test_refuses_days_that_make_no_statement(self, rent, days, words):
        with pytest.raises(CommandError, match=words):
            printed(rent.id, *days)

    def test_refuses_an_account_that_the_ledger_does_not_hold(self, acme):
        bank = ExternalAccountFactory(organization=acme, name="Checking")

        with pytest.raises(CommandError, match="Its institution prints its statements"):
            printed(bank.id, *MARCH)
        with pytest.raises(CommandError, match="not found"):
            printed("acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", *MARCH)
