"""Numbering of events, after the commit of what they tell: from 1 in each organization, without gaps.

Whoever numbers holds the organization's counter, and looks for what is unnumbered only then, so that what it sees is
all that was numbered before and more. A number therefore never appears below one that a reader has seen: a change that
commits late is told late. Of two changes that waited for each other the later has the higher number; of two that did
not, and were committed within one look, the one that was written first comes first.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from sequence.core.api.ids import parse_id
from sequence.core.due import due_when
from sequence.core.events.models import Event
from sequence.core.sweeps import swept_organization
from sequence.core.transactions import transactional

BATCH_SIZE = 1_000

# Hand-written because a worker that settles asks every few milliseconds, and the ORM composes the same text each time.
_WAITING = """
SELECT DISTINCT organization_id FROM (
    SELECT organization_id FROM sequence_event
    WHERE sequence IS NULL AND organization_id <> ALL (%(others)s::uuid[])
        AND coalesce(organization_id = %(swept)s::uuid, true)
    ORDER BY position LIMIT %(limit)s
) AS oldest
"""
# A counter that somebody else holds is that worker's to raise.
_HOLD_COUNTERS = """
SELECT organization_id FROM sequence_eventcounter WHERE organization_id = ANY(%s)
ORDER BY organization_id FOR NO KEY UPDATE SKIP LOCKED
"""
_MAKE_COUNTERS = """
INSERT INTO sequence_eventcounter (organization_id, last_sequence)
SELECT organization_id, 0 FROM unnest(%s::uuid[]) AS organization (organization_id) ORDER BY 1
ON CONFLICT (organization_id) DO NOTHING
"""
# Only who holds the counter writes these rows, so that they are found again where they stand (``ctid``): looking each
# up by its id costs as much again as writing it.
_NUMBER = """
WITH unnumbered AS (
    SELECT ctid AS place, organization_id, position FROM sequence_event
    WHERE sequence IS NULL AND organization_id = ANY(%(held)s) ORDER BY position LIMIT %(limit)s
), numbered AS (
    UPDATE sequence_event AS event SET sequence = next.sequence
    FROM (
        SELECT place, last_sequence + row_number() OVER (PARTITION BY organization_id ORDER BY position) AS sequence
        FROM unnumbered JOIN sequence_eventcounter AS counter USING (organization_id)
        WHERE counter.organization_id = ANY(%(held)s)
    ) AS next
    WHERE event.ctid = ANY (ARRAY(SELECT place FROM unnumbered)) AND event.ctid = next.place
        AND event.organization_id = ANY(%(held)s)
    RETURNING event.organization_id, event.sequence
), raised AS (
    UPDATE sequence_eventcounter AS counter SET last_sequence = newest.sequence
    FROM (SELECT organization_id, max(sequence) AS sequence FROM numbered GROUP BY organization_id) AS newest
    WHERE counter.organization_id = newest.organization_id AND counter.organization_id = ANY(%(held)s)
)
SELECT count(*) FROM numbered
"""


@due_when(lambda now: [Event.objects.unnumbered()])
@transactional
def number_events(now: datetime) -> int:
    """Number what was committed, the oldest of each organization first, and return how many events that was."""
    others: list[UUID] = []
    while organizations := _waiting(others):
        if held := _hold(organizations):
            return _number(held)
        others += organizations
    return 0


def _waiting(others: list[UUID]) -> list[UUID]:
    """Return the organizations of the events that have waited longest, of those that sweeps work for and not others."""
    only = swept_organization()
    parameters = {"others": others, "swept": only and parse_id("org", only), "limit": BATCH_SIZE}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, parameters)
        return [organization_id for (organization_id,) in cursor.fetchall()]


def _hold(organizations: list[UUID]) -> list[UUID]:
    """Hold the counters of those organizations whose events nobody else numbers, and return these."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_COUNTERS, [organizations])
        cursor.execute(_HOLD_COUNTERS, [organizations])
        return [organization_id for (organization_id,) in cursor.fetchall()]


def _number(held: list[UUID]) -> int:
    """Number events whose organizations' counters are held, in a statement that sees what was numbered before."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER, {"held": held, "limit": BATCH_SIZE})
        [numbered] = cursor.fetchone()
    return int(numbered)
