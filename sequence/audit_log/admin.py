"""Audit log for staff: who asked for what and how it ended, the way to what it changed, and verifying at once."""

from collections.abc import Iterator

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from apikeys.admin.organizations import ORGANIZATION_FILTER
from apikeys.models import ApiKey, Organization
from sequence.core.admin.actors import may_see_trail
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin
from sequence.core.admin.display import UNKNOWN, badge, code
from sequence.core.admin.exports import Column
from sequence.core.admin.filters import Exact, OneOf
from sequence.core.admin.links import Link
from sequence.core.admin.period_filters import period
from sequence.core.admin.timeline import MAX_ENTRIES, Stage, TimelineEntry, may_see
from sequence.core.audit_log.chain import show_instant
from sequence.core.audit_log.checking import check_and_note
from sequence.core.audit_log.models import AuditEntry, Outcome, Via
from sequence.core.typing import Context

NOBODY = "no organization"
_TONES = {Outcome.SUCCESS: "good", Outcome.FAILURE: "warn"}


class VerifyNow(ObjectPage[AuditEntry]):
    """Recomputes the chain that an entry belongs to."""

    name = "verify"
    label = "Verify now"
    permission = "view"
    audit_action = "VERIFY_AUDIT_LOG"

    def offered(self, obj: AuditEntry) -> bool:
        return obj.sequence is not None

    def consequences(self, obj: AuditEntry) -> list[str]:
        return [
            f"Every hash in the audit log of {_owner(obj)} is computed anew and held against what is stored.",
            "Nothing is changed. The console tells what is found. A million entries take a minute or so.",
        ]

    def perform(self, request: HttpRequest, obj: AuditEntry, choices: Context) -> str:
        finding = check_and_note(obj.organization_id)
        if finding.fault is None:
            return f"All {finding.sequence} entries of {_owner(obj)} are as they were sealed."
        fault = finding.fault
        return f"The audit log of {_owner(obj)} is wrong: entry {fault.sequence}, {fault.code}. {fault.message}"


def _owner(entry: AuditEntry) -> str:
    return entry.organization.name if entry.organization else NOBODY


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Newest first, what is not sealed yet included."""

    object_pages = [VerifyNow()]
    list_display = ["at", "organization", "actor", "via", "action", "how_it_ended", "about", "request_id", "number"]
    list_display_links = ["at"]
    list_select_related = ["organization"]
    ordering = ["-id"]
    fields = (
        "id",
        "number",
        "at",
        "organization",
        "actor",
        "via",
        "action",
        "method",
        "path",
        "how_it_ended",
        "request_id",
        "reason",
        "about",
        "shown_previous",
        "shown_hash",
    )
    filters = [
        ORGANIZATION_FILTER,
        Exact("actor", "Actor", "actor"),
        Exact("action", "Action", "action"),
        OneOf.of_column("outcome", "Outcome", Outcome.choices),
        OneOf.of_column("via", "Via", Via.choices),
        Exact("request", "Request id", "request_id"),
        Exact("about", "About", "resource_id").linked_only(),
        *period("created_at"),
    ]
    export_columns = [
        Column("sequence", "sequence"),
        Column("id", "id"),
        Column("created_at", "created_at"),
        Column("organization_id", "organization_id"),
        Column("actor", "actor"),
        Column("via", "via"),
        Column("action", "action"),
        Column("method", "method"),
        Column("path", "path"),
        Column("outcome", "outcome"),
        Column("status", "status"),
        Column("error_code", "error_code"),
        Column("request_id", "request_id"),
        Column("reason", "reason"),
        Column("resource_type", "resource_type"),
        Column("resource_id", "resource_id"),
    ]

    @admin.display(description="at", ordering="id")
    def at(self, obj: AuditEntry) -> str:
        return show_instant(obj.created_at)

    @admin.display(description="number")
    def number(self, obj: AuditEntry) -> object:
        return badge("not sealed yet", "quiet") if obj.sequence is None else obj.sequence

    @admin.display(description="outcome")
    def how_it_ended(self, obj: AuditEntry) -> SafeString:
        words = " ".join(str(word) for word in (_status_for_programs(obj), obj.error_code) if word)
        return badge(words or obj.get_outcome_display(), _TONES[Outcome(obj.outcome)])

    @admin.display(description="about", empty_value=UNKNOWN)
    def about(self, obj: AuditEntry) -> SafeString | None:
        if obj.resource_id is None:
            return None
        address = f"{reverse('admin:search')}?{urlencode({'q': obj.resource_id})}"
        return format_html('<a href="{}">{} {}</a>', address, obj.resource_type, obj.resource_id)

    @admin.display(description="hash of the one before", empty_value=UNKNOWN)
    def shown_previous(self, obj: AuditEntry) -> SafeString | None:
        return None if obj.previous_hash is None else code(bytes(obj.previous_hash).hex())

    @admin.display(description="hash", empty_value=UNKNOWN)
    def shown_hash(self, obj: AuditEntry) -> SafeString | None:
        return None if obj.hash is None else code(bytes(obj.hash).hex())

    def links_of(self, request: HttpRequest, obj: AuditEntry) -> list[Link]:
        """The way to all that the request did, and to what it changed."""
        links = [("Everything of this request", f"{reverse('admin:search')}?{urlencode({'q': obj.request_id})}")]
        if may_see_trail(request):
            trail = reverse("admin:sequence_audittrail_changelist")
            links.append(("What it changed", f"{trail}?{urlencode({'request_id': obj.request_id})}"))
        return links


def find_entries(request_id: str) -> Iterator[TimelineEntry]:
    """Tell what the audit log has of a request, for the search."""
    for entry in AuditEntry.objects.filter(request_id=request_id).order_by("position")[:MAX_ENTRIES]:
        words = f"{entry.actor} asked for it by {entry.get_via_display()}"
        outcome = (str(_status_for_programs(entry) or entry.get_outcome_display()), _TONES[Outcome(entry.outcome)])
        yield TimelineEntry(Stage.ANSWER, entry.created_at, words, entry, state=outcome, title=entry.action)


def log_of_organization(request: HttpRequest, organization: Organization) -> list[Link]:
    """Return the way from an organization to its audit log."""
    return _list_of(request, "Audit log", organization=organization.id)


def log_of_key(request: HttpRequest, key: ApiKey) -> list[Link]:
    """Return the way from a key to its calls."""
    return _list_of(request, "Calls in the audit log", actor=f"key:{key.id}")


def _list_of(request: HttpRequest, words: str, **query: str) -> list[Link]:
    if not may_see(request, AuditEntry):
        return []
    return [(words, f"{reverse('admin:sequence_auditentry_changelist')}?{urlencode(query)}")]


def _status_for_programs(entry: AuditEntry) -> int | None:
    """Return the status of an answer, None of one that leads a person to the next page: it says nothing to people."""
    return None if entry.status is None or 300 <= entry.status < 400 else entry.status
