# ruff: noqa: S608 - the attacks
"""What PostgreSQL itself refuses, attacked in raw SQL: no line of Python stands between the attack and the books."""

from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from accounts.models import Account, AccountType
from tests.transfers.statements import ASKED, Statement, commit, copy_of, postings_of, refusal, uuid_of
from tests.transfers.steps import balances, fund, settle, transfer_between
from transfers.checks import find_faults
from transfers.models import EntrySet, Posting, Status, Transfer
from transfers.services import approve_transfer

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner


S = Status


# Whence a transfer may go where. Everything else is going back.
TRANSITIONS = [
    (S.PENDING_APPROVAL, S.PROCESSING),
    (S.PENDING_APPROVAL, S.CANCELLED),
    (S.PROCESSING, S.PENDING),
    (S.PROCESSING, S.COMPLETE),
    (S.PROCESSING, S.INCOMPLETE),
    (S.PROCESSING, S.ERROR),
    (S.PROCESSING, S.CANCELLED),
    (S.PENDING, S.COMPLETE),
    (S.PENDING, S.ERROR),
    (S.COMPLETE, S.ERROR),
]


def change(row: Model, what: str) -> Statement:
    """Return an UPDATE of one row."""
    return f"UPDATE {row._meta.db_table} SET {what} WHERE id = %s", [uuid_of(row)]


class TestEntrySet:
    """INSERT INTO transfers_entryset and transfers_posting."""

    def entry_set(self, transfer, kind="settlement"):
        return (
            "INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at) VALUES (%s, %s, %s, now())",
            [uuid_of(transfer.organization), kind, uuid_of(transfer)],
        )

    def postings(self, *legs):
        rows = ", ".join(["(%s, (SELECT MAX(id) FROM transfers_entryset), %s, %s, now())"] * len(legs))
        return (
            "INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, amount_cents, posted_at)"
            f" VALUES {rows}",
            [value for account, cents in legs for value in (uuid_of(account.organization), uuid_of(account), cents)],
        )

    def test_is_refused_when_its_postings_do_not_sum_to_zero(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.postings((income, -30_00), (rent, 30_01)))

        assert "do not sum to zero" in words
        assert balances(income, rent) == [100_00, 0]

    def test_is_refused_when_its_postings_sum_to_zero_only_together_with_another_statement(self, waiting, income, rent):
        legs = [(income, -30_00), (rent, 30_00)]

        for first, second in (legs, legs[::-1]):
            words = refusal(self.entry_set(waiting), self.postings(first), self.postings(second))
            assert "do not sum to zero" in words

    def test_is_refused_when_another_makes_up_for_it(self, api, settled, income, rent):
        transfer_between(api, income, rent, 1_00)
        settle()
        one, other = EntrySet.objects.filter(transfer__source=income)
        sql, params = postings_of(one, settled.organization, (income, None, -1), (rent, None, 2))
        _, more = postings_of(other, settled.organization, (income, None, -2), (rent, None, 1))
        sql += sql[sql.index(" VALUES ") :].replace(" VALUES ", ", ")

        assert "do not sum to zero" in refusal((sql, [*params, *more]))

    def test_is_refused_without_postings(self, waiting):
        assert "fewer than two postings" in refusal(self.entry_set(waiting))

    def test_is_refused_with_a_single_posting(self, waiting, rent):
        words = refusal(self.entry_set(waiting), self.postings((rent, 30_00)))

        assert "do not sum to zero" in words
        assert balances(rent) == [0]

    def test_is_refused_when_it_takes_more_than_there_is(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.postings((income, -100_01), (rent, 100_01)))

        assert "account_available_not_negative" in words
        assert balances(income, rent) == [100_00, 0]

    def test_is_refused_when_it_takes_what_is_held(self, waiting, income, rent):
        Account.objects.filter(id=income.id).update(held_cents=90_00)

        words = refusal(self.entry_set(waiting), self.postings((income, -10_01), (rent, 10_01)))

        assert "account_available_not_negative" in words
        Account.objects.filter(id=income.id).update(held_cents=0)

    def test_of_nothing_is_refused(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.postings((income, 0), (rent, 0)))

        assert "posting_moves_something" in words

    def test_is_accepted_when_all_is_right(self, waiting, income, rent):
        commit(self.entry_set(waiting), self.postings((income, -30_00), (rent, 30_00)))

        assert balances(income, rent) == [70_00, 30_00]

    @pytest.mark.parametrize("kind", ["settlement", "reversal"])
    def test_settles_and_reverses_a_transfer_only_once(self, settled, income, rent, kind):
        again = [self.entry_set(settled, kind), self.postings((income, -1), (rent, 1))]
        if kind == "reversal":
            commit(*again)

        assert "entry_set_once_for_a_transfer" in refusal(*again)

    @pytest.mark.parametrize(("kind", "has_transfer"), [("card", True), ("settlement", False), ("gift", True)])
    def test_has_the_cause_that_its_kind_wants(self, waiting, kind, has_transfer):
        sql, (organization, _, transfer) = self.entry_set(waiting)

        assert "entry_set_has_its_cause" in refusal((sql, [organization, kind, transfer if has_transfer else None]))

    def test_posts_on_an_account_or_on_a_clearing_account_and_not_on_both_or_none(self, settled, income):
        one = EntrySet.objects.get(transfer=settled)

        for account, clearing in ((income, "ach"), (None, None)):
            words = refusal(postings_of(one, settled.organization, (account, clearing, 1)))
            assert "posting_on_account_or_clearing" in words


