"""Rules for staff: read them as sentences, simulate, enable, disable."""

import json
from datetime import UTC, datetime, time
from typing import Protocol

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.accounts import account_filter
from accounts.descriptions import describe_accounts
from accounts.services import keep_as_shown
from apikeys.admin.custody import deciders_on
from apikeys.admin.organizations import ORGANIZATION_FILTER
from rules import services
from rules.admin.executions import paragraphs
from rules.admin.why_not import links_to_why_not, why_not_page
from rules.engine.vocabulary import TriggerType
from rules.failure_sentences import failure_in_words
from rules.models import ExecutionMode, Rule, RuleExecution, RuleStatus
from rules.runs import simulate
from rules.sentences import changes_between, sentences_of
from rules.trace_sentences import tell_trace
from sequence.core import clock
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin, actor_of
from sequence.core.admin.deciders import Deciders
from sequence.core.admin.display import UNKNOWN, badge, code
from sequence.core.admin.fields import Dollars, PlainText
from sequence.core.admin.filters import OneOf
from sequence.core.admin.links import Link
from sequence.core.admin.period_filters import period
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit import set_context
from sequence.core.typing import Context

RECENT_EXECUTIONS = 10


class ReasonForm(forms.Form):
    reason = PlainText(required=False, max_length=200, help_text="Kept on the audit trail, beside your name.")


def _names(rule: Rule) -> dict[str, str]:
    """Return the accounts that the rule names as a person who decides on it is told of them, by id."""
    return {id: description.short for id, description in describe_accounts(rule.account_ids).items()}


class Enable(ObjectPage[Rule]):
    name = "enable"
    label = "Enable"
    permission = "enable"
    form_class = ReasonForm

    def offered(self, obj: Rule) -> bool:
        return obj.status == RuleStatus.DISABLED and obj.deleted_at is None

    def consequences(self, obj: Rule) -> list[str]:
        return [
            f"From now on version {obj.version} of this rule moves money by itself:",
            *sentences_of(obj.parsed(), _names(obj)),
            "Deposits and slots before this moment never set it off.",
        ]

    def lock(self, obj: Rule) -> None:
        keep_as_shown(obj.account_ids)

    def deciders(self, obj: Rule) -> Deciders:
        needed = ["rules.view_rule", "rules.enable_rule"]
        return deciders_on(services.author_of(obj), role=services.WROTE, permissions=needed)

    def perform(self, request: HttpRequest, obj: Rule, choices: Context) -> str:
        _note(request, choices["reason"])
        services.enable_rule(rule_id=obj.id, version=obj.version, by=actor_of(request))
        return f"{obj} is enabled."


class Disable(ObjectPage[Rule]):
    name = "disable"
    label = "Disable"
    permission = "enable"
    is_dangerous = True
    form_class = ReasonForm

    def offered(self, obj: Rule) -> bool:
        return obj.status == RuleStatus.ENABLED

    def consequences(self, obj: Rule) -> list[str]:
        return [f"{obj} does not run any more. Transfers that it has made go on."]

    def perform(self, request: HttpRequest, obj: Rule, choices: Context) -> str:
        _note(request, choices["reason"])
        services.disable_rule(rule_id=obj.id)
        return f"{obj} is disabled."


def _note(request: HttpRequest, reason: str) -> None:
    set_context(actor=actor_of(request), request_id=request_id_of(request), reason=reason or None)


class SimulationForm(forms.Form):
    amount = Dollars(required=False, label="Incoming amount in US dollars", help_text="What arrives; empty: nothing.")
    date = forms.DateField(label="On the day (UTC)", widget=AdminDateWidget, initial=lambda: clock.now().date())


class Simulate(ObjectPage[Rule]):
    name = "simulate"
    label = "Simulate"
    permission = "simulate"
    form_class = SimulationForm

    def offered(self, obj: Rule) -> bool:
        return obj.deleted_at is None

    def consequences(self, obj: Rule) -> list[str]:
        return ["The rule runs on the balances as they are now, and moves nothing. You see what it would do, and why."]

    def perform(self, request: HttpRequest, obj: Rule, choices: Context) -> HttpResponse:
        execution = services.start_execution(
            obj,
            trigger_type=TriggerType.MANUAL,
            mode=ExecutionMode.SIMULATION,
            incoming_cents=choices["amount"],
            started_by=actor_of(request),
            request_id=request_id_of(request),
        )
        simulate(execution, now=datetime.combine(choices["date"], time(12), tzinfo=UTC))
        model_admin = admin.site.get_model_admin(Rule)
        return model_admin.page(  # type: ignore[attr-defined]
            request,
            "admin/rules/simulation.html",
            title=f"Simulation: {obj}",
            original=obj,
            execution=execution,
            failure=failure_in_words(execution.error_message) if execution.error_message else "",
            lines=tell_trace(execution.trace),
            buttons=[page for page in RuleAdmin.object_pages if page.is_allowed(request, obj)],
            rule_address=model_admin.address_of(obj),  # type: ignore[attr-defined]
        )


