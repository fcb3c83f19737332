"""SQL of the sweeps: what each does to a hundred transfers in one statement.

Each statement is the fast form of something that ``transfers.settlement`` says in Python, row by row;
``tests/transfers/sql/test_sweeps.py`` holds the two equal on states made by chance. A batch of a hundred costs what one
transfer would, and each round trip that is saved is time in which a hot account's lock is not held.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.models import Account
from sequence.core.api.ids import parse_id
from sequence.core.money import MAX_CENTS
from sequence.core.swept_sql import swept_sql
from sequence.core.typing import JsonObject
from transfers.models import STALLED_REST, Transfer

# ``claimed`` is what ``Transfer.objects.accepted().due().ready()`` claims, and ``locked`` what ``lock_accounts_of``
# locks.
#
# An account is solid when all that it sends in this batch can go at once (``is_plain``: between two accounts of the
# ledger that are there, on a rail of the ledger, by somebody whom nobody has stopped), when it has the money for all of
# it without counting what comes in, and when its balance stays countable whatever comes in. A transfer between two
# solid accounts completes wherever it stands in the batch, and nothing that is left for later depends on it: what is
# left touches solid accounts only as payers that have enough, or as payees that can take it. All that touches any other
# account is left, so that it is done in its order.
_SETTLE_FUNDED = """
WITH claimed AS MATERIALIZED (
    SELECT id, organization_id, amount_cents, rail, source_id, destination_id, api_key_id, created_at,
        COALESCE(not_before, '-infinity'::timestamptz) AS waits_until
    FROM transfers_transfer
    WHERE status = 'processing' AND COALESCE(not_before, '-infinity'::timestamptz) <= %(now)s
        AND (stalled_at IS NULL OR stalled_at <= %(rested)s OR stalled_at > %(now)s){swept}
    ORDER BY waits_until, created_at, id LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED
), locked AS MATERIALIZED (
    SELECT id, balance_cents - held_cents AS available,
        type <> 'external_account' AND deleted_at IS NULL AS is_there
    FROM accounts_account
    WHERE id = ANY (ARRAY(SELECT source_id FROM claimed UNION SELECT destination_id FROM claimed)){swept}
    ORDER BY id FOR NO KEY UPDATE
), judged AS MATERIALIZED (
    SELECT claimed.*, claimed.rail = ANY (%(rails)s) AND source.is_there AND destination.is_there
        AND organization.status = 'active' AND key.paused_at IS NULL AND key.revoked_at IS NULL AS is_plain
    FROM claimed
    JOIN locked source ON source.id = claimed.source_id
    JOIN locked destination ON destination.id = claimed.destination_id
    JOIN apikeys_organization organization ON organization.id = claimed.organization_id
    LEFT JOIN apikeys_apikey key ON key.id = claimed.api_key_id{swept_key}
), shaky AS MATERIALIZED (
    SELECT locked.id FROM locked JOIN (
        SELECT end_id, SUM(sent) AS sent, SUM(received) AS received, BOOL_AND(is_plain) AS is_plain
        FROM (
            SELECT source_id AS end_id, amount_cents AS sent, 0 AS received, is_plain FROM judged
            UNION ALL SELECT destination_id, 0, amount_cents, TRUE FROM judged
            UNION ALL SELECT source_id, 0, 0, FALSE FROM claimed WHERE destination_id IS NULL
            UNION ALL SELECT destination_id, 0, amount_cents, TRUE FROM claimed WHERE source_id IS NULL
        ) flow GROUP BY end_id
    ) batch ON batch.end_id = locked.id
    WHERE NOT (batch.is_plain AND batch.sent <= locked.available AND locked.available + batch.received <= {most})
), funded AS MATERIALIZED (
    SELECT * FROM judged
    WHERE is_plain AND source_id NOT IN (SELECT id FROM shaky) AND destination_id NOT IN (SELECT id FROM shaky)
), posted AS (
    INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at)
    SELECT organization_id, 'settlement', id, %(now)s FROM funded ORDER BY waits_until, created_at, id
    RETURNING id, transfer_id
), moved AS (
    INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, amount_cents, posted_at)
    SELECT funded.organization_id, posted.id, leg.account_id, leg.cents, %(now)s
    FROM posted JOIN funded ON funded.id = posted.transfer_id, LATERAL (
        VALUES (funded.source_id, -funded.amount_cents), (funded.destination_id, funded.amount_cents)
    ) leg (account_id, cents)
), completed AS (
    UPDATE transfers_transfer transfer
    SET status = 'complete', accepted_at = coalesce(transfer.accepted_at, %(now)s), completed_at = %(now)s,
        stalled_at = NULL, updated_at = %(now)s
    FROM funded WHERE transfer.id = funded.id{swept_transfer}
)
SELECT (SELECT COUNT(*) FROM claimed), (SELECT COUNT(*) FROM funded)
"""

# ``due`` is what ``SimulatedPayment.objects.with_news()`` finds, and the outcome what ``SimulatedPayment.end`` notes.
_TELL_SIMULATED_NEWS = """
WITH due AS MATERIALIZED (
    SELECT transfer_id, settled_at IS NOT NULL AS comes_back FROM transfers_simulatedpayment
    WHERE (settled_at IS NULL AND settles_at <= %(now)s
            OR settled_at IS NOT NULL AND returned_at IS NULL AND returns_at <= %(now)s)
        AND transfer_id <> ALL (%(except_for)s::uuid[]){swept}
    ORDER BY transfer_id LIMIT {limit} FOR UPDATE SKIP LOCKED
), told AS (
    UPDATE transfers_simulatedpayment payment
    SET settled_at = coalesce(payment.settled_at, %(now)s),
        returned_at = CASE WHEN due.comes_back THEN %(now)s ELSE payment.returned_at END,
        returns_at = CASE WHEN NOT due.comes_back AND payment.outcome = 'settle' AND payment.return_code <> ''
            THEN %(now)s + payment.return_delay_seconds * interval '1 second' ELSE payment.returns_at END
    FROM due WHERE payment.transfer_id = due.transfer_id{swept_payment}
    RETURNING payment.transfer_id, due.comes_back, payment.outcome, payment.fail_code, payment.return_code
)
SELECT * FROM told ORDER BY transfer_id
"""

_ADD_TO_ACCOUNTS = """
UPDATE accounts_account account
SET held_cents = account.held_cents + change.held,
    balance_cents = account.balance_cents + change.snapshot,
    paid_since_statement_cents = CASE WHEN account.external_account_type = 'LIABILITY'
        THEN greatest(0, account.paid_since_statement_cents - change.snapshot) ELSE 0 END,
    paid_since_minimum_cents = CASE WHEN account.external_account_type = 'LIABILITY'
        THEN greatest(0, account.paid_since_minimum_cents - change.snapshot) ELSE 0 END,
    balance_updated_at = CASE WHEN change.snapshot = 0 THEN account.balance_updated_at ELSE %s END
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS change (id, held, snapshot)
WHERE account.id = change.id AND account.organization_id = ANY(%s::uuid[])
"""

_WRITE_OUTCOMES = """
UPDATE transfers_transfer transfer
SET status = change.status, error_code = change.error_code, cancel_reason = change.cancel_reason,
    accepted_at = change.accepted_at, completed_at = change.completed_at,
    stalled_at = NULL, updated_at = %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS change (id, status, error_code, cancel_reason, accepted_at, completed_at)
