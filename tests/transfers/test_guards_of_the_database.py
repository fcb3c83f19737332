"""What PostgreSQL itself refuses, attacked in raw SQL: no line of Python stands between the attack and the books."""

import uuid
from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from accounts.models import Account, AccountType
from apikeys.models import ApiKey, PermissionEntry
from sequence.core.api.ids import parse_id
from tests.factories import PodFactory
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


# What a transfer was asked to be.
ASKED = [
    *("id", "organization_id", "amount_cents", "direction", "origin", "description", "source_id", "destination_id"),
    *("rail", "rule_id", "rule_execution_id", "api_key_id", "request_id", "created_at"),
]

Statement = tuple[str, list]


def commit(*statements: Statement) -> None:
    """Run the statements, and the checks that PostgreSQL makes when they commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refusal(*statements: Statement) -> str:
    """Return the words with which PostgreSQL refuses the statements, at the latest when they would commit."""
    with pytest.raises(DatabaseError) as refused:
        commit(*statements)
    return str(refused.value)


def change(row: Model, what: str) -> Statement:
    """Return an UPDATE of one row."""
    return f"UPDATE {row._meta.db_table} SET {what} WHERE id = %s", [uuid_of(row)]  # noqa: S608 - the attack


def copy_of(transfer: Transfer, **other: object) -> Statement:
    """Return an INSERT of a transfer like the one, but for some columns."""
    columns = [*ASKED[1:], "status", "updated_at"]
    values = ", ".join("%s" if column in other else column for column in columns)
    sql = (
        f"INSERT INTO transfers_transfer (id, {', '.join(columns)})"  # noqa: S608 - the attack
        f" SELECT gen_random_uuid(), {values} FROM transfers_transfer WHERE id = %s"
    )
    return sql, [*(other[column] for column in columns if column in other), uuid_of(transfer)]


def posting_of(entry_set: EntrySet, organization, account, clearing, cents) -> Statement:
    sql = (
        "INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, clearing, amount_cents, posted_at)"
        " VALUES (%s, %s, %s, %s, %s, now())"
    )
    return sql, [uuid_of(organization), entry_set.id, account and uuid_of(account), clearing, cents]


def uuid_of(row) -> uuid.UUID:
    return parse_id(row.pk.partition("_")[0], row.pk)


@pytest.fixture
def settled(api, income, rent) -> Transfer:
    """A transfer of $30.00 that is through the ledger."""
    transfer = transfer_between(api, income, rent, 30_00)
    settle()
    transfer.refresh_from_db()
    assert transfer.status == Status.COMPLETE
    return transfer


@pytest.fixture
def waiting(api, income, rent) -> Transfer:
    """A transfer that no worker has touched."""
    return transfer_between(api, income, rent, 30_00)


@pytest.fixture
def foreign_pod(globex) -> Account:
    return PodFactory(organization=globex)


class TestEntrySet:
    """INSERT INTO transfers_entryset and transfers_posting."""

    def entry_set(self, transfer, kind="settlement"):
        return (
            "INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at) VALUES (%s, %s, %s, now())",
            [uuid_of(transfer.organization), kind, uuid_of(transfer)],
        )

    def posting(self, account, cents):
        return (
            "INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, amount_cents, posted_at)"
            " VALUES (%s, (SELECT MAX(id) FROM transfers_entryset), %s, %s, now())",
            [uuid_of(account.organization), uuid_of(account), cents],
        )

    def test_is_refused_when_its_postings_do_not_sum_to_zero(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.posting(income, -30_00), self.posting(rent, 30_01))

        assert "do not sum to zero" in words
        assert balances(income, rent) == [100_00, 0]

    def test_is_refused_without_postings(self, waiting):
        assert "fewer than two postings" in refusal(self.entry_set(waiting))

    def test_is_refused_with_a_single_posting(self, waiting, rent):
        words = refusal(self.entry_set(waiting), self.posting(rent, 30_00))

        assert "do not sum to zero" in words or "fewer than two postings" in words
        assert balances(rent) == [0]

    def test_is_refused_when_it_takes_more_than_there_is(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.posting(income, -100_01), self.posting(rent, 100_01))

        assert "account_available_not_negative" in words
        assert balances(income, rent) == [100_00, 0]

    def test_is_refused_when_it_takes_what_is_held(self, waiting, income, rent):
        Account.objects.filter(id=income.id).update(held_cents=90_00)

        words = refusal(self.entry_set(waiting), self.posting(income, -10_01), self.posting(rent, 10_01))

        assert "account_available_not_negative" in words
        Account.objects.filter(id=income.id).update(held_cents=0)

    def test_of_nothing_is_refused(self, waiting, income, rent):
        words = refusal(self.entry_set(waiting), self.posting(income, 0), self.posting(rent, 0))

        assert "posting_moves_something" in words

    def test_is_accepted_when_all_is_right(self, waiting, income, rent):
        commit(self.entry_set(waiting), self.posting(income, -30_00), self.posting(rent, 30_00))

        assert balances(income, rent) == [70_00, 30_00]

    @pytest.mark.parametrize("kind", ["settlement", "reversal"])
    def test_settles_and_reverses_a_transfer_only_once(self, settled, income, rent, kind):
        again = [self.entry_set(settled, kind), self.posting(income, -1), self.posting(rent, 1)]
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
            words = refusal(posting_of(one, settled.organization, account, clearing, 1))
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


class TestOrganizations:
    """Composite foreign keys: a row that crosses from one organization to another cannot be."""

    def test_keep_a_transfers_accounts_to_themselves(self, waiting, foreign_pod):
        for column in ("source_id", "destination_id"):
            words = refusal(copy_of(waiting, **{column: uuid_of(foreign_pod)}))
            assert f"transfers_transfer_{column}_of_same_organization" in words

    def test_keep_a_transfers_key_to_themselves(self, waiting, other_api, globex):
        key = ApiKey.objects.get(organization=globex)

        words = refusal(copy_of(waiting, api_key_id=uuid_of(key)))

        assert "transfers_transfer_api_key_id_of_same_organization" in words

    def test_keep_entry_sets_to_themselves(self, waiting, globex):
        sql = (
            "INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at) VALUES (%s, %s, %s, now())"
        )
        two_clearing_postings = (
            "INSERT INTO transfers_posting (organization_id, entry_set_id, clearing, amount_cents, posted_at)"
            " SELECT organization_id, id, 'ach', cents, now() FROM transfers_entryset, unnest(ARRAY[-1, 1]) cents"
            " WHERE id = (SELECT MAX(id) FROM transfers_entryset)"
        )

        words = refusal((sql, [uuid_of(globex), "settlement", uuid_of(waiting)]), (two_clearing_postings, []))

        assert "transfers_entryset_transfer_id_of_same_organization" in words

    def test_keep_postings_to_themselves(self, settled, globex, foreign_pod, acme):
        one = EntrySet.objects.get(transfer=settled)
        elsewhere = [posting_of(one, globex, None, "ach", cents) for cents in (1, -1)]
        on_theirs = [posting_of(one, acme, foreign_pod, None, 1), posting_of(one, acme, None, "ach", -1)]

        assert "transfers_posting_entry_set_id_of_same_organization" in refusal(*elsewhere)
        assert "transfers_posting_account_id_of_same_organization" in refusal(*on_theirs)

    def test_keep_permission_entries_to_themselves(self, api, globex):
        entry = PermissionEntry.objects.first()
        sql = "UPDATE apikeys_permissionentry SET organization_id = %s WHERE id = %s"

        assert "apikeys_permissionentry_key_of_same_organization" in refusal((sql, [uuid_of(globex), entry.id]))


class TestCheckLedger:
    def test_finds_nothing_after_all_those_attacks(self, settled, income, rent):
        fund(rent, 1)

        assert find_faults() == []
