"""Console, webhooks: endpoints that were given up until somebody mends them, and how deliveries go."""

from datetime import timedelta

from django.urls import reverse

from sequence.core.admin.console import ConsoleQuery, HealthStatus, Item, Queue, queue_of
from sequence.core.admin.display import ago
from sequence.webhooks.models import DisabledReason, EndpointStatus, PendingDelivery, WebhookEndpoint

# A first try that waits longer than this has an endpoint that is slow, or no worker.
LATE = timedelta(minutes=5)


def given_up(look: ConsoleQuery) -> Queue:
    """Endpoints that no person has disabled, the latest first."""
    rows = look.of(WebhookEndpoint.objects.kept().filter(status=EndpointStatus.DISABLED))
    rows = rows.exclude(disabled_reason=DisabledReason.BY_PERSON).select_related("organization")

    def item(endpoint: WebhookEndpoint) -> Item:
        why = DisabledReason(endpoint.disabled_reason or DisabledReason.FAILING).label
        address = reverse("admin:sequence_webhookendpoint_change", args=[endpoint.id])
        since = endpoint.disabled_at or endpoint.created_at
        return Item(str(endpoint), f"of {endpoint.organization}: {why}", address, since)

    ordered = rows.order_by("-disabled_at", "-id")
    address = look.list_of(WebhookEndpoint, status=EndpointStatus.DISABLED.value)
    return queue_of("Disabled webhook endpoints", ordered, item, address=address)


def deliveries(look: ConsoleQuery) -> HealthStatus | None:
    """Say whether events reach those who want them; nothing where nobody does."""
    enabled = look.of(WebhookEndpoint.objects.enabled())
    count = enabled.count()
    if not count:
        return None
    address = look.list_of(WebhookEndpoint)
    failing = enabled.filter(failures__gt=0).order_by("failing_since")
    if failing:
        since = ago(failing[0].failing_since or look.at, look.at)
        words = f"{len(failing)} of {count} endpoints do not take what they are sent, the first since {since}."
        return HealthStatus("Webhooks", "warn", words, address)
    waiting = PendingDelivery.objects.filter(endpoint__in=enabled, attempts=0, due_at__lt=look.at - LATE)
    oldest = waiting.order_by("due_at").first()
    if oldest is not None:
        words = f"The oldest event that was not sent yet was queued {ago(oldest.due_at, look.at)}."
        return HealthStatus("Webhooks", "warn", words, address)
    return HealthStatus("Webhooks", "good", f"All that was sent to {_number(count)} has arrived.", address)


def _number(count: int) -> str:
    return "1 endpoint" if count == 1 else f"{count} endpoints"
