"""Ledger invariants: every balance and every hold, proved from the postings and transfers alone.

Each check is one query that returns what is wrong, and nothing when all is right. All of them read one snapshot, so
that money on its way between two queries is no fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from sequence.core.api.ids import show_id
from sequence.core.wired import wired

# More than a person reads; the count tells the rest.
SHOWN_PER_CHECK = 100


@dataclass(frozen=True)
class Fault:
    """Something in the books that cannot be: which check found it, on what, and in words."""

    check: str
    subject: str
    message: str


@dataclass(frozen=True)
class Check:
    """A query for faults. Its first column is the subject; the others fill the message."""

    name: str
    prefix: str
    message: str
    query: str

    @property
    def is_about_ids(self) -> bool:
        """Whether the subject is an id: the prefix of one is a single word."""
        return self.prefix.isalpha()


CHECKS = (
    Check(
        "entry_set_balances",
        "entry set",
        "it has {1} postings that sum to {0} cents, not two or more that sum to zero",
        """
        SELECT entry_set.id, COALESCE(SUM(posting.amount_cents), 0), COUNT(posting.id)
        FROM transfers_entryset entry_set LEFT JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
        GROUP BY entry_set.id HAVING COALESCE(SUM(posting.amount_cents), 0) <> 0 OR COUNT(posting.id) < 2
        """,
    ),
    Check(
        "balance_is_its_postings",
        "acc",
        "the balance is {0} cents, but the postings add up to {1}",
        """
        SELECT account.id, account.balance_cents, COALESCE(SUM(posting.amount_cents), 0)
        FROM accounts_account account LEFT JOIN transfers_posting posting ON posting.account_id = account.id
        WHERE account.type <> 'external_account'
        GROUP BY account.id, account.organization_id
        HAVING account.balance_cents IS DISTINCT FROM COALESCE(SUM(posting.amount_cents), 0)
        """,
    ),
    Check(
        "marks_are_their_postings",
        "acc",
        "{0} cents are noted as held after a posting, but those up to it add up to {1}",
        """
        SELECT mark.account_id, mark.balance_cents, COALESCE(posted.cents, 0)
        FROM transfers_balancemark mark LEFT JOIN (
            SELECT id, account_id, SUM(amount_cents) OVER (PARTITION BY account_id ORDER BY posted_at, id) AS cents
            FROM transfers_posting WHERE account_id IS NOT NULL
        ) posted ON (posted.id, posted.account_id) = (mark.posting_id, mark.account_id)
        WHERE mark.balance_cents IS DISTINCT FROM posted.cents
        """,
    ),
    Check(
        "holds_are_pending_transfers",
        "acc",
        "{0} cents are held, but its pending outgoing transfers add up to {1}",
        """
        SELECT account.id, account.held_cents, COALESCE(SUM(transfer.amount_cents), 0)
        FROM accounts_account account
        LEFT JOIN transfers_transfer transfer ON transfer.source_id = account.id AND transfer.status = 'pending'
        GROUP BY account.id, account.organization_id
        HAVING account.held_cents <> COALESCE(SUM(transfer.amount_cents), 0)
        """,
    ),
    Check(
        "nothing_is_negative",
        "acc",
        "{0} cents of a balance of {1} are held: less than nothing is left",
        """
        SELECT id, held_cents, balance_cents FROM accounts_account
        WHERE held_cents < 0 OR (type <> 'external_account' AND balance_cents < held_cents)
        """,
    ),
    Check(
        "external_accounts_have_no_postings",
        "acc",
        "{0} postings stand on an account of another institution",
        """
        SELECT account.id, COUNT(*) FROM accounts_account account
        JOIN transfers_posting posting ON posting.account_id = account.id
        WHERE account.type = 'external_account' GROUP BY account.id
        """,
    ),
    Check(
        "complete_transfers_are_posted",
        "txr",
        "it completed, but the ledger has {0} settlements of it",
        """
        SELECT transfer.id, COUNT(entry_set.id) FROM transfers_transfer transfer
        LEFT JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id AND entry_set.kind = 'settlement'
        WHERE transfer.completed_at IS NOT NULL GROUP BY transfer.id HAVING COUNT(entry_set.id) <> 1
        """,
    ),
    Check(
        "returned_transfers_are_reversed",
        "txr",
        "it completed and is {0}, but the ledger has {1} reversals of it",
        """
        SELECT transfer.id, transfer.status, COUNT(entry_set.id) FROM transfers_transfer transfer
        LEFT JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id AND entry_set.kind = 'reversal'
        WHERE transfer.completed_at IS NOT NULL GROUP BY transfer.id, transfer.organization_id
        HAVING COUNT(entry_set.id) <> CASE transfer.status WHEN 'error' THEN 1 ELSE 0 END
        """,
    ),
    Check(
        "only_complete_transfers_are_posted",
        "txr",
        "it is {0} and never completed, but the ledger moved money for it",
        """
        SELECT DISTINCT transfer.id, transfer.status FROM transfers_transfer transfer
        JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id
        WHERE transfer.completed_at IS NULL
        """,
    ),
    Check(
        "postings_are_the_transfers_amount",
        "txr",
        "its amount is {0} cents, but a set of its postings moves {1}",
        """
        SELECT transfer.id, transfer.amount_cents, SUM(posting.amount_cents) FILTER (WHERE posting.amount_cents > 0)
        FROM transfers_transfer transfer
        JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id
        JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
        GROUP BY transfer.id, transfer.organization_id, entry_set.id
        HAVING COALESCE(SUM(posting.amount_cents) FILTER (WHERE posting.amount_cents > 0), 0) <> transfer.amount_cents
        """,
    ),
    Check(
        "postings_are_on_the_transfers_accounts",
        "txr",
        "a posting of it stands on {0}, which is neither its source nor its destination",
        """
        SELECT transfer.id, account.name FROM transfers_posting posting
        JOIN transfers_entryset entry_set ON entry_set.id = posting.entry_set_id
        JOIN transfers_transfer transfer ON transfer.id = entry_set.transfer_id
        JOIN accounts_account account ON account.id = posting.account_id
        WHERE posting.account_id IS DISTINCT FROM transfer.source_id
          AND posting.account_id IS DISTINCT FROM transfer.destination_id
        """,
    ),
    Check(
        "suspense_is_itemized",
        "ledger posting",
        "{0} cents of it are in suspense, but its item says {1}",
        """
        SELECT COALESCE(posting.id, item.posting_id), COALESCE(posting.amount_cents, 0), item.amount_cents
        FROM (
            SELECT posting.id, posting.amount_cents FROM transfers_posting posting
            JOIN transfers_entryset entry_set ON entry_set.id = posting.entry_set_id AND entry_set.kind <> 'release'
            WHERE posting.clearing = 'suspense'
        ) posting FULL JOIN transfers_suspenseitem item ON item.posting_id = posting.id
        WHERE posting.amount_cents IS DISTINCT FROM item.amount_cents
        """,
    ),
    Check(
        "suspense_is_worked_off_as_decided",
        "entry set",
        "{0} suspense items were posted by it, and it moves {1} cents out of suspense to where they belong, of {2}",
        """
        SELECT COALESCE(moved.id, item.entry_set_id), COUNT(item.id), COALESCE(SUM(moved.cents), 0),
               COALESCE(SUM(item.amount_cents), 0)
        FROM (
            SELECT entry_set.id, -SUM(posting.amount_cents) FILTER (WHERE posting.clearing = 'suspense') AS cents,
                   MAX(posting.account_id::text) AS account, BOOL_OR(posting.clearing = 'write_off') AS is_write_off
            FROM transfers_entryset entry_set LEFT JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
            WHERE entry_set.kind = 'release' GROUP BY entry_set.id
        ) moved FULL JOIN (SELECT * FROM transfers_suspenseitem WHERE entry_set_id IS NOT NULL) item
            ON item.entry_set_id = moved.id
        GROUP BY moved.id, item.entry_set_id
        HAVING COUNT(item.id) <> 1 OR COUNT(moved.id) <> 1 OR BOOL_OR(moved.cents IS DISTINCT FROM item.amount_cents
            OR moved.account IS DISTINCT FROM item.account_id::text
            OR (item.account_id IS NULL) IS DISTINCT FROM COALESCE(moved.is_write_off, FALSE))
        """,
    ),
    Check(
        "caps_count_their_transfers",
        "counter of entry",
        "the {0} of {1} counts {2} cents in {4} transfers, but its transfers are {5} and add up to {3}",
        # Counters of triggers have no pair, and count no transfers.
        """
        SELECT spend_id, period, starts_on, COALESCE(counter.spent_cents, 0), COALESCE(moved.cents, 0),
               COALESCE(counter.uses, 0), COALESCE(moved.transfers, 0)
        FROM apikeys_spendcounter counter FULL JOIN (
            SELECT spend_id, period,
                   date_trunc(period, COALESCE(not_before, created_at) AT TIME ZONE 'UTC')::date AS starts_on,
                   SUM(amount_cents) AS cents, COUNT(*) AS transfers
            FROM transfers_transfer, unnest(ARRAY['day', 'week', 'month']) AS period
            WHERE spend_id IS NOT NULL AND status IN ('pending_approval', 'processing', 'pending', 'complete')
            GROUP BY spend_id, period, starts_on
        ) moved USING (spend_id, period, starts_on)
        WHERE COALESCE(counter.spent_cents, 0) <> COALESCE(moved.cents, 0)
           OR COALESCE(counter.uses, 0) <> COALESCE(moved.transfers, 0)
              AND spend_id IN (SELECT spend_id FROM apikeys_spentpair)
        """,
    ),
)


def all_checks() -> Sequence[Check]:
    """Return every check there is, those of the apps above included."""
    checks: Sequence[Check] = wired("LEDGER_CHECKS")
    return checks


def count_checks() -> int:
    """Return how many checks there are."""
    return len(all_checks())


@transaction.atomic
def find_faults() -> list[Fault]:
    """Return what is wrong in the books, at most SHOWN_PER_CHECK of each kind, as of one instant."""
    if not connection.savepoint_ids:  # PostgreSQL takes it only as the first word of a transaction.
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return [fault for check in all_checks() for fault in _run(check)]


def _run(check: Check) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(f"{check.query} LIMIT {SHOWN_PER_CHECK}")
        rows = cursor.fetchall()
    for subject, *facts in rows:
        yield Fault(check.name, _subject(check, subject), check.message.format(*facts))


def _subject(check: Check, subject: object) -> str:
    if check.is_about_ids:
        return show_id(check.prefix, subject)  # type: ignore[arg-type]
    return f"{check.prefix} {subject}"
