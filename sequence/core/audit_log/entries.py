"""Entries as rows of a query, which are many, and in their wire form."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sequence.core.api.ids import show_id
from sequence.core.audit_log.chain import show_instant
from sequence.core.audit_log.models import AuditEntry
from sequence.core.typing import JsonObject, Rows

COLUMNS = (
    "id",
    "organization_id",
    "created_at",
    "actor",
    "via",
    "action",
    "method",
    "path",
    "outcome",
    "status",
    "error_code",
    "request_id",
    "reason",
    "resource_type",
    "resource_id",
    "sequence",
    "previous_hash",
    "hash",
)
# Rows that are read at a time where all are.
CHUNK = 2_000


class Row(NamedTuple):
    """An entry as it is stored. ``organization_id`` is shown as an id already, ``id`` as well."""

    id: str
    organization_id: str | None
    created_at: datetime
    actor: str
    via: str
    action: str
    method: str | None
    path: str | None
    outcome: str
    status: int | None
    error_code: str | None
    request_id: str
    reason: str | None
    resource_type: str | None
    resource_id: str | None
    sequence: int | None
    previous_hash: bytes | None
    hash: bytes | None

    def as_json(self) -> JsonObject:
        """Return the entry as it goes over the wire, in the order of the contract."""
        return {
            "sequence": self.sequence,
            "id": self.id,
            "created_at": show_instant(self.created_at),
            "organization_id": self.organization_id,
            "actor": self.actor,
            "via": self.via,
            "action": self.action,
            "method": self.method,
            "path": self.path,
            "outcome": self.outcome,
            "status": self.status,
            "error_code": self.error_code,
            "request_id": self.request_id,
            "reason": self.reason,
            "resource": self.resource,
            "previous_hash": _hex(self.previous_hash),
            "hash": _hex(self.hash),
        }

    @property
    def resource(self) -> JsonObject | None:
        return None if self.resource_id is None else {"type": self.resource_type, "id": self.resource_id}


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()


def read(rows: Rows) -> list[Row]:
    """Return the entries of a query."""
    return [Row(*values) for values in rows.values_list(*COLUMNS)]


def entries_of(organization_id: str | None) -> Rows:
    """Return the entries of an organization, or those of none."""
    return AuditEntry.objects.filter(organization_id=organization_id)


def sealed_entries(organization_id: str | None, *, after: int = 0) -> Iterator[Row]:
    """Yield what is sealed, by number, a chunk at a time: any number of them fits into memory."""
    sealed = entries_of(organization_id).order_by("sequence")
    while chunk := read(sealed.filter(sequence__gt=after)[:CHUNK]):
        yield from chunk
        after = chunk[-1].sequence or 0


def shown_organization(value: UUID | None) -> str | None:
    """Return the id of an organization as statements of our own give it."""
    return None if value is None else show_id("org", value)
