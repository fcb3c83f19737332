"""Suspense, item by item: what an account could not take, until two persons post it where it belongs."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from apikeys.models import MAX_ACTOR_LENGTH, Organization
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time
from transfers.models import guards
from transfers.models.ledger import EntrySet, Posting

_PROPOSAL = ["proposed_by", "proposed_at", "proposal_note"]
_POSTED = ["posted_by", "posted_at", "posting_note"]
_NOT_PROPOSED = Q(account=None, proposed_by=None, proposed_at=None, proposal_note=None)
_NOT_POSTED = Q(posted_by=None, posted_at=None, posting_note=None, entry_set=None)


class SuspenseQuerySet(models.QuerySet["SuspenseItem"]):
    def for_organization(self, organization_id: str) -> "SuspenseQuerySet":
        """Items of one organization."""
        return self.filter(organization_id=organization_id)

    def open(self) -> "SuspenseQuerySet":
        """Items that are not posted yet, the oldest first."""
        return self.filter(posted_at=None).order_by("arose_at", "id")

    def with_cause(self) -> "SuspenseQuerySet":
        """Read along what an item came from and where it is to go."""
        transfer = "posting__entry_set__transfer"
        return self.select_related("organization", "account", f"{transfer}__source", f"{transfer}__destination")


# Of a refused or withdrawn proposal the trail alone knows.
@pghistory.track(
    pghistory.UpdateEvent(
        "propose",
        trigger_name="propose",
        operation=pgtrigger.UpdateOf(*_PROPOSAL),
        condition=pgtrigger.AnyChange(*_PROPOSAL),
    ),
    pghistory.UpdateEvent(
        "post", trigger_name="post", operation=pgtrigger.UpdateOf(*_POSTED), condition=pgtrigger.AnyChange(*_POSTED)
    ),
    append_only=True,
    meta=by_time(),
)
class SuspenseItem(OwnedModel):
    """One posting in suspense. Cents: above zero it waits to be given to somebody, below zero somebody owes it.

    A trigger makes it together with its posting. It is proposed for an account, or to be written off where that is
    null, and posted there by another person, once.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    posting = models.OneToOneField(Posting, on_delete=models.PROTECT, related_name="suspense_item", editable=False)
    amount_cents = models.BigIntegerField(editable=False)
    arose_at = models.DateTimeField(editable=False)
    # A composite foreign key says more than a constraint of its own would: see the migration that made this table.
    account = OwnForeignKey(
        Account, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    proposed_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001 - null is "not"
    proposed_at = models.DateTimeField(null=True)
    proposal_note = PlainTextField(max_length=MAX_NOTE_LENGTH, null=True)
    posted_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    posted_at = models.DateTimeField(null=True)
    posting_note = PlainTextField(max_length=MAX_NOTE_LENGTH, null=True)
    entry_set = models.OneToOneField(
        EntrySet, null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+", editable=False
    )

    objects = SuspenseQuerySet.as_manager()

    class Meta:
        verbose_name = "suspense item"
        default_permissions = ("view",)
        permissions = [
            ("propose_suspenseitem", "Can propose where suspense item goes"),
            ("confirm_suspenseitem", "Can post suspense item that somebody else proposed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=_NOT_PROPOSED
                | Q(proposed_by__isnull=False, proposed_at__isnull=False, proposal_note__isnull=False),
                name="suspense_item_proposed_by_somebody",
            ),
            models.CheckConstraint(
                condition=_NOT_POSTED
                | Q(
                    proposed_by__isnull=False, posted_by__isnull=False, posted_at__isnull=False, entry_set__isnull=False
                ),
                name="suspense_item_posted_as_proposed",
            ),
        ]
        indexes = [
            models.Index(F("organization"), F("arose_at").desc(), F("id").desc(), name="suspense_item_list"),
            models.Index(fields=["arose_at", "id"], condition=Q(posted_at=None), name="suspense_item_open"),
        ]
        triggers = [
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="starts_open",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=guards.SUSPENSE_STARTS_OPEN,
            ),
            pgtrigger.Trigger(
                name="is_posted_once_by_another",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=guards.SUSPENSE_IS_POSTED_ONCE,
            ),
            pgtrigger.Trigger(
                name="is_what_its_postings_say",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("entry_set_id"),
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__entry_set__isnull=False),
                func=guards.SUSPENSE_IS_WHAT_ITS_POSTINGS_SAY,
            ),
        ]

    def __str__(self) -> str:
        return f"Suspense item {self.id}"

    @property
    def is_open(self) -> bool:
        return self.posted_at is None

    @property
    def is_proposed(self) -> bool:
        return self.proposed_at is not None
