"""Idempotency keys on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from sequence.core.api.fields import Shown, StrictSerializer, Text
from sequence.core.api.schemas import Named, ref

# A method, and as long a path as any of ours.
MAX_ENDPOINT_LENGTH = 500


class IdempotencyKeyQuery(StrictSerializer):
    """Query of ``GET /idempotency-keys/{key}``."""

    endpoint = Text(
        max_length=MAX_ENDPOINT_LENGTH,
        required=False,
        help_text="Only the request with this method and path, such as `POST /api/v1/transfers`, or with "
        "this template; else the newest.",
    )


class RecordedResource(serializers.Serializer):
    """What a request made or changed."""

    type = serializers.CharField()
    id = serializers.CharField()


# Whatever was answered: what it is of tells which operation it was.
_DATA = Named(
    "RecordedData",
    {
        "type": "object",
        "description": "What the operation answered.",
        "properties": {"id": {"type": "string"}},
        "additionalProperties": True,
    },
)
_ERROR = Named(
    "RecordedError",
    {
        "type": "object",
        "description": "Why it was refused.",
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {"type": "array", "items": ref("Detail")},
        },
        "required": ["code", "message"],
    },
)
_BODY = Named(
    "RecordedBody",
    {
        "type": "object",
        "description": "The body that was answered, as the dialect of its endpoint has it.",
        "properties": {"request_id": ref("RequestId"), "requestId": ref("RequestId"), "data": _DATA, "error": _ERROR},
    },
)


class RecordedCall(serializers.Serializer):
    """A request that was sent with an Idempotency-Key. One in progress has no answer yet."""

    key = serializers.CharField()
    state = serializers.ChoiceField(choices=["completed", "in_progress"])
    method = serializers.CharField(allow_null=True)
    path = serializers.CharField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)
    response_status = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    resource = RecordedResource(allow_null=True)
    response = Shown(_BODY, allow_null=True, help_text="The body that was answered; null for none.")
    response_withheld = serializers.BooleanField(help_text="Whether the key may no longer make that call.")
