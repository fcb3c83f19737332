"""Audit log endpoints."""

from rest_framework.request import Request

from apikeys.operations import operation
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.audit_log.serializers import AuditEntryDetail, AuditHead, AuditLogQuery, AuditPublicKey, filters_of
from sequence.core.api.pagination import DEFAULT_SIZE, Page, paginate_by_number
from sequence.core.audit_log.entries import entries_of, read
from sequence.core.audit_log.signing import head_of, public_keys
from sequence.core.typing import JsonObject


class AuditLogViewSet(KeyedViewSet):
    """What keys, staff and commands asked for, and how it ended. Entries are chained, and heads are signed."""

    @operation(
        scope=Scope.READ_AUDIT_LOGS,
        action="LIST_AUDIT_LOGS",
        summary="List what keys, staff and commands did, newest first",
        description=(
            "An entry appears once it is sealed, within about a second. Each holds the hash of the one before; "
            "together with a head that was kept elsewhere that proves that nothing before it was changed."
        ),
        query=AuditLogQuery,
        response=AuditEntryDetail,
        is_list=True,
        has_pages=True,
    )
    def list(self, request: Request) -> Page:
        sealed = entries_of(self.caller.organization_id).filter(sequence__isnull=False)
        return paginate_by_number(
            sealed.filter(**filters_of(self.query)),
            "sequence",
            show=lambda rows: [row.as_json() for row in read(rows)],
            list_name="audit-logs",
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )

    @operation(
        scope=Scope.READ_AUDIT_LOGS,
        action="GET_AUDIT_LOG_HEAD",
        summary="Read the signed head of the audit log",
        description="Keep it where nobody who owns this server's database can reach it.",
        response=AuditHead,
    )
    def head_of_chain(self, request: Request) -> JsonObject:
        return head_of(self.caller.organization_id)

    @operation(
        scope=Scope.READ_AUDIT_LOGS,
        action="LIST_AUDIT_LOG_KEYS",
        summary="List the public keys that heads are signed with",
        response=AuditPublicKey,
        is_list=True,
    )
    def keys(self, request: Request) -> Page:
        items = [{"key_id": id, "public_key": key} for id, key in public_keys().items()]
        return Page(items, {"end_cursor": None, "has_next_page": False})
