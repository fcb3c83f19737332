"""Key endpoints: what the caller's own key is and may do, and what became of its requests."""

from django.db.models import Prefetch
from rest_framework.request import Request

from apikeys.errors import IdempotencyKeyNotFound
from apikeys.idempotency import look_up
from apikeys.idempotency_serializers import IdempotencyKeyQuery, RecordedCall
from apikeys.key_serializers import KeyDetail, show_key
from apikeys.models import ApiKey, PermissionEntry
from apikeys.operations import operation
from apikeys.recorded_calls import may_repeat, show_call_in_progress, show_recorded_call
from apikeys.slow_calls import find_slow_call
from apikeys.viewsets import KeyedViewSet
from sequence.core.typing import JsonObject


class KeyViewSet(KeyedViewSet):
    """A program plans inside its limits by asking for them."""

    @operation(
        scope=None,
        action="GET_KEY",
        answers_paused=True,
        summary="Read what this key may do, and what is left of its limits",
        description=(
            "All figures are of one instant. Limits alone are looked at, never a balance: `allowed_now_in_cents` is "
            "the largest single amount that goes without a person, and 0 where it is less than a transfer moves."
        ),
        response=KeyDetail,
    )
    def retrieve(self, request: Request) -> JsonObject:
        keys = ApiKey.objects.for_organization(self.caller.organization_id).select_related("organization")
        entries = PermissionEntry.objects.filter(organization_id=self.caller.organization_id)
        keys = keys.prefetch_related(Prefetch("entries", entries))
        return show_key(keys.defer("digest").get(id=self.caller.id))


class IdempotencyKeyViewSet(KeyedViewSet):
    """Requests that were sent with an Idempotency-Key, by this key or one of its rotations."""

    @operation(
        scope=None,
        action="GET_IDEMPOTENCY_KEY",
        answers_paused=True,
        summary="Tell what became of a request with an Idempotency-Key",
        description=(
            "The key is percent-encoded. `404` means that no request with it has had an effect: it never arrived, was "
            "refused at the door, or is forgotten after its 24 hours. While it is `in_progress`, method, path and "
            "request_id alone are known of it. `response` is the body that was answered, withheld where this key could "
            "not make that call now."
        ),
        query=IdempotencyKeyQuery,
        response=RecordedCall,
        refusals=(IdempotencyKeyNotFound,),
    )
    def retrieve(self, request: Request, idempotency_key: str) -> JsonObject:
        endpoint, call = self.query.get("endpoint"), None
        record, is_in_progress = look_up(self.caller, idempotency_key, endpoint=endpoint)
        # Where a key is of one endpoint, what is in progress may be another request than the one that was answered.
        may_be_newer = is_in_progress and endpoint is None and record is not None and record.endpoint
        if record is None or may_be_newer:
            call = find_slow_call(self.caller.lineage_id, idempotency_key, endpoint=endpoint)
        if record is None or (call is not None and call.endpoint != record.endpoint):
            return show_call_in_progress(idempotency_key, call)
        return show_recorded_call(record, is_withheld=not may_repeat(self, record))
