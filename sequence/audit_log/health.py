"""Health of the audit log, for the console: whether a chain is broken, and whether entries are sealed in time."""

from datetime import timedelta

from django.db.models import Count, Max, Min, Q
from django.urls import reverse

from sequence.core.admin.console import ConsoleQuery, HealthStatus
from sequence.core.admin.display import ago
from sequence.core.audit_log.models import AuditChain, AuditEntry

NAME = "Audit log"
# A worker seals each second.
LATE = timedelta(seconds=10)
# A round of verifying begins each day.
OVERDUE = timedelta(days=2)


def audit_log(look: ConsoleQuery) -> HealthStatus:
    """Say that an entry was changed, or that entries wait for their numbers, or when all was last verified."""
    address = look.list_of(AuditEntry)
    chains = look.of(AuditChain.objects.filter(sequence__gt=0)).aggregate(
        broken=Min("id", filter=~Q(fault_code="")),
        overdue=Count("id", filter=Q(verified_at=None, round_began_at__lt=look.at - OVERDUE)),
        verified_at=Max("verified_at"),
    )
    if chains["broken"] is not None:
        return HealthStatus(NAME, "bad", _broken(chains["broken"]), address)
    waiting = look.of(AuditEntry.objects.filter(sequence=None, created_at__lt=look.at - LATE))
    oldest = waiting.aggregate(at=Min("created_at"))["at"]
    if oldest is not None:
        words = f"Entries wait for their numbers, the oldest since {ago(oldest, look.at)}. Is a worker at work?"
        return HealthStatus(NAME, "bad", words, reverse("admin:sequence_workerprocess_changelist"))
    if chains["overdue"]:
        return HealthStatus(NAME, "warn", "Sealed, and not verified for days. A worker does it when idle.", address)
    last = chains["verified_at"]
    when = f"last verified {ago(last, look.at)}" if last else "not verified yet; a worker does it when idle"
    return HealthStatus(NAME, "good", f"Sealed, {when}.", address)


def _broken(chain_id: int) -> str:
    chain = AuditChain.objects.select_related("organization").get(id=chain_id)
    owner = chain.organization.name if chain.organization else "no organization"
    words = f"Entry {chain.fault_sequence} of {owner} is {chain.fault_code.replace('_', ' ')}."
    return f"{words} Somebody changed the database: run verify_audit_log."
