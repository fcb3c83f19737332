"""Audited calls: what the audit log tells of a request that came with a valid key, and when it is written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path

from apikeys.authentication import AuthenticatedKey
from apikeys.call_resources import resource_of
from sequence.core.api.called_reasons import called_reason_of
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit_log.beyond_limit import count_beyond_limit
from sequence.core.audit_log.models import Via
from sequence.core.audit_log.reads import reads
from sequence.core.audit_log.recording import Entry, record
from sequence.core.errors import DatabaseAway, DomainError

# Addresses of ours are a tenth of it; a stranger's may be as long as the server takes.
MAX_PATH_LENGTH = 2_000


@dataclass(frozen=True, kw_only=True)
class AuditedCall:
    """A call of a key, as far as its entry is the same however it ends."""

    request: HttpRequest
    caller: AuthenticatedKey
    via: Via
    action: str
    writes: bool
    # The variables of the address, and the prefix of what the answer's id is of where that is a uuid.
    named: Sequence[object] = ()
    makes: str = ""

    def record_answer(self, response: HttpResponse, *, error_code: str | None = None) -> None:
        """Write the entry of a call that writes: in the transaction of its effect, or alone where it has none."""
        record(self.entry_of(response, error_code))

    def record_read(self, response: HttpResponse, data: object) -> None:
        """Leave the entry of a call that was answered with ``data`` to be written a moment later."""
        reads.add(self.entry(response.status_code, data=data))

    def record_refusal(self, response: HttpResponse, refusal: DomainError) -> None:
        """Write the entry of a call that was refused and has had no effect, each in its way."""
        entry = self.entry(response.status_code, error_code=refusal.code)
        minute_ends_at = refusal.names.get("ends_at")
        if isinstance(minute_ends_at, datetime):
            count_beyond_limit(entry, ends_at=minute_ends_at)
        elif self.writes and not isinstance(refusal, DatabaseAway):
            record(entry)
        else:
            reads.add(entry)

    def entry_of(self, response: HttpResponse, error_code: str | None) -> Entry:
        """Return the entry by what the whole answer says, which may be one that was kept."""
        body = json.loads(response.content or b"{}")
        if response.status_code < 400:
            return self.entry(response.status_code, data=body.get("data"))
        return self.entry(response.status_code, error_code=error_code or body["error"]["code"])

    def entry(self, status: int, *, data: object = None, error_code: str | None = None) -> Entry:
        """Return the entry of the call that ended so."""
        path = escape_uri_path(self.request.path)[:MAX_PATH_LENGTH]
        return Entry(
            organization_id=self.caller.organization_id,
            actor=f"key:{self.caller.id}",
            via=self.via,
            action=self.action,
            method=self.request.method,
            path=path,
            status=status,
            error_code=error_code,
            is_failure=error_code is not None,
            request_id=request_id_of(self.request),
            reason=called_reason_of(self.request),
            resource=resource_of(reversed(self.named), data, makes=self.makes),
        )
