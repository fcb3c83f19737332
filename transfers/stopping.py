"""Stopping what a key or an organization has under way: what can be cancelled, and what cannot any more."""

from datetime import datetime, timedelta

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from transfers.models import CancelReason, Status, Transfer
from transfers.settlement import give_back

# What has just completed is what somebody who stops a key looks at next.
RECENT = timedelta(days=1)


def cancel_all(which: Q, *, reason: CancelReason, by: str, at: datetime, note: str | None) -> list[Transfer]:
    """Cancel every transfer of these that no rail has, give them back to the caps, and return them, the oldest first.

    Waits for workers that hold one, and takes what they leave. The caller holds the lock of ``apikeys.standing``, so
    that none is added, and locks nothing after this: counters come last.
    """
    rows = Transfer.objects.stoppable().filter(which).order_by("id").select_for_update(no_key=True)
    transfers = list(rows)
    Transfer.objects.filter(id__in=[transfer.id for transfer in transfers]).update(
        status=Status.CANCELLED,
        cancel_reason=reason,
        # Each expression sees the row as it was.
        cancelled_by=Case(When(decided_at__isnull=False, then=Value(by))),
        decided_by=Coalesce("decided_by", Value(by)),
        decided_at=Coalesce("decided_at", Value(at)),
        decision_note=note,
        updated_at=at,
        stalled_at=None,
    )
    give_back(transfers)
    return transfers


def not_stopped(which: Q, *, at: datetime) -> "QuerySet[Transfer]":
    """Return those of the transfers that went too far to be stopped: with a rail, or complete within a day."""
    recent = Q(status=Status.COMPLETE, completed_at__gt=at - RECENT)
    return Transfer.objects.filter(which).filter(Q(status=Status.PENDING) | recent).order_by("-created_at", "-id")
