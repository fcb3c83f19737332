"""Queue of deliveries: events are put into it for each endpoint, claimed by workers, and taken out when they arrived.

A claim is made while the endpoint's row is locked, and counted in a statement after the lock: however many workers
there are, they have no more requests on their way to an endpoint than it is to have. One that a killed worker has left
is anybody's when it has run out, or reaches further than any claim does: then the clock was set back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from sequence.core.api.ids import parse_id, show_id
from sequence.core.due import due_when
from sequence.core.sweeps import swept
from sequence.core.swept_sql import swept_sql
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject
from sequence.webhooks.bodies import TEST_EVENT, events_told_in
from sequence.webhooks.models import PendingDelivery, WebhookEndpoint
from sequence.webhooks.sending import REQUESTS_AT_ONCE

# Events that one sweep puts into one endpoint's queue.
FAN_OUT_BATCH = 1_000
# Endpoints that one sweep does.
ENDPOINTS_AT_ONCE = 100
# A bit over the longest that a request takes, from its claim to the record of how it ended.
CLAIM = timedelta(seconds=20)

# A test is for the endpoint that is tested, and stands in its queue already.
_QUEUE = """
WITH news AS (
    SELECT id, organization_id, sequence, event FROM sequence_event
    WHERE organization_id = %(organization)s AND sequence > %(after)s AND sequence <= %(until)s
    ORDER BY sequence LIMIT %(limit)s
), queued AS (
    INSERT INTO sequence_pendingdelivery (organization_id, endpoint_id, event_id, sequence, attempts, due_at)
    SELECT organization_id, %(endpoint)s, id, sequence, 0, %(now)s FROM news
    WHERE event <> %(test)s AND (%(is_any)s OR event = ANY(%(events)s))
    ON CONFLICT (endpoint_id, event_id, organization_id)
        DO UPDATE SET due_at = LEAST(sequence_pendingdelivery.due_at, excluded.due_at)
    RETURNING 1
)
SELECT (SELECT max(sequence) FROM news), (SELECT count(*) FROM queued)
"""


@due_when(lambda now: [WebhookEndpoint.objects.behind()])
@transactional
def fan_out(now: datetime) -> int:
    """Put numbered events into the queues of the endpoints that want them, and return how many were looked at."""
    behind = swept(WebhookEndpoint.objects.behind()).order_by("id")
    # A row that another worker holds is that worker's to move.
    held = behind.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return sum(_move_on(endpoint, now) for endpoint in held[:ENDPOINTS_AT_ONCE])


def _move_on(endpoint: WebhookEndpoint, now: datetime) -> int:
    before = endpoint.after_sequence
    newest, _ = queue_events(endpoint, after=before, now=now)
    if newest is None:
        return 0
    endpoint.after_sequence = newest
    endpoint.save(update_fields=["after_sequence"])
    return newest - before


def queue_events(
    endpoint: WebhookEndpoint, *, after: int, now: datetime, until: int = 2**63 - 1, limit: int = FAN_OUT_BATCH
) -> tuple[int | None, int]:
    """Queue the first ``limit`` events after a number that the endpoint wants; those that wait already are due at once.

    Returns the last number that was looked at, None where there was none, and how many were queued. The caller holds
    the endpoint's lock.
    """
    wanted = wanted_events(endpoint)
    parameters = {
        "organization": parse_id("org", endpoint.organization_id),
        "endpoint": parse_id("whk", endpoint.id),
        "after": after,
        "until": until,
        "limit": limit,
        "now": now,
        "test": TEST_EVENT,
        "is_any": wanted is None,
        "events": wanted or [],
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, parameters)
        newest, queued = cursor.fetchone()
    return newest, queued


def wanted_events(endpoint: WebhookEndpoint) -> list[str] | None:
    """Return the names of the events that it is told; None for all of them."""
    told = events_told_in(endpoint.format)
    wanted = endpoint.event_names
    if not wanted:
        return told
    return wanted if told is None else [name for name in wanted if name in told]


@dataclass(frozen=True)
class Claim:
    """A delivery that is this worker's to try, until it has run out."""

    pending_id: int
    claim: UUID
    endpoint_id: str
    event_id: str
    attempt: int
    organization_id: str


