"""Readers of the outbox: each goes through an organization's numbered events at its own pace.

A reader is a name, and its cursor a row for each organization that it reads: one more costs no column, and no table.
Whoever reads holds the cursor's row and moves it in the transaction that writes what it makes of the events, so that
each event is read once. Events are kept until the last reader has passed them.
"""

from django.db import connection

from sequence.core.api.ids import parse_id
from sequence.core.swept_sql import swept_sql

_OPEN = """
INSERT INTO sequence_eventreader (organization_id, name, after_sequence)
VALUES (%(organization)s, %(name)s,
    coalesce((SELECT last_sequence FROM sequence_eventcounter WHERE organization_id = %(organization)s), 0))
ON CONFLICT (organization_id, name) DO NOTHING
"""
# Not in the order of the ids: with more organizations behind than one look takes, those that come last would starve.
_HOLD = """
SELECT reader.organization_id, reader.after_sequence,
    least(counter.last_sequence, reader.after_sequence + {events}) AS until_sequence
FROM sequence_eventreader AS reader JOIN sequence_eventcounter AS counter USING (organization_id)
WHERE reader.name = '{name}' AND counter.last_sequence > reader.after_sequence{swept}
ORDER BY random() LIMIT {organizations} FOR NO KEY UPDATE OF reader SKIP LOCKED
"""


def open_reader(name: str, organization_id: str) -> None:
    """Let it read what is numbered from here on, if it does not read the organization's events yet."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"organization": parse_id("org", organization_id), "name": name})


def hold_behind(name: str, *, organizations: int, events: int) -> str:
    """Return the SELECT that holds the cursors of a reader which is behind, but for those that somebody else holds.

    It tells ``organization_id``, ``after_sequence`` and ``until_sequence``, at most ``events`` further. All that is
    numbered up to there is seen by the same statement, and nothing comes below it any more.
    """
    swept = swept_sql("reader.organization_id")
    return _HOLD.format(name=name, organizations=int(organizations), events=int(events), swept=swept)
