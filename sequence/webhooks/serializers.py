"""Tries of deliveries on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from sequence.core.api.fields import Id, Word, show_time
from sequence.core.typing import JsonObject
from sequence.webhooks.models import DeliveryStatus, WebhookDelivery


class DeliveryDetail(serializers.Serializer):
    """One try of sending an event to an endpoint."""

    id = Id("dlv")
    event_id = Id("evt")
    endpoint_id = Id("whk")
    attempt = serializers.IntegerField(min_value=1, max_value=11, help_text="The first is 1; a resend begins anew.")
    at = serializers.DateTimeField(help_text="When it was sent.")
    status = Word(DeliveryStatus, help_text="`retrying` where another try follows, `failed` where none does.")
    status_code = serializers.IntegerField(allow_null=True, help_text="What the endpoint answered.")
    error = serializers.CharField(
        allow_null=True, help_text="What kept it from an answer, such as `timeout` or `address_not_allowed`."
    )
    duration_ms = serializers.IntegerField(min_value=0)
    next_attempt_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: WebhookDelivery) -> JsonObject:
        return show_delivery(instance)


def show_delivery(delivery: WebhookDelivery) -> JsonObject:
    """Return the try as the API tells it."""
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "endpoint_id": delivery.endpoint_id,
        "attempt": delivery.attempt,
        "at": show_time(delivery.created_at),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "error": delivery.error,
        "duration_ms": delivery.duration_ms,
        "next_attempt_at": None if delivery.next_attempt_at is None else show_time(delivery.next_attempt_at),
    }
