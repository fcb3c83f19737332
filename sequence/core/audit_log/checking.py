"""Checking of chains in the database: all of one when asked, and a part of each, day by day, while workers are idle."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F, Q

from sequence.core import clock
from sequence.core.audit_log.entries import entries_of, sealed_entries
from sequence.core.audit_log.models import NO_HASH, AuditChain, AuditEntry
from sequence.core.audit_log.verifying import UNSEALED, Fault, Finding, verify
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject

log = structlog.get_logger("sequence.audit_log")

# A worker seals within a second or two; one that was restarted, within some more.
UNSEALED_TOO_LONG = timedelta(minutes=1)
# A round of checking begins each day, and goes on in parts of so many entries: a fraction of a second each.
ROUND = timedelta(days=1)
PART = 5_000


def organizations_with_entries() -> list[str | None]:
    """Return the ids of organizations that the log tells of; None is that of whatever belongs to none."""
    organization: Any = AuditChain._meta.get_field("organization").related_model
    ids: list[str | None] = [*organization.objects.order_by("id").values_list("id", flat=True), None]
    return [id for id in ids if entries_of(id).exists() or AuditChain.objects.filter(organization_id=id).exists()]


def check_chain(organization_id: str | None, heads: Sequence[JsonObject] = ()) -> Finding:
    """Return what verifying the whole chain finds: against its own head, and those that somebody kept."""
    chain = AuditChain.objects.filter(organization_id=organization_id).first()
    finding = verify(_reader(organization_id), [*heads, *([_head_of(chain)] if chain else [])])
    waits = entries_of(organization_id).filter(sequence=None, created_at__lt=clock.now() - UNSEALED_TOO_LONG)
    if finding.fault is None and waits.exists():
        return Finding(finding.sequence, finding.hash, Fault(finding.sequence + 1, UNSEALED))
    return finding


@transactional
def check_and_note(organization_id: str | None) -> Finding:
    """Return what verifying the whole chain finds, and keep it for the console."""
    chain = AuditChain.objects.select_for_update(no_key=True).filter(organization_id=organization_id).first()
    finding = check_chain(organization_id)
    if chain is not None:
        now = clock.now()
        chain.round_began_at = now
        _note(chain, finding, ends_at=now)
    return finding


@transactional
def check_chains_daily(now: datetime) -> int:
    """Check the next part of a chain whose round is due, and return how many entries it has."""
    is_due = Q(verified_through__gt=0) | Q(round_began_at=None) | Q(round_began_at__lt=now - ROUND)
    due = AuditChain.objects.filter(is_due, sequence__gt=0, fault_code="")
    order = F("round_began_at").asc(nulls_first=True)
    chain = due.order_by(order).select_for_update(no_key=True, skip_locked=True).first()
    if chain is None:
        return 0
    if not chain.verified_through:
        chain.round_began_at = now
    start = Finding(chain.verified_through, _hash_at(chain))
    finding = verify(_reader(chain.organization_id), [_head_of(chain)], start=start, most=PART)
    _note(chain, finding, ends_at=None if finding.sequence < chain.sequence else now)
    return finding.sequence - start.sequence


def _note(chain: AuditChain, finding: Finding, *, ends_at: datetime | None) -> None:
    fault = finding.fault
    chain.fault_sequence, chain.fault_code = (fault.sequence, fault.code) if fault else (None, "")
    chain.verified_through = 0 if ends_at or fault else finding.sequence
    chain.verified_at = ends_at or chain.verified_at
    chain.save(update_fields=["fault_sequence", "fault_code", "verified_through", "verified_at", "round_began_at"])
    if fault:
        log.error("audit_log_is_wrong", organization_id=chain.organization_id, sequence=fault.sequence, code=fault.code)


def _reader(organization_id: str | None) -> Any:
    def read(after: int) -> Iterator[JsonObject]:
        return (row.as_json() for row in sealed_entries(organization_id, after=after))

    return read


def _head_of(chain: AuditChain) -> JsonObject:
    return {"sequence": chain.sequence, "hash": bytes(chain.hash or NO_HASH).hex()}


def _hash_at(chain: AuditChain) -> bytes:
    """Return the hash of the entry up to which this round has come: one that has gone since fits nothing."""
    if not chain.verified_through:
        return NO_HASH
    entry = AuditEntry.objects.filter(organization_id=chain.organization_id, sequence=chain.verified_through).first()
    return bytes(entry.hash or NO_HASH) if entry else NO_HASH
