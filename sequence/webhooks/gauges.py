"""Gauges of webhooks."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min

from sequence.core.gauges import Gauge, seconds_since
from sequence.webhooks.models import EndpointStatus, PendingDelivery, WebhookEndpoint


def webhook_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield how many endpoints there are, and what waits to be sent to those that are enabled."""
    counted = WebhookEndpoint.objects.kept().order_by().values_list("status").annotate(number=Count("id"))
    numbers = {**dict.fromkeys(EndpointStatus.values, 0), **dict(counted)}
    yield Gauge("webhook_endpoints", "Webhook endpoints.", numbers, label="status")
    failing = WebhookEndpoint.objects.enabled().filter(failures__gt=0).count()
    yield Gauge("webhook_endpoints_failing", "Enabled ones that did not take what they were last sent.", {"": failing})
    waiting = PendingDelivery.objects.filter(endpoint__in=WebhookEndpoint.objects.enabled())
    yield Gauge(
        "webhook_deliveries_waiting", "Events that enabled endpoints have not taken yet.", {"": waiting.count()}
    )
    oldest = waiting.filter(due_at__lte=now).aggregate(oldest=Min("due_at"))["oldest"]
    yield Gauge(
        "webhook_deliveries_oldest_due_seconds",
        "How long the oldest of those that are due is so.",
        {"": seconds_since(oldest, now)},
    )
