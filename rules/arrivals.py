"""Arrivals as the rules find them: by a cursor of their own in the events of each organization whose money they route.

One statement holds the cursors of organizations that are behind, reads on, and moves each to just before the first
arrival that it leaves for the next look. What the caller makes of those that it takes commits together with that.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from rules.models import ArrivalLook
from sequence.core.api.ids import parse_id, show_id
from sequence.core.events.readers import hold_behind, open_reader
from sequence.core.swept_sql import swept_sql
from transfers.models import STALLED_REST, Status, Transfer

READER = "rules"
# A transfer becomes complete once, and may be so from the start.
TOLD_BY = ("transfer.created", "transfer.status_changed")
_TELLS_OF_AN_ARRIVAL = f"event.event IN {TOLD_BY!r} AND event.data ->> 'status' = '{Status.COMPLETE.value}'"
# How far one look goes: organizations, and events of each. Passing over an arrival takes some 20 microseconds: after a
# long standstill a look takes less than half a second, and the other sweeps have their turn before the next.
ORGANIZATIONS_AT_ONCE = 20
EVENTS_AT_ONCE = 1_000

# An arrival is awaited where a rule is enabled for its account; whether that may route it is the caller's to say.
# ``LIMIT`` makes each look-up one in an index, whatever PostgreSQL thinks of how many there are.
#
# Of what is passed over the look is noted where something has happened since the arrival that could be why: the money
# has gone back, or a rule or the organization changed. Whoever asks later otherwise takes the arrival's own instant.
_READ = """
WITH rested AS MATERIALIZED (
    SELECT look.organization_id, look.transfer_id FROM rules_arrivallook AS look
    JOIN transfers_transfer AS transfer
        ON transfer.organization_id = look.organization_id AND transfer.id = look.transfer_id
    WHERE look.looked_at IS NULL
        AND (transfer.stalled_at IS NULL OR transfer.stalled_at <= %(rested)s OR transfer.stalled_at > %(now)s){swept}
    ORDER BY transfer.completed_at, transfer.id LIMIT {limit} FOR NO KEY UPDATE OF look SKIP LOCKED
), behind AS MATERIALIZED (
    {behind}
), arrived AS MATERIALIZED (
    SELECT behind.organization_id, event.sequence, transfer.*
    FROM behind CROSS JOIN LATERAL (
        SELECT news.sequence, news.event, news.data FROM sequence_event AS news
        WHERE news.organization_id = behind.organization_id
            AND news.sequence > behind.after_sequence AND news.sequence <= behind.until_sequence
        ORDER BY news.sequence LIMIT {events}
    ) AS event CROSS JOIN LATERAL (
        SELECT arrival.id AS transfer_id, arrival.status, arrival.completed_at, EXISTS (
            SELECT FROM rules_rule
            WHERE organization_id = behind.organization_id AND trigger_account_id = arrival.destination_id
                AND status = 'enabled' AND trigger_type = 'ON_FUNDS_TRANSFERRED'
        ) AS is_awaited
        FROM transfers_transfer AS arrival
        WHERE arrival.organization_id = behind.organization_id
            AND arrival.id = (event.data ->> 'transfer_id')::uuid AND arrival.destination_id IS NOT NULL
        LIMIT 1
    ) AS transfer
    WHERE {tells_of_an_arrival}
        AND NOT EXISTS (
            SELECT FROM rules_arrivallook AS look
            WHERE look.organization_id = behind.organization_id AND look.transfer_id = transfer.transfer_id{swept}
        ) AND NOT EXISTS (
            SELECT FROM rules_ruleexecution AS run
            WHERE run.organization_id = behind.organization_id{swept_run}
                AND run.trigger_transfer_id = transfer.transfer_id
        )
), awaited AS MATERIALIZED (
    SELECT transfer_id, organization_id, sequence,
        row_number() OVER (PARTITION BY organization_id ORDER BY sequence) AS place
    FROM arrived WHERE is_awaited
), taken AS MATERIALIZED (
    SELECT transfer_id FROM awaited
    ORDER BY place, organization_id LIMIT {limit} - (SELECT count(*) FROM rested)
), target AS MATERIALIZED (
    SELECT behind.organization_id, behind.after_sequence, coalesce(
        (
            SELECT min(left_over.sequence) - 1 FROM awaited AS left_over
            WHERE left_over.organization_id = behind.organization_id
                AND left_over.transfer_id NOT IN (SELECT transfer_id FROM taken)
        ), behind.until_sequence
    ) AS sequence
    FROM behind
), moved AS (
    UPDATE sequence_eventreader AS reader SET after_sequence = target.sequence
    FROM target WHERE reader.organization_id = target.organization_id AND reader.name = '{reader}'{swept_reader}
), seen AS (
    UPDATE rules_arrivallook AS look SET looked_at = %(now)s FROM rested
    WHERE look.organization_id = rested.organization_id AND look.transfer_id = rested.transfer_id{swept}
), noted AS (
    INSERT INTO rules_arrivallook (transfer_id, organization_id, looked_at)
    SELECT arrived.transfer_id, arrived.organization_id, %(now)s
    FROM arrived JOIN target USING (organization_id)
    JOIN apikeys_organization AS organization ON organization.id = arrived.organization_id
    WHERE NOT arrived.is_awaited AND arrived.sequence <= target.sequence AND (
        arrived.status <> 'complete'
        OR greatest(organization.suspended_at, organization.active_since) >= arrived.completed_at
        OR EXISTS (
            SELECT FROM rules_rule AS rule
            WHERE rule.organization_id = arrived.organization_id AND rule.updated_at >= arrived.completed_at
        )
    )
)
SELECT ARRAY(
        SELECT transfer_id FROM taken UNION ALL SELECT transfer_id FROM rested
        WHERE NOT EXISTS (
            SELECT FROM rules_ruleexecution AS run
            WHERE run.organization_id = rested.organization_id{swept_run}
                AND run.trigger_transfer_id = rested.transfer_id
        )
    ),
    ARRAY(SELECT transfer_id FROM rested),
    (SELECT coalesce(sum(sequence - after_sequence), 0)::bigint FROM target)
