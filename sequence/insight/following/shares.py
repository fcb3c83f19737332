"""Shares: which later postings of an account carried an arrival's money away, and which earlier ones brought it.

Money has no marks. It is taken to leave an account in the order in which it came, so that both questions have one
answer to the cent, and forwards and backwards tell the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from transfers.expressions import BalanceAfter

# Postings that are looked through on either side of one, so that a page costs the same however much an account moves.
REACH = 1000


@dataclass
class Split:
    """What became of one posting's cents: ``shares`` by entry set, in order; ``number`` counts those left out too.

    ``rest_cents`` is what no posting within reach took or brought.
    """

    cents: int
    rest_cents: int
    number: int
    is_beyond_reach: bool
    shares: dict[int, int] = field(default_factory=dict)


# The cents that are asked about lie between low and high, counted along the postings that are met on the way.
_STATEMENT = """
WITH start AS (
    SELECT posting.id, posting.account_id, posting.posted_at, abs(posting.amount_cents) AS cents,
        {held} - posting.amount_cents AS before_cents
    FROM transfers_posting posting WHERE posting.id = ANY (%(postings)s)
), met AS (
    SELECT start.id AS start, near.entry_set_id, near.cents, near.number,
        SUM(near.cents) OVER (PARTITION BY start.id ORDER BY near.number) AS upto,
        {low} AS low, {low} + start.cents AS high
    FROM start CROSS JOIN LATERAL (
        SELECT other.entry_set_id, GREATEST({sign} * other.amount_cents, 0) AS cents,
            row_number() OVER (ORDER BY {order}) AS number
        FROM transfers_posting other
        WHERE other.account_id = start.account_id AND (other.posted_at, other.id) {side} (start.posted_at, start.id)
        ORDER BY {order} LIMIT %(reach)s
    ) near
), shared AS (
    SELECT start, entry_set_id, number, LEAST(upto, high) - GREATEST(upto - cents, low) AS cents
    FROM met WHERE cents > 0 AND upto > low AND upto - cents < high
), counted AS (
    SELECT *, row_number() OVER (PARTITION BY start, is_known ORDER BY number) AS place,
        COUNT(*) FILTER (WHERE NOT is_known) OVER (PARTITION BY start) AS shares,
        SUM(cents) OVER (PARTITION BY start) AS total
    FROM (SELECT *, entry_set_id = ANY (%(known)s) AS is_known FROM shared) shared
)
SELECT start.id, start.cents, (SELECT MAX(number) FROM met WHERE met.start = start.id), counted.entry_set_id,
    counted.cents, counted.shares, counted.total, counted.is_known
FROM start LEFT JOIN counted ON counted.start = start.id AND counted.place <= %(width)s
ORDER BY start.id, counted.place
"""
_HELD = BalanceAfter.template % {
    "expressions": "posting.organization_id, posting.account_id, posting.posted_at, posting.id"
}
_FORWARDS = _STATEMENT.format(held=_HELD, low="start.before_cents", sign="-1", side=">", order="posted_at, id")
# Backwards the newest arrivals are met first: they are what stays behind when the posting takes the oldest.
_BACKWARDS = _STATEMENT.format(
    held=_HELD, low="start.before_cents - start.cents", sign="1", side="<", order="posted_at DESC, id DESC"
)


def carried_away(posting_ids: Iterable[int], *, width: int, known: Iterable[int] = ()) -> dict[int, Split]:
    """Return where the cents of these arrivals went, for each the first ``width`` of those that took them.

    Entry sets that are ``known`` take their share, and are not told.
    """
    return _split(_FORWARDS, posting_ids, width, known)


def brought_by(posting_ids: Iterable[int], *, width: int) -> dict[int, Split]:
    """Return where the cents of these departures came from, for each the newest ``width`` that brought them."""
    return _split(_BACKWARDS, posting_ids, width, ())


def _split(statement: str, posting_ids: Iterable[int], width: int, known: Iterable[int]) -> dict[int, Split]:
    asked = list(posting_ids)
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"postings": asked, "reach": REACH, "width": width, "known": list(known)})
        rows = cursor.fetchall()
    splits: dict[int, Split] = {}
    for start, cents, met, entry_set_id, share, number, total, is_known in rows:
        rest = int(cents - (total or 0))
        split = splits.setdefault(start, Split(cents, rest, number or 0, rest > 0 and (met or 0) >= REACH))
        if entry_set_id is not None and not is_known:
            split.shares[entry_set_id] = int(share)
    return splits
