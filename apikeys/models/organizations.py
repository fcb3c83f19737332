"""Organization: whose money it is, and whether its keys and rules may act."""

from datetime import datetime

import pghistory
from django.db import models
from django.db.models import Q

from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time

# ``staff:`` and the longest user name that Django knows (150), ``command:<name>:`` and the operating system's.
MAX_ACTOR_LENGTH = 200


class OrganizationStatus(models.TextChoices):
    """Whether anything of an organization may start."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@pghistory.track(append_only=True, meta=by_time())
class Organization(models.Model):
    """A tenant. Everything belongs to one, and nothing crosses from one to another."""

    id = PrefixedIdField("org", primary_key=True)
    name = PlainTextField(max_length=100)
    legal_name = PlainTextField(
        max_length=200, help_text="The beneficiary of the accounts that are opened from now on."
    )
    status = models.CharField(
        max_length=10,
        choices=OrganizationStatus,
        default=OrganizationStatus.ACTIVE,
        help_text="Suspending it closes all its keys at their next request, and its rules start nothing.",
    )
    suspended_at = models.DateTimeField(null=True, editable=False)
    # When it was last made active again: what came due before that was missed, and never sets a rule off.
    active_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        # Everything hangs on an organization, so none is ever deleted.
        default_permissions = ("view", "add", "change")
        permissions = [("stop_organization", "Can stop organization")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=OrganizationStatus.values), name="organization_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def may_start(self, due_at: datetime) -> bool:
        """Say whether its rules may start what came due at that instant: never what it missed while suspended."""
        is_active = self.status == OrganizationStatus.ACTIVE
        return is_active and (self.active_since is None or self.active_since <= due_at)
