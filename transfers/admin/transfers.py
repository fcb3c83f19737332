"""Transfers for staff: look, decide, cancel, and play the institution outside."""

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.accounts import account_filter
from accounts.descriptions import describe_accounts
from accounts.services import keep_as_shown
from apikeys.admin.custody import deciders_on
from apikeys.admin.keys import key_filter
from apikeys.admin.organizations import ORGANIZATION_FILTER
from sequence.core.admin.amount_filters import Amount
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin, actor_of
from sequence.core.admin.deciders import Deciders
from sequence.core.admin.display import UNKNOWN, amount, badge, short_id
from sequence.core.admin.exports import CURRENCY, Column
from sequence.core.admin.filters import Condition, Exact, OneOf
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.admin.period_filters import period
from sequence.core.admin.search import request_link
from sequence.core.typing import Context
from transfers import services, simulated_rail_control
from transfers.admin.approvals import approval_in_words
from transfers.admin.failures import TakeFailure
from transfers.admin.filters import flow_filters
from transfers.models import (
    FAILED,
    UNDER_WAY,
    UNTAKEN,
    CancelReason,
    Direction,
    ErrorCode,
    Origin,
    Posting,
    Status,
    Transfer,
)
from transfers.rails import is_simulated

TONES = {
    Status.PENDING_APPROVAL: "warn",
    Status.PROCESSING: "quiet",
    Status.PENDING: "quiet",
    Status.COMPLETE: "good",
    Status.INCOMPLETE: "bad",
    Status.ERROR: "bad",
    Status.CANCELLED: "quiet",
}
# What an operator asks for, with the statuses that answer it. Their numbers stand on top of the list.
QUESTIONS = {
    "person": ("Waits for a person", [Status.PENDING_APPROVAL]),
    "worker": ("Waits for a worker", [Status.PROCESSING]),
    "rail": ("With the rail", [Status.PENDING]),
}
FAILURES: dict[str, tuple[str, Condition]] = {
    "taker": ("Failed, nobody has taken it", UNTAKEN),
    "failed": ("Failed", Q(status__in=FAILED)),
}


def show_transfer(transfer: Transfer | None) -> str:
    """Return a link to the transfer's page."""
    if transfer is None:
        return UNKNOWN
    address = reverse("admin:transfers_transfer_change", args=[transfer.id])
    return format_html('<a href="{}">{}</a>', address, short_id(transfer.id))


QUESTION_FILTER = OneOf(
    "waits",
    "Waits",
    {name: (words, Q(status__in=statuses)) for name, (words, statuses) in QUESTIONS.items()} | FAILURES,
)


class Approve(ObjectPage[Transfer]):
    name = "approve"
    label = "Approve"
    permission = "decide"
    form_class = NoteForm

    def offered(self, obj: Transfer) -> bool:
        return obj.status == Status.PENDING_APPROVAL

    def consequences(self, obj: Transfer) -> list[str]:
        return approval_in_words(obj)

    def lock(self, obj: Transfer) -> None:
        keep_as_shown(id for id in (obj.source_id, obj.destination_id) if id)

    def deciders(self, obj: Transfer) -> Deciders:
        needed = ["transfers.view_transfer", "transfers.decide_transfer"]
        return deciders_on(obj.api_key, role=services.ASKED, permissions=needed)

    def perform(self, request: HttpRequest, obj: Transfer, choices: Context) -> str:
        services.approve_transfer(transfer_id=obj.id, by=actor_of(request), note=note_of(request, choices))
        return f"{obj.id} is approved."


class Reject(ObjectPage[Transfer]):
    name = "reject"
    label = "Reject"
    permission = "decide"
    is_dangerous = True
    form_class = NoteForm

    def offered(self, obj: Transfer) -> bool:
        return obj.status == Status.PENDING_APPROVAL

    def consequences(self, obj: Transfer) -> list[str]:
        return ["Nothing moves. The transfer is cancelled for good, and its amount goes back to the key's caps."]

    def perform(self, request: HttpRequest, obj: Transfer, choices: Context) -> str:
        services.reject_transfer(transfer_id=obj.id, by=actor_of(request), note=note_of(request, choices))
        return f"{obj.id} is rejected."


