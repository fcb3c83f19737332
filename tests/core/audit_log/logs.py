"""Entries to make for tests, and chains to look at."""

from sequence.core import clock
from sequence.core.api.ids import new_id
from sequence.core.audit_log.entries import sealed_entries
from sequence.core.audit_log.models import AuditEntry, Via
from sequence.core.audit_log.recording import Entry, record
from sequence.core.audit_log.sealing import seal_entries


def write(organization=None, number: int = 1, **facts) -> list[AuditEntry]:
    """Return as many new entries, unsealed."""
    made = []
    for index in range(number):
        given = {
            "organization_id": organization and organization.id,
            "actor": "key:key_01M88S84EYGFVWFW4MTJ3PMM81",
            "via": Via.API,
            "action": "CREATE_TRANSFER",
            "method": "POST",
            "path": "/api/v1/transfers",
            "status": 201,
            "request_id": f"request-{index}",
            "reason": "Überweisung — “rent” \\ 家賃",
            "resource": ("transfer", new_id("txr")),
        }
        record(Entry(**{**given, **facts}))
        made.append(AuditEntry.objects.latest("position"))
    return made


def seal() -> int:
    """Seal all that waits."""
    total = 0
    while done := seal_entries(clock.now()):
        total += done
    return total


def chain_of(organization) -> list[dict]:
    """Return what is sealed, in its wire form."""
    return [row.as_json() for row in sealed_entries(organization and organization.id)]
