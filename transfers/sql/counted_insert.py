"""Insert of a transfer that a key asks for, and the count of it by its permission entry, in one statement.

Hand-written because every such request pays for it: the ORM composes the same text anew each time, and the counters
would cost a round trip of their own while the transaction is open. What stands in the tables is the same.
"""

from django.db import DEFAULT_DB_ALIAS
from psycopg.types.numeric import Int8

from apikeys.caps import COUNT_ASKED, count_parameters
from apikeys.entries import Permission
from apikeys.limits import SpendPeriod
from sequence.core.api.ids import parse_id
from sequence.core.database.kept_cursor import fetch
from sequence.core.transactions import TryAgain
from transfers.models import Transfer

# Every other column of a transfer that begins is null.
_INSERT = f"""
WITH asked AS (
    INSERT INTO transfers_transfer (id, organization_id, amount_cents, direction, origin, status, description,
        source_id, destination_id, rail, api_key_id, request_id, called_reason, spend_id, created_at, not_before,
        updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    RETURNING organization_id, spend_id, created_at, not_before, amount_cents
), counted AS ({COUNT_ASKED})
SELECT count(*) FROM counted
"""  # noqa: S608 - only a constant is put in


def insert_counted(transfer: Transfer, permission: Permission) -> None:
    """Put down a transfer that no rule made and nobody has decided, and count it if the entry's caps still hold.

    Raises TryAgain when somebody was faster.
    """
    values = [
        parse_id("txr", transfer.id),
        parse_id("org", transfer.organization_id),
        Int8(transfer.amount_cents),
        str(transfer.direction),
        str(transfer.origin),
        str(transfer.status),
        transfer.description,
        parse_id("acc", transfer.source_id or ""),
        parse_id("acc", transfer.destination_id or ""),
        transfer.rail,
        parse_id("key", transfer.api_key_id or ""),
        transfer.request_id,
        transfer.called_reason,
        transfer.spend_id,
        transfer.created_at,
        transfer.not_before,
        transfer.updated_at,
    ]
    [(counted,)] = fetch(_INSERT, [*values, *count_parameters(permission)])
    if counted < len(SpendPeriod):
        raise TryAgain
    transfer._state.adding, transfer._state.db = False, DEFAULT_DB_ALIAS