class Cancel(ObjectPage[Transfer]):
    name = "cancel"
    label = "Cancel"
    permission = "cancel"
    is_dangerous = True
    form_class = NoteForm

    def offered(self, obj: Transfer) -> bool:
        return obj.status == Status.PROCESSING

    def consequences(self, obj: Transfer) -> list[str]:
        return ["Nothing moves, if no worker is faster. The amount goes back to the key's caps."]

    def perform(self, request: HttpRequest, obj: Transfer, choices: Context) -> str:
        note = note_of(request, choices)
        services.cancel_transfer(transfer_id=obj.id, by=actor_of(request), reason=CancelReason.REJECTED, note=note)
        return f"{obj.id} is cancelled."


class EndingForm(forms.Form):
    ending = forms.ChoiceField(
        choices=[("settle", "It settles"), ("fail", "It fails"), ("return", "It completes and comes back")],
        widget=forms.RadioSelect,
        initial="settle",
    )
    code = forms.ChoiceField(
        choices=ErrorCode.choices, initial=ErrorCode.PAYMENT_FAILED, help_text="Why it fails or comes back."
    )


class Simulate(ObjectPage[Transfer]):
    name = "simulate"
    label = "Simulate the rail"
    permission = "simulate"
    form_class = EndingForm

    def offered(self, obj: Transfer) -> bool:
        return is_simulated(obj) and obj.status in (Status.PROCESSING, Status.PENDING, Status.COMPLETE)

    def consequences(self, obj: Transfer) -> list[str]:
        return ["The simulated institution reports what you choose: at once, or, before it has the payment, when due."]

    def perform(self, request: HttpRequest, obj: Transfer, choices: Context) -> str:
        reason = ErrorCode(choices["code"])
        if choices["ending"] == "settle":
            transfer = simulated_rail_control.settle_payment(obj.id)
        elif choices["ending"] == "fail":
            transfer = simulated_rail_control.fail_payment(obj.id, reason)
        else:
            transfer = simulated_rail_control.return_payment(obj.id, reason)
        return f"{obj.id} is {transfer.get_status_display().lower()}."