WHERE transfer.id = change.id AND transfer.organization_id = ANY(%s::uuid[])
"""


def _owners(rows: Iterable[Account | Transfer]) -> list[UUID | None]:
    """Return whose the rows are: statements name the organization, though an id would do."""
    return list({parse_id("org", row.organization_id) for row in rows})


def settle_funded(now: datetime, *, limit: int, rails: Collection[str]) -> tuple[int, int]:
    """Complete what the ledger alone can move, on ``rails``, of the oldest ``limit`` accepted transfers.

    Returns how many of them there were, and how many it completed. The others are as they were, for ``accept`` to
    decide in their order: those whose payer may lack the money, or that are no plain payment in the ledger.
    """
    # A number in the text, not a parameter: the plan is then one for a hundred rows, and made once.
    statement = _SETTLE_FUNDED.format(
        limit=int(limit),
        swept=swept_sql(),
        swept_key=swept_sql("key.organization_id"),
        swept_transfer=swept_sql("transfer.organization_id"),
        most=MAX_CENTS,
    )
    facts: JsonObject = {
        "now": now,
        "rested": now - STALLED_REST,
        "rails": sorted(rails),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        claimed, funded = cursor.fetchone()
    return claimed, funded


class SimulatedNews(NamedTuple):
    """What a simulated payment has to tell: that it comes back, or how it ended."""

    transfer_id: UUID
    comes_back: bool
    outcome: str
    fail_code: str | None
    return_code: str | None


def tell_simulated_news(now: datetime, *, limit: int, except_for: Collection[str]) -> list[SimulatedNews]:
    """Note of at most ``limit`` simulated payments that their news is told, and return it."""
    statement = _TELL_SIMULATED_NEWS.format(
        limit=int(limit), swept=swept_sql(), swept_payment=swept_sql("payment.organization_id")
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "except_for": [parse_id("txr", id) for id in except_for]})
        return [SimulatedNews(*row) for row in cursor.fetchall()]


def add_to_accounts(
    held: Mapping[str, int], snapshots: Mapping[str, int], accounts: Mapping[str, Account], at: datetime
) -> None:
    """Add to what the accounts hold, and to what their institutions are known to have, as of ``at``."""
    changed = sorted(id for id in accounts if held.get(id) or snapshots.get(id))
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_TO_ACCOUNTS,
            [
                at,
                [parse_id("acc", id) for id in changed],
                [held.get(id, 0) for id in changed],
                [snapshots.get(id, 0) for id in changed],
                _owners(accounts[id] for id in changed),
            ],
        )


def write_outcomes(transfers: Sequence[Transfer], at: datetime) -> None:
    """Write what has become of the transfers: status, why, and when."""
    if not transfers:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_OUTCOMES,
            [
                at,
                [parse_id("txr", transfer.id) for transfer in transfers],
                [str(transfer.status) for transfer in transfers],
                [transfer.error_code and str(transfer.error_code) for transfer in transfers],
                [transfer.cancel_reason and str(transfer.cancel_reason) for transfer in transfers],
                [transfer.accepted_at for transfer in transfers],
                [transfer.completed_at for transfer in transfers],
                _owners(transfers),
            ],
        )
