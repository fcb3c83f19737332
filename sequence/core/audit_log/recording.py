"""Recording of entries: one statement, in the transaction of what they tell or in one of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sequence.core import clock
from sequence.core.api.ids import new_uuid, parse_id
from sequence.core.audit_log.models import Outcome, Via
from sequence.core.database.kept_cursor import run
from sequence.core.pasted import without_secrets
from sequence.core.texts import MAX_REASON_LENGTH

MAX_ACTOR_LENGTH = 300
MAX_RESOURCE_LENGTH = 200

# Asking an enumeration for its value takes as long as making a row of the rest.
_VIA = {via: via.value for via in Via}
_SUCCESS, _FAILURE = Outcome.SUCCESS.value, Outcome.FAILURE.value

# What an object is one of, and its id.
Resource = tuple[str, str]

_COLUMNS = {
    "id": "uuid",
    "organization_id": "uuid",
    "created_at": "timestamptz",
    "actor": "text",
    "via": "text",
    "action": "text",
    "method": "text",
    "path": "text",
    "outcome": "text",
    "status": "int2",
    "error_code": "text",
    "request_id": "text",
    "reason": "text",
    "resource_type": "text",
    "resource_id": "text",
}
_INSERT = f"""
INSERT INTO sequence_auditentry ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"%s::{kind}" for kind in _COLUMNS.values())})
"""  # noqa: S608 - names of our own columns
_INSERT_MANY = f"""
INSERT INTO sequence_auditentry ({", ".join(_COLUMNS)})
SELECT * FROM unnest({", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())})
"""  # noqa: S608 - names of our own columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is told of one call, action or command. ``created_at`` is when it ended.

    What somebody wrote (path, request id, reason) is kept without secrets: readers of the log are not their owners.
    """

    organization_id: str | None
    actor: str
    via: Via
    action: str
    method: str | None = None
    path: str | None = None
    status: int | None = None
    error_code: str | None = None
    is_failure: bool = False
    request_id: str
    reason: str | None = None
    resource: Resource | None = None
    created_at: datetime = field(default_factory=clock.now)

    def values(self) -> tuple[object, ...]:
        """Return the values of a new row, in the order of the columns. Its id is made here."""
        kind, id = self.resource or (None, None)
        return (
            new_uuid(),
            None if self.organization_id is None else _uuid_of(self.organization_id),
            self.created_at,
            self.actor[:MAX_ACTOR_LENGTH],
            _VIA[self.via],
            self.action,
            self.method,
            None if self.path is None else without_secrets(self.path),
            _FAILURE if self.is_failure else _SUCCESS,
            self.status,
            self.error_code,
            without_secrets(self.request_id),
            None if self.reason is None else without_secrets(self.reason)[:MAX_REASON_LENGTH],
            kind,
            None if id is None else without_secrets(id)[:MAX_RESOURCE_LENGTH],
        )


@lru_cache(maxsize=1024)
def _uuid_of(organization_id: str) -> UUID | None:
    return parse_id("org", organization_id)


def record(entry: Entry) -> None:
    """Write the entry: with what the present transaction does, or not at all."""
    run(_INSERT, entry.values())


def record_all(entries: Sequence[Entry]) -> None:
    """Write the entries, in this order, in one statement."""
    if entries:
        run(_INSERT_MANY, [list(column) for column in zip(*(entry.values() for entry in entries), strict=True)])