STATUS_FILTER = OneOf(
    "status",
    "Status",
    {
        "enabled": ("Enabled", Q(status=RuleStatus.ENABLED)),
        "disabled": ("Disabled", Q(status=RuleStatus.DISABLED, deleted_at=None)),
        "deleted": ("Deleted", Q(deleted_at__isnull=False)),
    },
)


class _HasRun(Protocol):
    """A rule of the list, with the time of its last run."""

    last_run_at: datetime | None


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin[Rule]):
    """Programs write rules; people read and enable them here."""

    object_pages = [Enable(), Disable(), Simulate()]
    list_display = [
        "__str__",
        "organization",
        "shown_status",
        "trigger_type",
        "trigger_account",
        "last_run",
        "created_at",
    ]
    list_select_related = ["organization", "trigger_account"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter(condition=lambda account: Q(id__in=Rule.objects.naming(account.id).values("id"))),
        STATUS_FILTER,
        OneOf.of_column("trigger_type", "Trigger", TriggerType.choices(), name="trigger"),
        *period("created_at"),
    ]
    search_fields = ["nickname", "id__is", "trigger_account__id__is"]
    search_help_text = "Name, or the whole id of a rule or account."
    ordering = ["-created_at", "-id"]
    fieldsets = [
        (None, {"fields": ["shown_status", "in_words", "description", "changed"]}),
        ("Course", {"fields": ["enabled_by", "enabled_at", "next_slot_at", "executions"]}),
        ("Facts", {"fields": ["shown_id", "organization", "created_at", "updated_at", "deleted_at", "version"]}),
        ("Definition", {"fields": ["shown_definition", "versions"], "classes": ["collapse"]}),
    ]
    readonly_fields = [str(field) for _, section in fieldsets for field in section["fields"]]

    def get_urls(self) -> list[URLPattern]:
        page = path("<path:object_id>/why-not/", self.admin_site.admin_view(self.why_not_view))
        return [page, *super().get_urls()]

    def why_not_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Why a deposit did not set the rule off."""
        return why_not_page(self, request, self.get_object(request, unquote(object_id)))

    def links_of(self, request: HttpRequest, obj: Rule) -> list[Link]:
        return links_to_why_not(request, self.address_of(obj))

    def facts_about(self, obj: Rule) -> list[str]:
        return [description.line for description in describe_accounts(obj.account_ids).values()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        runs = RuleExecution.objects.filter(rule=OuterRef("pk"), mode=ExecutionMode.LIVE).order_by("-created_at")
        rules = super().get_queryset(request).select_related("organization", "trigger_account")
        return rules.annotate(last_run_at=Subquery(runs.values("created_at")[:1]))

    @admin.display(description="status", ordering="status")
    def shown_status(self, obj: Rule) -> SafeString:
        if obj.deleted_at is not None:
            return badge("Deleted", "quiet")
        return badge("Enabled", "good") if obj.status == RuleStatus.ENABLED else badge("Disabled", "warn")

    @admin.display(description="last run", ordering="last_run_at", empty_value=UNKNOWN)
    def last_run(self, obj: _HasRun) -> datetime | None:
        return obj.last_run_at

    @admin.display(description="in words")
    def in_words(self, obj: Rule) -> SafeString:
        return paragraphs(sentences_of(obj.parsed(), _names(obj)))

    @admin.display(description="changed since it was last enabled")
    def changed(self, obj: Rule) -> str:
        if obj.enabled_version is None:
            return "It was never enabled."
        before = obj.numbered(obj.enabled_version)
        changes = changes_between(before.parsed(), obj.parsed(), _names(obj))
        lines = [("ins" if sign == "+" else "del", sentence) for sign, sentence in changes]
        return format_html_join("", "<p><{0}>{1}</{0}></p>", ((tag, text) for tag, text in lines)) or "Nothing."

    @admin.display(description="recent executions")
    def executions(self, obj: Rule) -> str:
        rows = obj.executions.order_by("-created_at", "-id")[:RECENT_EXECUTIONS]
        links = [
            (
                reverse("admin:rules_ruleexecution_change", args=[row.id]),
                f"{row.created_at:%Y-%m-%d %H:%M} {row.get_status_display()} ({row.mode})",
            )
            for row in rows
        ]
        return format_html_join("", '<p><a href="{}">{}</a></p>', links) or "None yet."

    @admin.display(description="id")
    def shown_id(self, obj: Rule) -> SafeString:
        return code(obj.id)

    @admin.display(description="as JSON")
    def shown_definition(self, obj: Rule) -> SafeString:
        return format_html('<pre class="json">{}</pre>', json.dumps(obj.definition, ensure_ascii=False, indent=2))

    @admin.display(description="versions")
    def versions(self, obj: Rule) -> str:
        rows = obj.kept_versions().order_by("-number")
        lines = ((f"{row.number}: {row.created_at:%Y-%m-%d %H:%M} by {row.created_by}",) for row in rows)
        return format_html_join("", "<p>{}</p>", lines)
