"""Sealing of entries, after their commit: numbered from 1 in each organization, without gaps, and chained.

Whoever seals holds the chain's head, and looks for what is unsealed only then, in a statement of its own: it sees
everything that was sealed before. A number therefore never appears below one that a reader has seen.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from sequence.core.api.ids import parse_id
from sequence.core.audit_log.chain import hash_of
from sequence.core.audit_log.entries import Row, entries_of, read, shown_organization
from sequence.core.audit_log.models import AuditEntry
from sequence.core.due import due_when
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional

BATCH_SIZE = 500

_MAKE_HEAD = """
INSERT INTO sequence_auditchain (organization_id, hash) VALUES (%s::uuid, decode(repeat('00', 32), 'hex'))
ON CONFLICT (organization_id) DO NOTHING
"""
# A head that somebody else holds is that worker's to move.
_HOLD_HEAD = """
SELECT id, sequence, hash FROM sequence_auditchain WHERE organization_id IS NOT DISTINCT FROM %s::uuid
FOR NO KEY UPDATE SKIP LOCKED
"""
_SEAL = """
UPDATE sequence_auditentry AS entry SET sequence = seal.sequence, previous_hash = seal.previous_hash, hash = seal.hash
FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[], %s::bytea[]) AS seal (id, sequence, previous_hash, hash)
WHERE entry.id = seal.id AND entry.sequence IS NULL
"""
_MOVE_HEAD = "UPDATE sequence_auditchain SET sequence = %s, hash = %s WHERE id = %s"


@due_when(lambda now: [AuditEntry.objects.filter(sequence=None)])
def seal_entries(now: datetime) -> int:
    """Seal what was committed, the oldest of each organization first, and return how many entries that was."""
    return sum(_seal_chain(organization) for organization in _waiting())


def _waiting() -> list[UUID | None]:
    """Return the organizations whose entries are unsealed, of those that sweeps work for."""
    rows = swept(AuditEntry.objects.filter(sequence=None))[:BATCH_SIZE].values("organization_id")
    with connection.cursor() as cursor:
        text, parameters = rows.query.sql_with_params()
        question = f"SELECT DISTINCT organization_id FROM ({text}) AS waiting ORDER BY 1"  # noqa: S608 - Django's own
        cursor.execute(question, parameters)
        return [organization for (organization,) in cursor.fetchall()]


@transactional
def _seal_chain(organization: UUID | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_HEAD, [organization])
        cursor.execute(_HOLD_HEAD, [organization])
        heads = cursor.fetchall()
        if not heads:
            return 0
        [(chain, sequence, hash)] = heads
        unsealed = entries_of(shown_organization(organization)).filter(sequence=None).order_by("position")
        seals = _seals(read(unsealed[:BATCH_SIZE]), sequence, bytes(hash))
        if seals:
            cursor.execute(_SEAL, [list(column) for column in zip(*seals, strict=True)])
            _, last_sequence, _, last_hash = seals[-1]
            cursor.execute(_MOVE_HEAD, [last_sequence, last_hash, chain])
    return len(seals)


def _seals(rows: list[Row], sequence: int, previous: bytes) -> list[tuple[UUID | None, int, bytes, bytes]]:
    """Return the id of each row with its number, the hash before it and its own."""
    seals = []
    for number, row in enumerate(rows, start=sequence + 1):
        hash = hash_of(previous, row._replace(sequence=number).as_json())
        seals.append((parse_id("aud", row.id), number, previous, hash))
        previous = hash
    return seals