class TestPostings:
    """What is written stays as it is."""

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE transfers_posting SET amount_cents = amount_cents * 2",
            "UPDATE transfers_posting SET posted_at = now()",
            "DELETE FROM transfers_posting",
            "UPDATE transfers_entryset SET kind = 'reversal'",
            "UPDATE transfers_entryset SET posted_at = now()",
            "DELETE FROM transfers_entryset",
        ],
    )
    def test_are_never_changed_or_removed(self, settled, attack):
        before = list(Posting.objects.values())

        assert "Cannot update or delete rows" in refusal((attack, []))
        assert list(Posting.objects.values()) == before

    @pytest.mark.parametrize("table", ["transfers_posting", "transfers_entryset"])
    def test_are_never_truncated(self, settled, table):
        checked = "SET CONSTRAINTS ALL IMMEDIATE", []  # What waits to be checked would refuse it for another reason.
        assert "append-only" in refusal(checked, (f"TRUNCATE {table} CASCADE", []))
        assert Posting.objects.count() == 4


class TestBalances:
    """UPDATE accounts_account."""

    @pytest.mark.parametrize("value", ["balance_cents + 1", "balance_cents - 1", "0", "NULL"])
    def test_of_the_ledger_move_only_with_postings(self, income, value):
        assert "Cannot update of" in refusal(change(income, f"balance_cents = {value}"))
        assert balances(income) == [100_00]

    def test_of_the_ledger_begin_with_nothing(self, acme):
        for type in (AccountType.POD, AccountType.INCOME_SOURCE):
            with pytest.raises(DatabaseError, match="begins with nothing"), transaction.atomic():
                Account.objects.create(organization=acme, type=type, name="Rich", balance_cents=1)

    def test_of_accounts_outside_are_snapshots_and_may_be_set(self, bank):
        Account.objects.filter(id=bank.id).update(balance_cents=12)

        assert balances(bank) == [12]

    @pytest.mark.parametrize(
        ("what", "constraint"),
        [
            ("held_cents = -1", "account_held_not_negative"),
            ("held_cents = balance_cents + 1", "account_available_not_negative"),
            ("deleted_at = now()", "account_deleted_is_empty"),
            ("type = 'piggy_bank'", "account_type_is_known"),
            ("external_account_type = 'DEPOSITORY'", "account_external_type_fits_type"),
            ("type = 'external_account'", "account_external_type_fits_type"),
            ("next_payment_minimum_cents = 1", "account_liability_facts_of_liability"),
        ],
    )
    def test_hold_to_the_constraints(self, income, what, constraint):
        assert constraint in refusal(change(income, what))


