"""Checkpoints: once a day the signed head of each organization goes out, for whoever keeps it elsewhere."""

from datetime import datetime

from django.db.models import Q

from sequence.core.audit_log.models import AuditChain
from sequence.core.audit_log.signing import sign_chain
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject

BATCH_SIZE = 100


@transactional
def take_checkpoints(now: datetime) -> list[tuple[str, JsonObject]]:
    """Return the id and the signed head of organizations whose checkpoint of the day is due, and mark them done.

    The marks are of the present transaction: whoever tells of the heads does so in it, and neither loses one nor tells
    it twice. Some at a time, nothing when all are done. A chain that is being sealed waits for the next call.
    """
    today = now.date()
    is_due = Q(checkpointed_on=None) | ~Q(checkpointed_on=today)
    chains = swept(AuditChain.objects.filter(is_due, organization__isnull=False, sequence__gt=0)).order_by("id")
    due = list(chains.select_for_update(no_key=True, skip_locked=True)[:BATCH_SIZE])
    AuditChain.objects.filter(id__in=[chain.id for chain in due]).update(checkpointed_on=today)
    return [(str(chain.organization_id), sign_chain(chain)) for chain in due]
