"""Purge of events that everybody has had time to read, and every reader with a cursor has read."""

from datetime import datetime

from django.db import connection

from sequence.core.events.models import EVENTS_KEPT, Event

PURGE_BATCH = 10_000
# Only from the front, so that what is kept has no gaps: up to the first that is young enough, or that some reader has
# not read yet.
_PURGE = """
WITH old AS (
    SELECT event.id FROM sequence_eventcounter AS counter
    LEFT JOIN LATERAL (
        SELECT sequence FROM sequence_event AS young
        WHERE young.organization_id = counter.organization_id AND young.sequence IS NOT NULL AND young.created_at >= %s
        ORDER BY young.sequence LIMIT 1
    ) AS kept ON true
    CROSS JOIN LATERAL (
        SELECT min(after_sequence) AS sequence FROM sequence_eventreader AS reader
        WHERE reader.organization_id = counter.organization_id
    ) AS read
    JOIN sequence_event AS event
        ON event.organization_id = counter.organization_id
        AND event.sequence <= least(coalesce(kept.sequence - 1, counter.last_sequence), read.sequence)
    WHERE event.created_at < %s ORDER BY event.sequence LIMIT %s
)
DELETE FROM sequence_event USING old WHERE sequence_event.id = old.id
"""


def purge_events(now: datetime) -> int:
    """Delete events that are older than they are kept, and return how many that was."""
    oldest = now - EVENTS_KEPT
    if not Event.objects.filter(created_at__lt=oldest).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_PURGE, [oldest, oldest, PURGE_BATCH])
        return int(cursor.rowcount)
