"""manage.py check_ledger: finds every kind of fault, and nothing where all is right."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from sequence.core.api.ids import parse_id
from tests.factories import PodFactory
from tests.transfers.steps import settle, transfer_between
from transfers.ledger_invariants import CHECKS, SHOWN_PER_CHECK, count_checks, find_faults
from transfers.models import EntrySet, Status
from transfers.settlement import accept
from transfers.simulated_rail_control import return_payment

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner

TABLES = ("transfers_posting", "transfers_entryset", "transfers_transfer", "accounts_account")


@pytest.fixture
def plant(db):
    """Return a function that writes a fault past all guards."""

    def past_the_guards(sql, *params):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE accounts_account DROP CONSTRAINT account_available_not_negative")
            cursor.execute("ALTER TABLE accounts_account DROP CONSTRAINT account_held_not_negative")
            cursor.execute(sql, [parse_id(param[:3], param) if isinstance(param, str) else param for param in params])
            for table in TABLES:  # That they are off is a fault, too: see test_trail_checks.py.
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return past_the_guards


@pytest.fixture
def books(client_with, income, rent, bank, later):
    """One transfer of each fate: complete, pending, returned, incomplete, waiting for approval."""
    api = client_with("MANUAL_TRANSFER:*>*;day=9000;approval=2000", "MANUAL_TRANSFER:*>*@2000")
    transfers = {"complete": transfer_between(api, income, rent, 10_00)}
    transfers["returned"] = transfer_between(api, income, bank, 5_00)
    transfers["waiting"] = transfer_between(api, income, rent, 20_01)
    settle()
    settle(later())
    return_payment(transfers["returned"].id, "payment_failed")
    transfers["incomplete"] = transfer_between(api, rent, bank, 11_00)
    transfers["pending"] = transfer_between(api, income, bank, 7_00)
    accept(timezone.now())
    return transfers


def found() -> list[str]:
    names = {check.name for check in CHECKS}
    return [fault.check for fault in find_faults() if fault.check in names]


class TestFindFaults:
    def test_finds_nothing_in_right_books(self, books):
        assert find_faults() == []

    def test_finds_a_set_that_does_not_sum_to_zero(self, books, plant):
        one = EntrySet.objects.get(transfer=books["complete"])
        plant("UPDATE transfers_posting SET amount_cents = 999 WHERE entry_set_id = %s AND amount_cents > 0", one.id)

        fault = next(fault for fault in find_faults() if fault.check == "entry_set_balances")
        assert fault.subject == f"entry set {one.id}"
        assert fault.message == "it has 2 postings that sum to -1 cents, not two or more that sum to zero"

    def test_finds_a_set_without_postings(self, books, plant):
        one = EntrySet.objects.get(transfer=books["complete"])
        plant("DELETE FROM transfers_posting WHERE entry_set_id = %s", one.id)

        assert {"entry_set_balances", "balance_is_its_postings"} <= set(found())

    def test_finds_a_balance_that_is_not_its_postings(self, books, plant, rent):
        plant("UPDATE accounts_account SET balance_cents = balance_cents + 1 WHERE id = %s", rent.id)

        [fault] = find_faults()
        assert (fault.check, fault.subject) == ("balance_is_its_postings", rent.id)
        assert fault.message == "the balance is 1001 cents, but the postings add up to 1000"

    def test_finds_a_mark_that_is_not_what_the_account_held(self, books, plant, rent):
        plant(
            "INSERT INTO transfers_balancemark (posting_id, organization_id, account_id, posted_at, balance_cents)"
            " SELECT id, organization_id, account_id, posted_at, 1234 FROM transfers_posting"
            " WHERE account_id = %s ORDER BY posted_at, id LIMIT 1",
            rent.id,
        )

        [fault] = find_faults()
        assert (fault.check, fault.subject) == ("marks_are_their_postings", rent.id)

    def test_finds_a_hold_that_no_transfer_explains(self, books, plant, income):
        plant("UPDATE accounts_account SET held_cents = held_cents + 1 WHERE id = %s", income.id)

        [fault] = find_faults()
        assert (fault.check, fault.subject) == ("holds_are_pending_transfers", income.id)
        assert fault.message == "701 cents are held, but its pending outgoing transfers add up to 700"

    def test_finds_a_hold_that_is_missing(self, books, plant, income):
        plant("UPDATE accounts_account SET held_cents = 0 WHERE id = %s", income.id)

        assert found() == ["holds_are_pending_transfers"]

    def test_finds_less_than_nothing(self, books, plant, rent):
        plant("UPDATE accounts_account SET held_cents = 1001 WHERE id = %s", rent.id)

        assert found() == ["holds_are_pending_transfers", "nothing_is_negative"]

    def test_finds_a_posting_on_an_account_outside(self, books, plant, bank):
        one = EntrySet.objects.filter(transfer=books["returned"]).first()
        plant(
            "UPDATE transfers_posting SET account_id = %s, clearing = NULL"
            " WHERE entry_set_id = %s AND clearing = 'ach'",
            bank.id,
            one.id,
        )

        assert found() == ["external_accounts_have_no_postings"]

    def test_finds_a_complete_transfer_that_was_never_posted(self, books, plant):
        plant(
            "UPDATE transfers_transfer SET status = 'complete', completed_at = now(), error_code = NULL WHERE id = %s",
            books["incomplete"].id,
        )

        assert "complete_transfers_are_posted" in found()
        assert books["incomplete"].id in [fault.subject for fault in find_faults()]

    def test_finds_a_returned_transfer_that_was_never_reversed(self, books, plant):
        plant(
            "UPDATE transfers_transfer SET status = 'error', error_code = 'payment_failed' WHERE id = %s",
            books["complete"].id,
        )

        assert "returned_transfers_are_reversed" in found()

    def test_finds_a_reversal_of_a_transfer_that_is_complete(self, books, plant):
        plant(
            "UPDATE transfers_transfer SET status = 'complete', error_code = NULL WHERE id = %s", books["returned"].id
        )

        assert "returned_transfers_are_reversed" in found()

    def test_finds_money_moved_for_a_transfer_that_never_completed(self, books, plant):
        plant(
            "UPDATE transfers_transfer SET status = 'cancelled', cancel_reason = 'by_key', completed_at = NULL"
            " WHERE id = %s",
            books["complete"].id,
        )

        assert "only_complete_transfers_are_posted" in found()

    def test_finds_an_amount_that_its_postings_do_not_move(self, books, plant):
        plant("UPDATE transfers_transfer SET amount_cents = amount_cents + 1 WHERE id = %s", books["complete"].id)

        assert "postings_are_the_transfers_amount" in found()

    def test_finds_a_posting_on_somebody_elses_account(self, books, plant, savings, rent):
        plant("UPDATE transfers_posting SET account_id = %s WHERE account_id = %s", savings.id, rent.id)

        fault = next(fault for fault in find_faults() if fault.check == "postings_are_on_the_transfers_accounts")
        assert fault.subject == books["complete"].id
        assert "Savings" in fault.message

    def test_finds_a_cap_that_counts_wrong(self, books, plant):
        plant("UPDATE apikeys_spendcounter SET spent_cents = spent_cents + 1 WHERE period = 'week'")

        assert set(found()) == {"caps_count_their_transfers"}

    def test_finds_a_cap_that_counts_another_number_of_transfers(self, books, plant):
        plant("UPDATE apikeys_spendcounter SET uses = uses + 1 WHERE period = 'day'")

        assert set(found()) == {"caps_count_their_transfers"}

    def test_finds_a_cap_that_counts_nothing_at_all(self, books, plant):
        plant("DELETE FROM apikeys_spendcounter WHERE period = 'month' AND spent_cents > 0")

        assert set(found()) == {"caps_count_their_transfers"}

    def test_finds_money_in_suspense_that_waits_for_nobody(self, books, plant):
        one = EntrySet.objects.get(transfer=books["complete"])
        plant(
            "UPDATE transfers_posting SET account_id = NULL, clearing = 'suspense'"
            " WHERE entry_set_id = %s AND amount_cents > 0",
            one.id,
        )

        assert "suspense_is_itemized" in found()

    def test_finds_a_way_out_of_suspense_that_nobody_decided(self, books, plant):
        one = EntrySet.objects.get(transfer=books["complete"])
        plant("UPDATE transfers_entryset SET kind = 'release', transfer_id = NULL WHERE id = %s", one.id)

        assert "suspense_is_worked_off_as_decided" in found()

    def test_has_a_planted_fault_for_each_check(self):
        tried = Path(__file__).read_text()

        assert [check.name for check in CHECKS if f'"{check.name}"' not in tried] == []

    def test_shows_a_hundred_of_a_kind_at_most(self, books, plant, acme):
        PodFactory.create_batch(SHOWN_PER_CHECK + 1, organization=acme)
        plant("UPDATE accounts_account SET balance_cents = 1 WHERE balance_cents = 0")

        assert len(found()) == SHOWN_PER_CHECK


class TestCheckLedgerCommand:
    def run(self, *arguments):
        out, err, code = StringIO(), StringIO(), 0
        try:
            call_command("check_ledger", *arguments, stdout=out, stderr=err)
        except SystemExit as exit:
            code = exit.code
        return code, out.getvalue(), err.getvalue()

    def test_says_that_all_is_right(self, books):
        assert self.run() == (0, f"The ledger is right: {count_checks()} checks found nothing.\n", "")
        code, out, _ = self.run("--json")
        assert code == 0
        assert json.loads(out) == {"ok": True, "checks": count_checks(), "faults": []}

    def test_says_what_is_wrong_and_ends_with_1(self, books, plant, rent):
        plant("UPDATE accounts_account SET balance_cents = balance_cents + 1 WHERE id = %s", rent.id)

        code, out, err = self.run()
        assert (code, out) == (1, "")
        assert f"{rent.id}: the balance is 1001 cents, but the postings add up to 1000" in err
        code, out, _ = self.run("--json")
        assert code == 1
        assert json.loads(out) == {
            "ok": False,
            "checks": count_checks(),
            "faults": [
                {
                    "check": "balance_is_its_postings",
                    "subject": rent.id,
                    "message": "the balance is 1001 cents, but the postings add up to 1000",
                }
            ],
        }

    def test_changes_nothing_about_a_transfer_under_way(self, books):
        self.run()

        books["pending"].refresh_from_db()
        assert books["pending"].status == Status.PENDING