"""
# Events beyond the cursor are few, those of a transfer among all that are kept would be a long search.
_LOOKED_AT = """
SELECT CASE
    WHEN look.transfer_id IS NOT NULL THEN look.looked_at
    WHEN EXISTS (
        SELECT FROM sequence_eventreader AS reader
        JOIN sequence_event AS event ON event.organization_id = reader.organization_id
            AND (event.sequence IS NULL OR event.sequence > reader.after_sequence)
        WHERE reader.organization_id = transfer.organization_id AND reader.name = %(reader)s
            AND {tells_of_an_arrival} AND (event.data ->> 'transfer_id')::uuid = transfer.id
    ) THEN NULL
    ELSE transfer.completed_at
END
FROM transfers_transfer AS transfer LEFT JOIN rules_arrivallook AS look
    ON look.organization_id = transfer.organization_id AND look.transfer_id = transfer.id
WHERE transfer.id = %(transfer)s
"""


class Arrivals(NamedTuple):
    """What a look found: what a rule may route, what of it or beside it was set aside, and how many events it read."""

    due: list[str]
    rested: list[str]
    events: int


def read_arrivals(now: datetime, *, limit: int) -> Arrivals:
    """Read on, up to ``limit`` arrivals that a rule waits for, and return them. The caller's transaction keeps it."""
    statement = _READ.format(
        limit=int(limit),
        events=EVENTS_AT_ONCE,
        reader=READER,
        tells_of_an_arrival=_TELLS_OF_AN_ARRIVAL,
        behind=hold_behind(READER, organizations=ORGANIZATIONS_AT_ONCE, events=EVENTS_AT_ONCE).strip(),
        swept=swept_sql("look.organization_id"),
        swept_run=swept_sql("run.organization_id"),
        swept_reader=swept_sql("reader.organization_id"),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "rested": now - STALLED_REST})
        due, rested, events = cursor.fetchone()
    return Arrivals([show_id("txr", id) for id in due], [show_id("txr", id) for id in rested], events)


def begin_reading(organization_id: str) -> None:
    """Let the rules read the organization's events from here on. One whose money no rule ever routed costs nothing."""
    open_reader(READER, organization_id)


def note_looks(arrivals: Iterable[Transfer], at: datetime) -> None:
    """Keep that the rules looked at these then, and that nothing came of it."""
    looks = [ArrivalLook(organization_id=each.organization_id, transfer=each, looked_at=at) for each in arrivals]
    if looks:
        ArrivalLook.objects.bulk_create(looks, ignore_conflicts=True)


def set_aside(arrival: Transfer) -> None:
    """Let the arrival wait by itself, so that those after it need not. The caller says until when."""
    ArrivalLook.objects.get_or_create(transfer=arrival, defaults={"organization_id": arrival.organization_id})


def looked_at(arrival: Transfer) -> datetime | None:
    """Return an instant as of which the rules looked at an arrival that started none of them; None until they have."""
    with connection.cursor() as cursor:
        statement = _LOOKED_AT.format(tells_of_an_arrival=_TELLS_OF_AN_ARRIVAL)
        cursor.execute(statement, {"transfer": parse_id("txr", arrival.id), "reader": READER})
        [at] = cursor.fetchone()
    instant: datetime | None = at
    return instant
