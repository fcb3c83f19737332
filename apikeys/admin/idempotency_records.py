"""Idempotency records for staff: look, search, expire, purge."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from apikeys.admin.keys import key_filter
from apikeys.admin.organizations import ORGANIZATION_FILTER
from apikeys.idempotency import METHODS_THAT_WRITE
from apikeys.models import IdempotencyRecord
from apikeys.services import expire_idempotency_records, remove_idempotency_records
from sequence.core import clock
from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import badge, code, pretty_json
from sequence.core.admin.filters import Exact, OneOf
from sequence.core.admin.period_filters import period
from sequence.core.admin.search import request_link
from sequence.core.typing import Rows

# What one confirmation covers. More than this is work for the command.
MAX_RECORDS = 1000
CONSEQUENCES = [
    "A client that repeats one of these requests is not told the old answer: its request executes again, "
    "and may move money or create things a second time.",
    "The audit trail names every record and you.",
]

LIFE_FILTER = OneOf(
    "life",
    "Life",
    {
        "live": ("Live", lambda: Q(expires_at__gt=clock.now())),
        "expired": ("Expired", lambda: Q(expires_at__lte=clock.now())),
    },
)
ANSWER_FILTER = OneOf(
    "answer",
    "Answer",
    {
        "done": ("Done (2xx)", Q(response_status__lt=400)),
        "refused": ("Refused (4xx)", Q(response_status__gte=400)),
    },
)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin[IdempotencyRecord]):
    """What a record says is what a client is told again, so nobody edits it."""

    list_display = ["key", "organization", "method", "path", "shown_status", "age", "expires_at", "life"]
    list_select_related = ["organization"]
    filters = [
        ORGANIZATION_FILTER,
        key_filter("api_key"),
        OneOf.of_column("method", "Method", [(method, method) for method in sorted(METHODS_THAT_WRITE)]),
        ANSWER_FILTER,
        LIFE_FILTER,
        Exact("request", "Request id", "request_id"),
        *period("created_at"),
    ]
    # Exact, so that the indexes on them serve a table of a day's requests.
    search_fields = ["key__exact", "request_id__exact", "organization__id__is"]
    search_help_text = "The whole Idempotency-Key, the request id, or the organization's id."
    ordering = ["-created_at", "-id"]
    actions = ["expire", "purge"]
    readonly_fields = [
        "key",
        "organization",
        "shown_api_key",
        "shown_request_id",
        "method",
        "path",
        "shown_request",
        "shown_status",
        "shown_response",
        "created_at",
        "expires_at",
        "life",
    ]
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyRecord]:
        return super().get_queryset(request).select_related("organization", "api_key").defer("api_key__digest")

    def has_purge_permission(self, request: HttpRequest) -> bool:
        """Freeing a key lets a request execute again: as grave as deleting the record."""
        return request.user.has_perm("apikeys.delete_idempotencyrecord")

    @admin.action(description="Expire: free the key now", permissions=["purge"])
    def expire(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        return self._after_asking(request, queryset, "expire", "Expire", expire_idempotency_records)

    @admin.action(description="Purge: remove the record", permissions=["purge"])
    def purge(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        return self._after_asking(request, queryset, "purge", "Purge", remove_idempotency_records)

    def _after_asking(
        self, request: HttpRequest, queryset: Rows, action: str, label: str, do: Callable[..., int]
    ) -> HttpResponse | None:
        ids = list(queryset.order_by("id").values_list("id", flat=True)[: MAX_RECORDS + 1])
        if len(ids) > MAX_RECORDS:
            text = f"At most {MAX_RECORDS} at a time. For more, use the command purge_idempotency_records."
            messages.error(request, text)
            return None
        return self.after_asking(
            request,
            self.get_queryset(request).filter(id__in=ids),
            action=action,
            label=label,
            consequences=CONSEQUENCES,
            shown=lambda record: {"key": record.key, "method": record.method, "path": record.path},
            do=lambda: f"{label}: {do(ids=ids)} of {len(ids)} records.",
        )

    @admin.display(description="answer", ordering="response_status")
    def shown_status(self, obj: IdempotencyRecord) -> SafeString:
        good = obj.response_status is not None and obj.response_status < 400
        return badge(str(obj.response_status), "good" if good else "warn")

    @admin.display(description="age", ordering="created_at")
    def age(self, obj: IdempotencyRecord) -> str:
        return timesince(obj.created_at, depth=1)

    @admin.display(description="life", ordering="expires_at")
    def life(self, obj: IdempotencyRecord) -> SafeString:
        live = obj.expires_at > clock.now()
        return badge("Live" if live else "Expired", "good" if live else "quiet")

    @admin.display(description="request id")
    def shown_request_id(self, obj: IdempotencyRecord) -> SafeString:
        return request_link(obj.request_id)

    @admin.display(description="API key")
    def shown_api_key(self, obj: IdempotencyRecord) -> SafeString:
        return code(str(obj.api_key))

    @admin.display(description="request body")
    def shown_request(self, obj: IdempotencyRecord) -> SafeString:
        return pretty_json(obj.request_body)

    @admin.display(description="response body")
    def shown_response(self, obj: IdempotencyRecord) -> SafeString:
        return pretty_json(obj.response_body)
