"""When the rules looked at an arrival, where their cursor in the events does not tell."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from apikeys.models import Organization
from sequence.core.database.owned import OwnedModel
from transfers.models import STALLED_REST, Transfer


class ArrivalLookQuerySet(models.QuerySet["ArrivalLook"]):
    def waiting(self, at: datetime) -> "ArrivalLookQuerySet":
        """Arrivals that were set aside and have rested, oldest first."""
        # As ``Transfer.objects.ready`` has it.
        stalled_at = "transfer__stalled_at"
        has_rested = Q(**{f"{stalled_at}__lte": at - STALLED_REST}) | Q(**{f"{stalled_at}__gt": at})
        rows = self.filter(Q(**{stalled_at: None}) | has_rested, looked_at=None)
        return rows.order_by("transfer__completed_at", "transfer_id")


class ArrivalLook(OwnedModel):
    """A look at an arrival that is kept by itself.

    Of most arrivals nothing is kept: those that a rule runs for have the run, and nothing that matters happens between
    the arrival of the others and the look. A row is one that started nothing after something had changed, or one that
    a worker broke on and set aside: that has no ``looked_at`` until a worker gets through it.
    """

    # A composite foreign key holds the transfer: see the migration.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    transfer = models.OneToOneField(
        Transfer, primary_key=True, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    looked_at = models.DateTimeField(null=True)

    objects = ArrivalLookQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["transfer"], condition=Q(looked_at=None), name="arrival_set_aside"),
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id}"
