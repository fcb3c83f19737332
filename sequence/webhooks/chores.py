"""Chores of webhooks: endpoints that have failed for days are disabled, and tries leave with their events."""

from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection

from sequence.core.events.models import EVENTS_KEPT
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional
from sequence.webhooks.models import FAILING_FOR, DisabledReason, WebhookDelivery, WebhookEndpoint

log = structlog.get_logger("sequence.webhooks")

PURGE_BATCH = 10_000
_TIME_BITS = 48
# Tables that name events, which are purged without asking them.
_PURGE = """
DELETE FROM {table} WHERE id IN (
    SELECT id FROM {table} AS old WHERE event_id < %s
        AND NOT EXISTS (SELECT FROM sequence_event AS event WHERE event.id = old.event_id)
    LIMIT %s
)
"""


@transactional
def disable_failing(now: datetime) -> int:
    """Disable endpoints that have only failed for too long, and return how many that was."""
    failing = swept(WebhookEndpoint.objects.failing_since(now - FAILING_FOR)).order_by("id")
    endpoints = list(failing.select_for_update(no_key=True, skip_locked=True, of=("self",)))
    for endpoint in endpoints:
        endpoint.disable(DisabledReason.FAILING, at=now)
        endpoint.save(update_fields=["status", "disabled_reason", "disabled_at"])
        log.warning("webhook_disabled", endpoint=endpoint.id, reason=DisabledReason.FAILING)
    return len(endpoints)


def purge_deliveries(now: datetime) -> int:
    """Delete tries, and what waits in vain, of events that were purged; return how many rows that was."""
    # An event's id begins with its time: younger ones are not even looked at.
    milliseconds = int((now - EVENTS_KEPT).timestamp() * 1000) + 1
    youngest = UUID(int=milliseconds << (128 - _TIME_BITS))
    if not WebhookDelivery.objects.filter(event_id__lt=youngest).exists():
        return 0
    with connection.cursor() as cursor:
        total = 0
        for table in ("sequence_webhookdelivery", "sequence_pendingdelivery"):
            cursor.execute(_PURGE.format(table=table), [youngest, PURGE_BATCH])
            total += cursor.rowcount
    return total
