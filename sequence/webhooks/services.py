"""Services of webhook endpoints: create, enable, disable, delete, rotate, test, resend. Each is one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Thread

from django.db.models import Exists, OuterRef

from apikeys.models import Organization
from sequence.core import clock
from sequence.core.events.models import Event, EventCounter
from sequence.core.events.telling import tell
from sequence.core.transactions import transactional
from sequence.core.wakeup import wake_workers
from sequence.webhooks.addresses import Address, check_url, read_url, resolve
from sequence.webhooks.bodies import TEST_EVENT, events_told_in
from sequence.webhooks.errors import NothingToTest, WebhookDisabled, WebhookNotFound
from sequence.webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    Format,
    PendingDelivery,
    WebhookDelivery,
    WebhookEndpoint,
)
from sequence.webhooks.queue import queue_events, wanted_events
from sequence.webhooks.signing import new_secret

# How long somebody who makes an endpoint waits for its name to be looked up; it is looked up again at every try.
LOOK_UP_SECONDS = 2.0
DEFAULT_OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 31 * 24


def addresses_now(url: str) -> list[Address] | None:
    """Return what the url's name stands for; None where nobody can tell in time. Raises InvalidRequest for a bad url.

    It asks the network, so it is called before a transaction begins.
    """
    target = read_url(url)
    found: list[list[Address]] = []

    def look_up() -> None:
        try:
            found.append(resolve(target))
        except OSError:
            return  # The name may come to stand for something later.

    thread = Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(LOOK_UP_SECONDS)
    return found[0] if found else None


@transactional
def create_webhook(
    *,
    organization: Organization,
    url: str,
    addresses: Sequence[Address] | None,
    created_by: str,
    events: Sequence[str] = (),
    format: str = Format.EVENT,
    description: str = "",
) -> tuple[WebhookEndpoint, str]:
    """Return a new endpoint and its secret, which is not shown again. It is told what is numbered from now on.

    ``addresses`` are those of ``addresses_now``. Raises InvalidRequest for a url that requests may not go to.
    """
    check_url(url, addresses)
    secret = new_secret()
    # Locked, so that it begins after a number that is committed and before the next.
    counters = EventCounter.objects.select_for_update(no_key=True).filter(organization=organization)
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        url=url,
        event_names=list(dict.fromkeys(events)),
        format=format,
        description=description,
        secret=secret,
        after_sequence=counters.values_list("last_sequence", flat=True).first() or 0,
        created_by=created_by,
    )
    return endpoint, secret


@transactional
def enable_webhook(*, endpoint_id: str) -> WebhookEndpoint:
    """Let it go on where it stopped; what it has missed meanwhile follows. Raises WebhookNotFound."""
    endpoint = lock_webhook(endpoint_id)
    if not endpoint.is_enabled:
        endpoint.enable()
        endpoint.save()
    wake_workers()
    return endpoint


@transactional
def disable_webhook(*, endpoint_id: str) -> WebhookEndpoint:
    """Send nothing more to it; what waits stays. Raises WebhookNotFound."""
    endpoint = lock_webhook(endpoint_id)
    endpoint.disable(DisabledReason.BY_PERSON, at=clock.now())
    endpoint.save()
    return endpoint


@transactional
def delete_webhook(*, endpoint_id: str) -> WebhookEndpoint:
    """Send nothing to it ever again, and forget its secrets. Its tries stay to look at. Raises WebhookNotFound."""
    endpoint = lock_webhook(endpoint_id)
    now = clock.now()
    endpoint.disable(DisabledReason.BY_PERSON, at=now)
    endpoint.deleted_at = now
    endpoint.secret = endpoint.previous_secret = endpoint.previous_secret_until = None
    endpoint.save()
    PendingDelivery.objects.filter(endpoint=endpoint).delete()
    return endpoint


@transactional
def rotate_webhook_secret(*, endpoint_id: str, overlap: timedelta) -> tuple[WebhookEndpoint, str]:
    """Return the endpoint and its new secret; for ``overlap`` the old one signs too. Raises WebhookNotFound."""
    endpoint = lock_webhook(endpoint_id)
    secret = new_secret()
    if overlap:
        endpoint.previous_secret, endpoint.previous_secret_until = endpoint.secret, clock.now() + overlap
    else:
        endpoint.previous_secret = endpoint.previous_secret_until = None
    endpoint.secret = secret
    endpoint.save()
    return endpoint, secret


@transactional
def test_webhook(*, endpoint_id: str) -> tuple[WebhookEndpoint, str]:
    """Queue an event for this endpoint alone, and return its id: ``webhook.test``, or the newest that its format tells.

    It goes out beside the others. Raises WebhookNotFound, WebhookDisabled, NothingToTest.
    """
    endpoint = lock_webhook(endpoint_id)
    if not endpoint.is_enabled:
        raise WebhookDisabled()
    now = clock.now()
    event = _test_event(endpoint, now)
    PendingDelivery.objects.get_or_create(
        endpoint=endpoint,
        event_id=event.id,
        defaults={"organization_id": endpoint.organization_id, "sequence": None, "due_at": now},
    )
    wake_workers()
    return endpoint, event.id


def _test_event(endpoint: WebhookEndpoint, now: datetime) -> Event:
    told = events_told_in(endpoint.format)
    if told is None:
        return tell(TEST_EVENT, organization_id=endpoint.organization_id, data={}, at=now)
    events = Event.objects.for_organization(endpoint.organization_id).numbered().filter(event__in=told)
    newest = events.order_by("-sequence").first()
    if newest is None:
        raise NothingToTest()
    return newest


@transactional
def resend_after(*, endpoint_id: str, after_sequence: int) -> tuple[WebhookEndpoint, int]:
    """Queue again all events after a number that it wants and that are kept, and return how many.

    Raises WebhookNotFound, WebhookDisabled.
    """
    endpoint = lock_webhook(endpoint_id)
    if not endpoint.is_enabled:
        raise WebhookDisabled()
    now, total = clock.now(), 0
    newest: int | None = after_sequence
    while newest is not None:
        newest, queued = queue_events(endpoint, after=newest, until=endpoint.after_sequence, now=now)
        total += queued
    wake_workers()
    return endpoint, total


@transactional
def resend_failed(*, endpoint_id: str) -> tuple[WebhookEndpoint, int]:
    """Queue again all events that were given up and are kept. Raises WebhookNotFound, WebhookDisabled."""
    endpoint = lock_webhook(endpoint_id)
    if not endpoint.is_enabled:
        raise WebhookDisabled()
    now = clock.now()
    of = {"organization_id": endpoint.organization_id, "endpoint": endpoint, "due_at": now}
    rows = [PendingDelivery(event_id=id, sequence=sequence, **of) for id, sequence in _given_up(endpoint)]
    PendingDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    wake_workers()
    return endpoint, len(rows)


def _given_up(endpoint: WebhookEndpoint) -> list[tuple[str, int | None]]:
    """Return events, and their numbers, whose newest try failed for good and that do not wait already."""
    tries = WebhookDelivery.objects.filter(endpoint=endpoint)
    # By id, which tells when it was written down: a clock may have been set back since.
    newest = tries.filter(event_id=OuterRef("event_id")).order_by("-id")
    failed = tries.filter(status=DeliveryStatus.FAILED, id=newest.values("id")[:1]).values("event_id")
    waiting = PendingDelivery.objects.filter(endpoint=endpoint, event_id=OuterRef("id"))
    events = Event.objects.for_organization(endpoint.organization_id).numbered().filter(id__in=failed)
    wanted = wanted_events(endpoint)
    if wanted is not None:
        events = events.filter(event__in=[*wanted, TEST_EVENT])
    return [(event.id, event.sequence) for event in events.filter(~Exists(waiting)).only("sequence")]


def lock_webhook(endpoint_id: str) -> WebhookEndpoint:
    """Return the endpoint, locked. Raises WebhookNotFound."""
    endpoint = WebhookEndpoint.objects.kept().select_for_update(no_key=True).filter(id=endpoint_id).first()
    if endpoint is None:
        raise WebhookNotFound()
    return endpoint
