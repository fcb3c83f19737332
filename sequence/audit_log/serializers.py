"""Audit log on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from sequence.core.api.fields import Id, IdText, PageQuery, Text, Time, Word
from sequence.core.api.request_ids import MAX_LENGTH
from sequence.core.audit_log.models import Outcome, Via
from sequence.core.typing import JsonObject

MAX_ACTION_LENGTH = 100
_HASH = "64 hexadecimal digits."


class AuditLogQuery(PageQuery):
    """Query of ``GET /audit-logs``."""

    api_key_id = IdText(required=False, help_text="Only calls of this key.")
    action = Text(max_length=MAX_ACTION_LENGTH, required=False, help_text="Only this action: `CREATE_TRANSFER`.")
    outcome = Word(Outcome, name="AuditOutcome", required=False, help_text="Only what ended so.")
    request_id = Text(max_length=MAX_LENGTH, required=False, help_text="Only calls under this request id.")
    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(required=False, help_text="At this time or later.")
    to = Time(required=False, help_text="At this time or earlier.")


class AuditedResource(serializers.Serializer):
    """What an entry is about."""

    type = serializers.CharField()
    id = serializers.CharField()


class AuditEntryDetail(serializers.Serializer):
    """One call of a key, action of staff, or command."""

    sequence = serializers.IntegerField(min_value=1)
    id = Id("aud")
    created_at = serializers.DateTimeField(help_text="With six digits of a second.")
    organization_id = Id("org")
    actor = serializers.CharField(help_text="`key:key_…`, `staff:name` or `command:name:system user`.")
    via = Word(Via)
    action = serializers.CharField()
    method = serializers.CharField(allow_null=True)
    path = serializers.CharField(allow_null=True, help_text="Without the query.")
    outcome = Word(Outcome, name="AuditOutcome")
    status = serializers.IntegerField(allow_null=True)
    error_code = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="What the caller gave as `X-Called-Reason`.")
    resource = AuditedResource(allow_null=True)
    previous_hash = serializers.CharField(help_text=f"That of the entry before; {_HASH}")
    hash = serializers.CharField(help_text=f"SHA-256 of the one before and of this entry; {_HASH}")


class AuditHead(serializers.Serializer):
    """The last entry of the chain, signed: whoever keeps one sees whether what it counts is changed later."""

    organization_id = Id("org")
    sequence = serializers.IntegerField(min_value=0)
    hash = serializers.CharField(help_text=_HASH)
    signed_at = serializers.DateTimeField(help_text="In whole seconds.")
    key_id = serializers.CharField()
    signature = serializers.CharField(help_text="Base64 of the Ed25519 signature over the other fields (RFC 8785).")


class AuditPublicKey(serializers.Serializer):
    """A key that heads are verified with."""

    key_id = serializers.CharField()
    public_key = serializers.CharField(help_text="Base64 of the 32 raw bytes.")


def filters_of(query: JsonObject) -> JsonObject:
    """Return the conditions of a list."""
    columns = {
        "action": "action",
        "outcome": "outcome",
        "request_id": "request_id",
        "from": "created_at__gte",
        "to": "created_at__lte",
    }
    found = {column: query[name] for name, column in columns.items() if name in query}
    return {**found, "actor": f"key:{query['api_key_id']}"} if "api_key_id" in query else found
