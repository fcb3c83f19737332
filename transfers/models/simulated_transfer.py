"""A simulated transfer: what a movement would have become, had it been no simulation."""

from datetime import datetime, timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from apikeys.models import Organization
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from transfers.models.states import FAILED, Direction, ErrorCode, Origin, Status

# As long as anybody still compares a plan with what came of it.
SIMULATIONS_KEPT = timedelta(days=30)


class SimulatedTransferQuerySet(models.QuerySet["SimulatedTransfer"]):
    def for_organization(self, organization_id: str) -> "SimulatedTransferQuerySet":
        """Simulated transfers of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def with_accounts(self) -> "SimulatedTransferQuerySet":
        """Read the accounts along, for their names."""
        return self.select_related("source", "destination")

    def outlived(self, at: datetime) -> "SimulatedTransferQuerySet":
        return self.filter(created_at__lte=at - SIMULATIONS_KEPT)


class SimulatedTransfer(OwnedModel):
    """A movement that a simulation planned, with its outcome. Cents, UTC.

    A table of its own: nothing that counts, settles, locks or lists transfers can ever meet one.
    """

    # Nobody cancels one, and its time does not come.
    cancel_reason = None
    not_before = None

    id = PrefixedIdField("txr", primary_key=True)
    # Composite foreign keys hold both accounts; the indexes begin with what has none of its own.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_cents = models.BigIntegerField()
    direction = models.CharField(max_length=10, choices=Direction)
    origin = models.CharField(max_length=15, choices=Origin)
    status = models.CharField(max_length=20, choices=Status)
    error_code = models.CharField(max_length=50, choices=ErrorCode, null=True)  # noqa: DJ001 - null in the API
    description = models.CharField(max_length=10, null=True)  # noqa: DJ001 - null in the API
    source = OwnForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    destination = OwnForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    rule_id = PrefixedIdField("rule", null=True)
    rule_execution_id = PrefixedIdField("rex", null=True, db_index=True)
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    created_at = models.DateTimeField(default=clock.now, db_index=True)
    completed_at = models.DateTimeField(null=True)

    objects = SimulatedTransferQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=FAILED, error_code__isnull=False)
                | (Q(status__in=[Status.COMPLETE, Status.PENDING_APPROVAL]) & Q(error_code=None)),
                name="simulated_transfer_is_planned_to_its_end",
            ),
        ]
        indexes = [
            models.Index(F("source"), F("created_at").desc(), F("id").desc(), name="simulated_by_source"),
            models.Index(F("destination"), F("created_at").desc(), F("id").desc(), name="simulated_by_destination"),
            models.Index(fields=["organization"], name="simulated_by_organization"),
        ]
        triggers = [pgtrigger.Protect(name="stays_as_planned", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.id
