"""Webhook endpoints as commands tell them."""

from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from sequence.webhooks.models import WebhookEndpoint


def new_webhook_as_dict(endpoint: WebhookEndpoint, secret: str) -> JsonObject:
    """Return what is told of an endpoint that was just made; nobody is told the secret again."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.event_names,
        "format": endpoint.format,
        "secret": secret,
    }


def webhook_as_dict(endpoint: WebhookEndpoint) -> JsonObject:
    """Return what is told of an endpoint in a list."""
    return {
        "id": endpoint.id,
        "organization": endpoint.organization_id,
        "url": endpoint.url,
        "events": endpoint.event_names,
        "format": endpoint.format,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": show_time(endpoint.created_at),
    }
