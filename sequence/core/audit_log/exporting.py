"""Export of a chain: its entries as JSON lines, the signed head as the last one. Verifiable without a database."""

from typing import TextIO

from django.db import connection, transaction

from sequence.core.audit_log.chain import spell
from sequence.core.audit_log.entries import sealed_entries
from sequence.core.audit_log.signing import head_of, signing_key
from sequence.core.typing import JsonObject


def export_chain(organization_id: str, file: TextIO) -> JsonObject:
    """Write all of the organization's entries as of one instant, and return their head."""
    signing_key()  # Made before: the snapshot below is for reading.
    with transaction.atomic():
        if not connection.savepoint_ids:  # PostgreSQL takes it only as the first word of a transaction.
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        head = head_of(organization_id)
        for row in sealed_entries(organization_id):
            file.write(f"{spell(row.as_json()).decode()}\n")
        file.write(f"{spell({'head': head}).decode()}\n")
    return head
