"""Tries of a delivery: what is sent of it, and the record of how that ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from sequence.core.events.models import Event
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional
from sequence.webhooks.bodies import body_of
from sequence.webhooks.models import DeliveryStatus, DisabledReason, WebhookDelivery, WebhookEndpoint
from sequence.webhooks.queue import Claim, is_still_held, put_back, take_out
from sequence.webhooks.schedule import next_attempt
from sequence.webhooks.sending import Answer
from sequence.webhooks.signing import headers_of

log = structlog.get_logger("sequence.webhooks")

GONE = 410


@dataclass(frozen=True)
class Request:
    """What is sent: made while the database is at hand, so that sending needs none."""

    claimed: Claim
    url: str
    body: bytes
    # The instant of the worker's clock at which it was claimed.
    at: datetime
    sign: Callable[[], dict[str, str]]


def prepare(claims: list[Claim], now: datetime) -> list[Request]:
    """Return what is to be sent. What is left of an event that was purged meanwhile leaves the queue."""
    events = swept(Event.objects.all()).in_bulk({claimed.event_id for claimed in claims})
    endpoints = swept(WebhookEndpoint.objects.kept()).in_bulk({claimed.endpoint_id for claimed in claims})
    requests = []
    for claimed in claims:
        event, endpoint = events.get(claimed.event_id), endpoints.get(claimed.endpoint_id)
        if event is None or endpoint is None:
            take_out(claimed)
        else:
            requests.append(_request(claimed, event, endpoint, now))
    return requests


def _request(claimed: Claim, event: Event, endpoint: WebhookEndpoint, now: datetime) -> Request:
    body = body_of(event, endpoint.format)
    secrets = endpoint.secrets(now)

    def sign() -> dict[str, str]:
        # The world's time, whatever the worker's clock says: the receiver holds it against its own.
        return headers_of(event.id, body, secrets=secrets, seconds=int(time.time()))

    return Request(claimed, endpoint.url, body, now, sign)


@transactional
def record(request: Request, answer: Answer, now: datetime) -> None:
    """Write down how a try ended at ``now``, and what follows: it is done, waits for its next try, or is given up."""
    claimed = request.claimed
    # In the order of claims: the endpoint's row first.
    endpoint = _endpoint_of(claimed, answer)
    if not is_still_held(claimed):
        # This process stood still for so long that another has taken it up, and will tell of its own try.
        log.warning("webhook_claim_lost", endpoint=claimed.endpoint_id, event_id=claimed.event_id)
        return
    due_at = None if answer.is_acknowledged or answer.status_code == GONE else _next(claimed, answer, now)
    _write(endpoint, request, answer, due_at)
    if due_at is None:
        take_out(claimed)
    else:
        put_back(claimed, due_at=due_at)
    if answer.is_acknowledged:
        _note_success(endpoint)
    else:
        _note_failure(endpoint, answer, now)


def _endpoint_of(claimed: Claim, answer: Answer) -> WebhookEndpoint:
    """Return the endpoint, locked where its row will be written: a success after a success writes nothing there."""
    own = WebhookEndpoint.objects.filter(organization_id=claimed.organization_id)
    endpoint = own.get(id=claimed.endpoint_id)
    if answer.is_acknowledged and not endpoint.failures:
        return endpoint
    return own.select_for_update(no_key=True).get(id=claimed.endpoint_id)


def _next(claimed: Claim, answer: Answer, now: datetime) -> datetime | None:
    return next_attempt(claimed.attempt, at=now, retry_after=answer.retry_after)


def _write(endpoint: WebhookEndpoint, request: Request, answer: Answer, due_at: datetime | None) -> None:
    ended = DeliveryStatus.DELIVERED if answer.is_acknowledged else DeliveryStatus.FAILED
    WebhookDelivery.objects.create(
        organization_id=endpoint.organization_id,
        endpoint=endpoint,
        event_id=request.claimed.event_id,
        attempt=request.claimed.attempt,
        created_at=request.at,
        status=ended if due_at is None else DeliveryStatus.RETRYING,
        status_code=answer.status_code,
        error=answer.error,
        duration_ms=answer.duration_ms,
        next_attempt_at=due_at,
    )


def _note_success(endpoint: WebhookEndpoint) -> None:
    if endpoint.failures:
        endpoint.failures, endpoint.failing_since = 0, None
        endpoint.save(update_fields=["failures", "failing_since"])


def _note_failure(endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    own = WebhookEndpoint.objects.filter(organization_id=endpoint.organization_id)
    own.filter(id=endpoint.id).update(
        failures=F("failures") + 1, failing_since=Coalesce(F("failing_since"), Value(now))
    )
    if answer.status_code == GONE and endpoint.is_enabled:
        endpoint.disable(DisabledReason.GONE, at=now)
        endpoint.save(update_fields=["status", "disabled_reason", "disabled_at"])
        log.warning("webhook_disabled", endpoint=endpoint.id, reason=DisabledReason.GONE)
