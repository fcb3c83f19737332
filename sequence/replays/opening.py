"""Opening of a replay: how the accounts stood at its beginning, read from a snapshot of the database.

The ledger's accounts by their postings. What an institution told last of its own is taken back by what was moved since:
its balances of earlier days are not kept, nor are its figures.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rules.engine.snapshot import AccountState
from rules.engine.usage import Sum, Window
from rules.execution_rows import sum_moved
from sequence.core.api.ids import parse_id, show_id
from sequence.replays.history import Accounts
from sequence.replays.question import Opening
from sequence.replays.snapshot import Snapshot
from transfers.models import Status
from transfers.rails import rail_between

_ACCOUNTS = """
    SELECT id, name, type = 'external_account', external_account_type, balance_cents, last_statement_balance_cents,
        paid_since_statement_cents, next_payment_minimum_cents, paid_since_minimum_cents, interest_rate_percent,
        deleted_at
    FROM accounts_account WHERE organization_id = %(organization)s AND id = ANY(%(all)s::uuid[]) ORDER BY id
"""
_POSTED_SINCE = """
    SELECT account_id, sum(amount_cents) FROM transfers_posting
    WHERE account_id = ANY(%(all)s::uuid[]) AND posted_at > %(since)s GROUP BY account_id
"""
# Of accounts at other institutions, which have no postings.
_MOVED_SINCE = """
    SELECT moved.account_id, sum(CASE entry.kind WHEN 'reversal' THEN -moved.cents ELSE moved.cents END)
    FROM (
        SELECT id, source_id AS account_id, -amount_cents AS cents FROM transfers_transfer
        WHERE source_id = ANY(%(outside)s::uuid[])
        UNION ALL
        SELECT id, destination_id, amount_cents FROM transfers_transfer WHERE destination_id = ANY(%(outside)s::uuid[])
    ) moved
    JOIN transfers_entryset entry ON entry.transfer_id = moved.id AND entry.posted_at > %(since)s
    GROUP BY moved.account_id
"""
_ON_THEIR_WAY = """
    SELECT source_id, destination_id, amount_cents FROM transfers_transfer
    WHERE organization_id = %(organization)s AND direction IN ('money_in', 'money_out') AND accepted_at <= %(since)s
        AND (source_id = ANY(%(all)s::uuid[]) OR destination_id = ANY(%(all)s::uuid[]))
        AND (completed_at > %(since)s AND accepted_at < completed_at OR completed_at IS NULL AND status = %(pending)s)
"""


class OpeningReader:
    """Reads one opening."""

    def __init__(self, snapshot: Snapshot, accounts: Accounts, organization_id: str, since: datetime) -> None:
        self._snapshot = snapshot
        self._since = since
        self._values = {
            "organization": parse_id("org", organization_id),
            "all": [parse_id("acc", id) for id in sorted(accounts.all)],
            "outside": [parse_id("acc", id) for id in sorted(accounts.outside)],
            "since": since,
            "pending": Status.PENDING.value,
        }

    def read(self) -> Opening:
        gained: dict[uuid.UUID, int] = {
            # Sums are numerics: a thousand of the largest transfers are more than a bigint.
            account: int(cents)
            for statement in (_POSTED_SINCE, _MOVED_SINCE)
            for account, cents in self._snapshot.fetch(statement, self._values)
        }
        states: dict[str, AccountState] = {}
        deleted_at: dict[str, datetime] = {}
        for id, *facts, gone_at in self._snapshot.fetch(_ACCOUNTS, self._values):
            state = states[show_id("acc", id)] = _state(show_id("acc", id), *facts)
            # Back to the beginning: what was gained since is lost again.
            state.settle(-gained.get(id, 0))
            if gone_at is not None:
                deleted_at[state.id] = gone_at
        self._add_what_is_under_way(states)
        return Opening(states, rail_between, deleted_at, self._used)

    def _add_what_is_under_way(self, states: dict[str, AccountState]) -> None:
        for source, destination, cents in self._snapshot.fetch(_ON_THEIR_WAY, self._values):
            payer, paid = _found(states, source), _found(states, destination)
            if payer is not None:
                payer.held_cents += cents
            if paid is not None:
                paid.incoming_cents += cents

    def _used(self, windows: Sequence[Window]) -> list[Sum]:
        """Return what the rule really moved in these windows until the beginning."""
        until = self._since + timedelta(microseconds=1)
        cut = [Window(each.rule_id, each.version_id, each.begins_at, min(each.ends_at, until)) for each in windows]
        whole = dict(zip(cut, windows, strict=True))
        sums = sum_moved(cut, made_until=self._since, fetch=self._snapshot.fetch)
        return [(whole[window], key, group, cents) for window, key, group, cents in sums]


def _state(
    id: str,
    name: str,
    is_external: bool,
    external_account_type: str | None,
    balance_cents: int | None,
    *figures: Any,
) -> AccountState:
    statement_cents, paid_since_statement, minimum_cents, paid_since_minimum, interest_rate = figures
    return AccountState(
        id=id,
        name=name,
        external_account_type=external_account_type,
        balance_cents=balance_cents,
        last_statement_balance_cents=statement_cents,
        paid_since_statement_cents=paid_since_statement,
        next_payment_minimum_cents=minimum_cents,
        paid_since_minimum_cents=paid_since_minimum,
        interest_rate_percent=interest_rate,
        is_external=is_external,
    )


def _found(states: dict[str, AccountState], id: uuid.UUID | None) -> AccountState | None:
    return None if id is None else states.get(show_id("acc", id))