# Of each endpoint the first of those that were never tried, unless one of them is on its way; beside it what is tried
# again, and tests whose event has its number.
_CLAIM = """
WITH busy AS (
    SELECT endpoint_id, count(*) AS requests, bool_or(attempts = 0 AND sequence IS NOT NULL) AS has_first
    FROM sequence_pendingdelivery
    WHERE endpoint_id = ANY(%(endpoints)s){swept} AND claimed_until > %(now)s AND claimed_until <= %(until)s
    GROUP BY endpoint_id
), due AS (
    SELECT chosen.id, coalesce(busy.requests, 0)
        + row_number() OVER (PARTITION BY endpoint.id ORDER BY chosen.due_at, chosen.id) AS place
    FROM unnest(%(endpoints)s::uuid[]) AS endpoint (id)
    LEFT JOIN busy ON busy.endpoint_id = endpoint.id
    CROSS JOIN LATERAL (
        (
            SELECT id, due_at FROM sequence_pendingdelivery
            WHERE endpoint_id = endpoint.id{swept} AND attempts = 0 AND sequence IS NOT NULL
                AND NOT coalesce(busy.has_first, false)
            ORDER BY sequence LIMIT 1
        ) UNION ALL (
            SELECT id, due_at FROM sequence_pendingdelivery AS again
            WHERE endpoint_id = endpoint.id{swept} AND due_at <= %(now)s
                AND (claimed_until IS NULL OR claimed_until <= %(now)s OR claimed_until > %(until)s)
                AND (attempts > 0 OR sequence IS NULL AND NOT EXISTS (
                    SELECT FROM sequence_event AS event
                    WHERE event.id = again.event_id{event} AND event.sequence IS NULL
                ))
            ORDER BY due_at LIMIT %(most)s
        )
    ) AS chosen
)
UPDATE sequence_pendingdelivery AS pending SET claim = %(claim)s, claimed_until = %(until)s
FROM due WHERE pending.id = due.id{pending} AND due.place <= %(most)s
RETURNING pending.id, pending.endpoint_id, pending.event_id, pending.attempts + 1, pending.organization_id
"""


def due_endpoints(now: datetime, *, most: int, with_failing: bool) -> Sequence[tuple[str, str]]:
    """Return ``most`` endpoints that may be sent something at ``now``: by chance, those that fail last.

    Each by its organization's id and its own.
    """
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + CLAIM)
    is_due = Q(due_at__lte=now) | Q(attempts=0, sequence__isnull=False)
    waiting = swept(PendingDelivery.objects.filter(is_due, is_free))
    rows = swept(WebhookEndpoint.objects.enabled()).filter(id__in=waiting.values("endpoint_id"))
    if not with_failing:
        rows = rows.filter(failures=0)
    is_failing = ExpressionWrapper(Q(failures__gt=0), output_field=BooleanField())
    return list(rows.order_by(is_failing, "?").values_list("organization_id", "id")[:most])


@transactional
def claim_due(now: datetime, endpoint_ids: Sequence[str]) -> list[Claim]:
    """Claim what may be sent to these endpoints now, and return it. One that another worker holds is left to it."""
    enabled = swept(WebhookEndpoint.objects.enabled()).filter(id__in=endpoint_ids).order_by("id")
    held = [parse_id("whk", row.id) for row in enabled.select_for_update(no_key=True, skip_locked=True).only("id")]
    if not held:
        return []
    claim = uuid4()
    parameters: JsonObject = {
        "endpoints": held,
        "now": now,
        "claim": claim,
        "until": now + CLAIM,
        "most": REQUESTS_AT_ONCE,
    }
    with connection.cursor() as cursor:
        # A statement of its own, after the locks: it sees what whoever held them before has claimed.
        its_own = {name: swept_sql(f"{name}.organization_id") for name in ("pending", "event")}
        cursor.execute(_CLAIM.format(swept=swept_sql(), **its_own), parameters)
        rows = cursor.fetchall()
    return [
        Claim(id, claim, show_id("whk", endpoint), show_id("evt", event), attempt, show_id("org", organization))
        for id, endpoint, event, attempt, organization in rows
    ]


def _row_of(claimed: Claim) -> "QuerySet[PendingDelivery]":
    own = PendingDelivery.objects.filter(organization_id=claimed.organization_id)
    return own.filter(id=claimed.pending_id, claim=claimed.claim)


def is_still_held(claimed: Claim) -> bool:
    """Say whether nobody else has taken it up meanwhile."""
    return _row_of(claimed).exists()


def take_out(claimed: Claim) -> None:
    """Take a delivery out of the queue, unless somebody else has claimed it since."""
    _row_of(claimed).delete()


def put_back(claimed: Claim, *, due_at: datetime) -> None:
    """Let a delivery that was tried wait for its next try, unless somebody else has claimed it since."""
    rows = _row_of(claimed)
    rows.update(attempts=F("attempts") + 1, due_at=due_at, claim=None, claimed_until=None)
