"""Simulated payments and marks: what the simulated rail was given, and what it shall do on purpose."""

from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.db import models
from django.db.models import Q

from accounts.models import Account
from apikeys.models import Organization
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel
from sequence.core.tracking import by_time
from transfers.models.transfer import ErrorCode


class Outcome(models.TextChoices):
    """How a simulated payment ends."""

    SETTLE = "settle"
    FAIL = "fail"


class SimulatedPaymentQuerySet(models.QuerySet["SimulatedPayment"]):
    def with_news(self, at: datetime) -> "SimulatedPaymentQuerySet":
        """Payments whose outcome, or whose coming back, is to be told."""
        settles = Q(settled_at=None, settles_at__lte=at)
        returns = Q(settled_at__isnull=False, returned_at=None, returns_at__lte=at)
        return self.filter(settles | returns)


class SimulatedPayment(OwnedModel):
    """A payment as the institution outside knows it: the transfer's id, as a real one would, and whose it is."""

    transfer_id = PrefixedIdField("txr", primary_key=True)
    # A composite foreign key holds the transfer: see the migration.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SETTLE)
    fail_code = models.CharField(max_length=50, choices=ErrorCode, null=True)  # noqa: DJ001
    return_code = models.CharField(max_length=50, choices=ErrorCode, null=True)  # noqa: DJ001
    return_delay_seconds = models.PositiveIntegerField(default=0)
    # When the outcome is known; None until it is submitted.
    settles_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    returns_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)

    objects = SimulatedPaymentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome=Outcome.SETTLE) | Q(fail_code__isnull=False), name="simulated_failure_has_a_code"
            ),
        ]
        indexes = [
            models.Index(fields=["settles_at"], condition=Q(settled_at=None), name="simulated_payment_settles"),
            models.Index(
                fields=["returns_at"],
                condition=Q(returns_at__isnull=False, returned_at=None),
                name="simulated_payment_returns",
            ),
        ]

    def __str__(self) -> str:
        return f"simulated payment of {self.transfer_id}"

    def end(self, at: datetime) -> None:
        """Note that its outcome is told, and when it comes back if it shall. The caller saves it."""
        self.settled_at = at
        if self.outcome == Outcome.SETTLE and self.return_code:
            self.returns_at = at + timedelta(seconds=self.return_delay_seconds)


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), append_only=True, meta=by_time()
)
class SimulatedMark(OwnedModel):
    """What the simulated rail does, on purpose, with every payment to or from an external account."""

    # A composite foreign key holds the account: see the migration.
    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="simulated_mark"
    )
    organization = models.ForeignKey(
        Organization, editable=False, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    fail_code = models.CharField(  # noqa: DJ001
        max_length=50, choices=ErrorCode, null=True, blank=True, help_text="Payments fail with this."
    )
    return_code = models.CharField(  # noqa: DJ001
        max_length=50,
        choices=ErrorCode,
        null=True,
        blank=True,
        help_text="Payments complete, then come back with this.",
    )
    return_delay_seconds = models.PositiveIntegerField(default=0, help_text="How long after completing they come back.")

    def __str__(self) -> str:
        return f"marks of {self.account_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it as of its account's organization."""
        self.organization_id = self.account.organization_id
        super().save(*args, **kwargs)