_COURSE = ["created_at", "not_before", "accepted_at", "submitted_at", "completed_at", "updated_at"]
_WHO = ["organization", "origin", "direction", "api_key", "shown_request", "called_reason", "decision"]


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin[Transfer]):
    """Staff look at money here; they move it through services."""

    object_pages = [Approve(), Reject(), Cancel(), Simulate(), TakeFailure()]
    list_display = [
        "short_id",
        "created_at",
        "organization",
        "source",
        "destination",
        "shown_amount",
        "shown_status",
        "why",
    ]
    list_select_related = ["organization", "source", "destination"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter("source", "destination"),
        key_filter("api_key"),
        OneOf.of_column("status", "Status", Status.choices),
        QUESTION_FILTER,
        OneOf.of_column("direction", "Direction", Direction.choices),
        OneOf.of_column("origin", "Origin", Origin.choices),
        Exact("request", "Request id", "request_id"),
        Amount(),
        *period("created_at"),
        Exact("description", "Description", "description__iexact").linked_only(),
        *flow_filters(),
    ]
    export_columns = [
        Column("id", "id"),
        Column("created_at", "created_at"),
        Column("completed_at", "completed_at"),
        Column("status", "status"),
        Column("error_code", "error_code"),
        Column("direction", "direction"),
        Column("origin", "origin"),
        Column("organization_id", "organization_id"),
        Column("organization_name", "organization__name"),
        Column("source_id", "source_id"),
        Column("source_name", "source__name"),
        Column("destination_id", "destination_id"),
        Column("destination_name", "destination__name"),
        Column("amount_in_cents", "amount_cents"),
        CURRENCY,
        Column("description", "description"),
        Column("rule_id", "rule_id"),
        Column("rule_execution_id", "rule_execution_id"),
        Column("api_key_id", "api_key_id"),
        Column("request_id", "request_id"),
    ]
    search_fields = [
        "id__is",
        "request_id__exact",
        "api_key__id__is",
        "rule_execution_id__is",
        "source__id__is",
        "destination__id__is",
    ]
    search_help_text = "The whole id of a transfer, request, key, rule execution or account."
    ordering = ["-created_at", "-id"]
    change_list_template = "admin/transfers/transfer/change_list.html"
    fieldsets = [
        (None, {"fields": ["shown_status", "why", "shown_amount", "source", "destination", "description"]}),
        (
            "Course",
            {"fields": ["created_at", "not_before", "accepted_at", "submitted_at", "completed_at", "updated_at"]},
        ),
        (
            "Who",
            {
                "fields": [
                    "organization",
                    "origin",
                    "direction",
                    "api_key",
                    "shown_request",
                    "called_reason",
                    "decision",
                ]
            },
        ),
        ("Rule", {"fields": ["rule_id", "shown_execution"]}),
        ("Ledger", {"fields": ["rail", "postings"]}),
    ]
    readonly_fields = [str(field) for _, section in fieldsets for field in section["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return super().get_queryset(request).select_related("organization", "source", "destination", "api_key")

    def facts_about(self, obj: Transfer) -> list[str]:
        ends = {"From": obj.source_id, "To": obj.destination_id}
        described = describe_accounts(ends.values())
        return [f"{word} {described[id].line}" for word, id in ends.items() if id]

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        """The list, with what waits and what failed on top of it."""
        return super().changelist_view(request, {**(extra_context or {}), "questions": _questions()})

    @admin.display(description="id", ordering="id")
    def short_id(self, obj: Transfer) -> SafeString:
        return short_id(obj.id)

    @admin.display(description="amount", ordering="amount_cents")
    def shown_amount(self, obj: Transfer) -> SafeString:
        return amount(obj.amount_cents)

    @admin.display(description="status", ordering="status")
    def shown_status(self, obj: Transfer) -> SafeString:
        return badge(obj.get_status_display(), TONES[Status(obj.status)])

    @admin.display(description="why", empty_value=UNKNOWN)
    def why(self, obj: Transfer) -> str:
        return obj.get_error_code_display() or obj.get_cancel_reason_display() or UNKNOWN

    @admin.display(description="request id")
    def shown_request(self, obj: Transfer) -> str:
        return request_link(obj.request_id)

    @admin.display(description="decided by")
    def decision(self, obj: Transfer) -> str:
        if obj.decided_at is None:
            return UNKNOWN
        note = f": {obj.decision_note}" if obj.decision_note else ""
        cancelled = f"; cancelled by {obj.cancelled_by}" if obj.cancelled_by else ""
        return f"{obj.decided_by}, {obj.decided_at:%Y-%m-%d %H:%M:%S} UTC{cancelled}{note}"

    @admin.display(description="execution")
    def shown_execution(self, obj: Transfer) -> str:
        if not obj.rule_execution_id:
            return UNKNOWN
        # The rules are above this app: their pages are known by address alone.
        address = reverse("admin:rules_ruleexecution_change", args=[obj.rule_execution_id])
        return format_html('<a href="{}">{}</a>', address, obj.rule_execution_id)

    @admin.display(description="postings")
    def postings(self, obj: Transfer) -> str:
        address = reverse("admin:transfers_posting_changelist")
        count = Posting.objects.filter(entry_set__transfer=obj).count()
        return format_html('<a href="{}?q={}">{} postings</a>', address, obj.id, count) if count else "None: not moved"


def _questions() -> list[Context]:
    """Count what waits, from the sliver of the table that does; failures of the last day beside it."""
    counts = dict(
        Transfer.objects.filter(status__in=UNDER_WAY).values_list("status").annotate(number=Count("id")).order_by()
    )
    return [
        {"name": name, "words": words, "count": sum(counts.get(status, 0) for status in statuses)}
        for name, (words, statuses) in QUESTIONS.items()
    ]
