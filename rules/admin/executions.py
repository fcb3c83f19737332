"""Executions for staff: why a rule ran, what it saw, what it moved."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.accounts import account_filter
from apikeys.admin.organizations import ORGANIZATION_FILTER
from rules.engine.vocabulary import TriggerType
from rules.failure_sentences import failure_in_words
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution
from rules.sentences import sentences_of
from rules.services import account_names
from rules.trace_sentences import tell_trace
from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import UNKNOWN, badge, dollars, short_id
from sequence.core.admin.filters import Exact, Named, OneOf
from sequence.core.admin.period_filters import period
from sequence.core.admin.search import request_link

TONES = {
    ExecutionStatus.IN_PROGRESS: "quiet",
    ExecutionStatus.EXECUTED: "good",
    ExecutionStatus.PARTIAL: "warn",
    ExecutionStatus.FAILED: "bad",
}


@admin.register(RuleExecution)
class RuleExecutionAdmin(ReadOnlyAdmin[RuleExecution]):
    list_display = [
        "short_id",
        "created_at",
        "organization",
        "rule",
        "shown_status",
        "mode",
        "trigger_type",
        "incoming",
    ]
    list_select_related = ["rule", "organization"]
    filters = [
        ORGANIZATION_FILTER,
        Named("rule", "Rule", Rule, "rule", called=("nickname",)),
        account_filter(condition=lambda account: Q(rule__in=Rule.objects.naming(account.id))),
        OneOf.of_column("status", "Status", ExecutionStatus.choices),
        OneOf.of_column("mode", "Mode", ExecutionMode.choices),
        OneOf.of_column("trigger_type", "Trigger", TriggerType.choices(), name="trigger"),
        Exact("request", "Request id", "request_id"),
        *period("created_at"),
    ]
    search_fields = ["id__is", "rule__id__is", "request_id__exact", "trigger_transfer__id__is"]
    search_help_text = "The whole id of an execution, rule, request, or of the transfer that set it off."
    ordering = ["-created_at", "-id"]
    fieldsets = [
        (None, {"fields": ["shown_status", "rule", "mode", "failure", "next_attempt_at", "attempts"]}),
        (
            "Why",
            {"fields": ["trigger_type", "incoming", "deposit", "scheduled_at", "started_by", "shown_request", "hops"]},
        ),
        ("The rule as it was", {"fields": ["as_it_was"]}),
        ("What it saw and did", {"fields": ["told"]}),
        ("Transfers", {"fields": ["shown_transfers"]}),
        ("Facts", {"fields": ["id", "organization", "created_at", "decided_at"]}),
    ]
    readonly_fields = [str(field) for _, section in fieldsets for field in section["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleExecution]:
        return super().get_queryset(request).select_related("organization", "rule", "version")

    @admin.display(description="id", ordering="id")
    def short_id(self, obj: RuleExecution) -> SafeString:
        return short_id(obj.id)

    @admin.display(description="status", ordering="status")
    def shown_status(self, obj: RuleExecution) -> SafeString:
        return badge(obj.get_status_display(), TONES[ExecutionStatus(obj.status)])

    @admin.display(description="error message")
    def failure(self, obj: RuleExecution) -> str:
        return failure_in_words(obj.error_message) if obj.error_message else UNKNOWN

    @admin.display(description="incoming amount", ordering="incoming_cents")
    def incoming(self, obj: RuleExecution) -> str:
        return dollars(obj.incoming_cents) if obj.incoming_cents is not None else UNKNOWN

    @admin.display(description="request id")
    def shown_request(self, obj: RuleExecution) -> str:
        return request_link(obj.request_id)

    @admin.display(description="set off by")
    def deposit(self, obj: RuleExecution) -> str:
        return _transfer_link(obj.trigger_transfer_id) if obj.trigger_transfer_id else UNKNOWN

    @admin.display(description="in words")
    def as_it_was(self, obj: RuleExecution) -> SafeString:
        return paragraphs(sentences_of(obj.version.parsed(), account_names(obj.rule)))

    @admin.display(description="line by line")
    def told(self, obj: RuleExecution) -> SafeString:
        return format_html('<pre class="json">{}</pre>', "\n".join(tell_trace(obj.trace)) or "Not decided yet.")

    @admin.display(description="made")
    def shown_transfers(self, obj: RuleExecution) -> str:
        if obj.mode == ExecutionMode.SIMULATION:
            return f"{', '.join(obj.transfer_ids()) or 'None'} (simulated)"
        links = [(_transfer_link(id),) for id in obj.transfer_ids()]
        return format_html_join(", ", "{}", links) or "None"


def paragraphs(sentences: list[str]) -> SafeString:
    """Return sentences one below the other."""
    return format_html_join("", "<p>{}</p>", ((sentence,) for sentence in sentences))


def _transfer_link(transfer_id: str) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:transfers_transfer_change", args=[transfer_id]), transfer_id
    )
