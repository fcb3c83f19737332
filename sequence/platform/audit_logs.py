"""Audit log in this dialect: what keys asked for in the last 90 days, whichever dialect they spoke."""

from collections.abc import Mapping, Sequence

from rest_framework import serializers
from rest_framework.request import Request

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from sequence.core.api.fields import show_time
from sequence.core.audit_log.models import AuditEntry, Outcome, Via
from sequence.core.typing import JsonObject
from sequence.platform.enums import UpperWord, upper
from sequence.platform.errors import spelled_code
from sequence.platform.ids import PlainId, PlainIdText, plain_id
from sequence.platform.names import Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import Pagination, PeriodQuery, listed_page
from sequence.platform.viewsets import PlatformViewSet
from sequence.platform.windows import DateWindow, window_of

# The actions that the vendor's filter takes, and those that it tells as well; the words are ours too.
FILTERED_ACTIONS = (
    *("GET_ACCOUNT", "LIST_ACCOUNTS", "LIST_BENEFICIARIES", "LIST_TRANSFERS", "GET_TRANSFER", "CREATE_TRANSFER"),
    *("TRIGGER_RULE", "LIST_RULES", "GET_RULE", "LIST_RULE_EXECUTIONS", "GET_RULE_EXECUTION"),
)
ACTIONS = (*FILTERED_ACTIONS, "CREATE_ACCOUNT", "LIST_AUDIT_LOGS", "CREATE_RULE", "UPDATE_RULE")
_OF_KEYS = (Via.API, Via.PLATFORM, Via.MCP)
_ACTOR = "key:"


class AuditLogQuery(PeriodQuery):
    """Query of ``GET /audit-logs``."""

    api_key_id = PlainIdText("key", required=False, help_text="Only calls of this key.")
    action = serializers.ChoiceField(choices=FILTERED_ACTIONS, required=False, help_text="Only calls of this kind.")


class AuditLogEntry(Spelled):
    """A call of a key, and how it ended."""

    id = PlainId()
    created_at = serializers.DateTimeField()
    api_key_id = PlainId()
    api_key_name = serializers.CharField()
    path = serializers.CharField()
    action = serializers.ChoiceField(choices=ACTIONS, allow_null=True)
    reason = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    outcome = UpperWord(Outcome, name="AuditOutcome")
    error_code = serializers.CharField(allow_null=True)


class AuditLogPage(Spelled):
    """Some entries, and the window they are of."""

    items = AuditLogEntry(many=True)
    pagination = Pagination()
    window = DateWindow()


def show_entry(entry: AuditEntry, names: Mapping[str, str]) -> JsonObject:
    """Return an entry as this dialect tells it. ``names`` has those of the keys by id."""
    key_id = entry.actor.removeprefix(_ACTOR)
    return {
        "id": plain_id(entry.id),
        "createdAt": show_time(entry.created_at),
        "apiKeyId": plain_id(key_id),
        "apiKeyName": names.get(key_id, ""),
        "path": entry.path,
        "action": entry.action if entry.action in ACTIONS else None,
        "reason": entry.reason,
        "requestId": entry.request_id,
        "outcome": upper(entry.outcome),
        "errorCode": spelled_code(entry.error_code) if entry.error_code else None,
    }


class AuditLogViewSet(PlatformViewSet):
    """What keys asked for is read."""

    @platform_operation(
        name="listAuditLog",
        method="GET",
        path="/audit-logs",
        scope=Scope.READ_AUDIT_LOGS,
        summary="List what the organization's keys asked for, newest first",
        description="Of the last 90 days; a `from` further back is clamped, and the window told.",
        query=AuditLogQuery,
        response=AuditLogPage,
    )
    def list_audit_log(self, request: Request) -> JsonObject:
        window, shown_window = window_of(self.query)
        entries = AuditEntry.objects.filter(
            organization_id=self.caller.organization_id,
            sequence__isnull=False,
            via__in=_OF_KEYS,
            created_at__gte=window["from"],
            created_at__lte=window["to"],
        )
        if "api_key_id" in self.query:
            entries = entries.filter(actor=f"{_ACTOR}{self.query['api_key_id']}")
        if "action" in self.query:
            entries = entries.filter(action=self.query["action"])
        listed = listed_page(entries.order_by("-sequence"), self.query)
        names = _names_of(listed.rows)
        shown = listed.as_json(lambda entry: show_entry(entry, names), self.query)
        return {**shown, "window": shown_window}


def _names_of(entries: Sequence[AuditEntry]) -> dict[str, str]:
    """Return the names of the keys that the entries are of, by id."""
    ids = {entry.actor.removeprefix(_ACTOR) for entry in entries}
    return dict(ApiKey.objects.filter(id__in=ids).values_list("id", "name"))