class TestTransfer:
    """UPDATE and DELETE of transfers_transfer."""

    ALL = [(before, after) for before, after in product(Status, Status) if before != after]
    FIELDS = {
        Status.COMPLETE: "completed_at = now(), error_code = NULL",
        Status.INCOMPLETE: "error_code = 'insufficient_funds', completed_at = NULL",
        Status.ERROR: "error_code = 'payment_failed', completed_at = NULL",
        Status.CANCELLED: "cancel_reason = 'rejected', error_code = NULL, completed_at = NULL",
    }

    def put(self, transfer, status):
        """Write a status in raw SQL, past the guard when the test sets its scene."""
        fields = self.FIELDS.get(status, "error_code = NULL, completed_at = NULL")
        fields = fields if status == Status.CANCELLED else f"{fields}, cancel_reason = NULL"
        return change(transfer, f"status = '{status}', {fields}")

    @pytest.fixture
    def begin_with(self, waiting):
        """Return a function that puts the transfer into any status at all."""

        def begin(status):
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("ALTER TABLE transfers_transfer DISABLE TRIGGER USER")
                cursor.execute(*self.put(waiting, status))
                cursor.execute("ALTER TABLE transfers_transfer ENABLE TRIGGER USER")
            return waiting

        return begin

    @pytest.mark.parametrize(("before", "after"), [pair for pair in ALL if pair not in TRANSITIONS])
    def test_never_goes_back(self, begin_with, before, after):
        transfer = begin_with(before)

        assert "Invalid transition" in refusal(self.put(transfer, after))

    @pytest.mark.parametrize(("before", "after"), TRANSITIONS)
    def test_goes_on(self, begin_with, before, after):
        transfer = begin_with(before)
        with connection.cursor() as cursor:
            cursor.execute(*self.put(transfer, after))

        transfer.refresh_from_db()
        assert transfer.status == after

    def test_is_never_deleted(self, waiting):
        assert "Cannot delete rows" in refusal(("DELETE FROM transfers_transfer", []))
        assert Transfer.objects.filter(id=waiting.id).exists()

    @pytest.mark.parametrize(
        ("what", "constraint"),
        [
            ("amount_cents = 0", "transfer_amount_in_range"),
            ("amount_cents = -1", "transfer_amount_in_range"),
            (f"amount_cents = {2**53}", "transfer_amount_in_range"),
            ("destination_id = source_id", "transfer_between_two_accounts"),
            ("source_id = NULL", "transfer_has_its_ends"),
            ("destination_id = NULL", "transfer_has_its_ends"),
            ("direction = 'money_in', origin = 'paycheck', destination_id = NULL", "transfer_has_its_ends"),
            ("direction = 'money_out', source_id = NULL", "transfer_has_its_ends"),
            ("origin = 'paycheck'", "transfer_origin_fits_direction"),
            ("direction = 'money_in'", "transfer_origin_fits_direction"),
            ("direction = 'money_out', origin = 'user_pull'", "transfer_origin_fits_direction"),
            ("error_code = 'payment_failed'", "transfer_error_code_when_it_failed"),
            ("status = 'incomplete'", "transfer_error_code_when_it_failed"),
            ("completed_at = now()", "transfer_completed_at_when_complete"),
            ("status = 'complete'", "transfer_completed_at_when_complete"),
            ("status = 'cancelled'", "transfer_cancel_reason_when_cancelled"),
            ("status = 'cancelled', cancel_reason = 'a whim'", "transfer_cancel_reason_when_cancelled"),
            ("cancel_reason = 'by_key'", "transfer_cancel_reason_when_cancelled"),
        ],
    )
    def test_holds_to_the_constraints(self, waiting, what, constraint):
        assert constraint in refusal(change(waiting, what))

    def test_has_a_known_status_also_when_it_is_new(self, waiting):
        assert "transfer_status_is_known" in refusal(copy_of(waiting, status="lost"))

    @pytest.mark.parametrize("column", ASKED)
    def test_stays_what_was_asked(self, settled, column):
        other = {"id": "gen_random_uuid()", "amount_cents": "1", "created_at": "now()"}.get(column)
        if column.endswith("_id") and column != "request_id":
            other = "NULL" if getattr(settled, column) else "gen_random_uuid()"

        words = refusal(change(settled, f"{column} = {other or repr('other')}"))

        assert "was asked to be never changes" in words or "transfer_" in words or "not-null" in words
        assert Transfer.objects.filter(id=settled.id, amount_cents=30_00).exists()

    @pytest.mark.parametrize("column", ASKED)
    def test_may_be_written_as_it_is(self, settled, column):
        commit(change(settled, f"{column} = {column}"))

    @pytest.mark.parametrize("what", ["decided_by = 'staff:bob'", "decided_at = now()", "cancelled_by = 'staff:bob'"])
    def test_is_decided_with_its_status_alone(self, settled, what):
        assert "is set once, with its status" in refusal(change(settled, what))

    @pytest.mark.parametrize("what", ["decided_by = 'staff:bob'", "decided_by = NULL", "decided_at = now()"])
    def test_is_decided_once(self, client_with, income, rent, what):
        decided = transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 1_00)
        approve_transfer(transfer_id=decided.id, by="staff:ann")
        cancelled = "status = 'cancelled', cancel_reason = 'rejected'"

        assert "is set once, with its status" in refusal(change(decided, f"{cancelled}, {what}"))
        commit(change(decided, f"{cancelled}, cancelled_by = 'staff:bob'"))


class TestCheckLedger:
    def test_finds_nothing_after_all_those_attacks(self, settled, income, rent):
        fund(rent, 1)

        assert find_faults() == []
