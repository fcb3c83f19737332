"""What is to be mailed of approvals, and how far the events have been read for it."""

from django.db import models
from django.db.models import Q

from apikeys.models import Organization
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel


class ApprovalReader(models.Model):
    """The number of the last event of an organization that was read for mails."""

    organization = models.OneToOneField(Organization, primary_key=True, on_delete=models.PROTECT, related_name="+")
    after_sequence = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.after_sequence}"


class Occasion(models.TextChoices):
    """Why staff are mailed."""

    WAITS = "waits"
    EXPIRES = "expires", "expires soon"


class ApprovalNotice(OwnedModel):
    """That people are to be told of a transfer which waits for approval. Gone when they were, or it waits no longer."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    transfer_id = PrefixedIdField("txr")
    occasion = models.CharField(max_length=10, choices=Occasion)
    due_at = models.DateTimeField()
    # While a worker sends it; a mail that a killed one may have sent is sent again.
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "transfer_id", "occasion"], name="approval_notice_once"),
            models.CheckConstraint(condition=Q(occasion__in=Occasion.values), name="approval_notice_occasion_known"),
        ]
        indexes = [models.Index(fields=["due_at"], name="approval_notice_due")]

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.occasion}"
