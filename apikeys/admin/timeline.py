"""Request look-ups of keys and idempotency records: who called, and what was answered."""

from collections.abc import Iterator

from pghistory.models import Context

from apikeys.models import ApiKey, IdempotencyRecord
from sequence.core.admin.timeline import MAX_ENTRIES, Stage, TimelineEntry

_ACTOR = "key:"


def find_records(request_id: str) -> Iterator[TimelineEntry]:
    """Tell which key called, and what it was answered once and for all."""
    records = IdempotencyRecord.objects.filter(request_id=request_id).select_related("api_key")
    records = records.defer("request_body", "response_body", "api_key__digest")
    for record in records.order_by("created_at", "id")[:MAX_ENTRIES]:
        status = record.response_status or 0
        yield TimelineEntry(Stage.CALLER, record.created_at, f"sent {record.method} {record.path}", record.api_key)
        yield TimelineEntry(
            Stage.ANSWER,
            record.created_at,
            f"Until {record.expires_at:%Y-%m-%d %H:%M} UTC the same Idempotency-Key gets this answer again.",
            record,
            state=(str(status), "good" if status < 400 else "warn"),
        )


def find_callers(request_id: str) -> Iterator[TimelineEntry]:
    """Tell which keys the audit trail names for the request."""
    contexts = Context.objects.filter(metadata__request_id=request_id).order_by("created_at")[:MAX_ENTRIES]
    began = {context.metadata.get("actor", "").removeprefix(_ACTOR): context.created_at for context in contexts}
    for key in ApiKey.objects.filter(id__in=began).defer("digest"):
        yield TimelineEntry(Stage.CALLER, began[key.id], "is named on the audit trail", key)


def requests_of_key(idempotency_key: str) -> list[str]:
    """Return the requests that carried an Idempotency-Key first."""
    records = IdempotencyRecord.objects.filter(key=idempotency_key).order_by("created_at", "id")
    return list(records.values_list("request_id", flat=True)[:MAX_ENTRIES])
