"""ACH limits of one organization."""

import pghistory
from django.db import models

from apikeys.models import Organization
from sequence.core.tracking import by_time


def _limit(help_text: str) -> models.BigIntegerField:
    return models.BigIntegerField(null=True, blank=True, help_text=f"{help_text}, in cents; empty means no limit.")


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), append_only=True, meta=by_time()
)
class AchLimits(models.Model):
    """What the ACH network lets one organization move: credits go out, debits are pulled in. UTC."""

    organization = models.OneToOneField(
        Organization, primary_key=True, on_delete=models.PROTECT, related_name="ach_limits"
    )
    daily_credit_cents = _limit("Sent out in a day")
    monthly_credit_cents = _limit("Sent out in a calendar month")
    daily_debit_cents = _limit("Pulled in in a day")
    monthly_debit_cents = _limit("Pulled in in a calendar month")

    class Meta:
        verbose_name = verbose_name_plural = "ACH limits"

    def __str__(self) -> str:
        return f"ACH limits of {self.organization_id}"
