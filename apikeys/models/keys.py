"""API key and who has had its secret in hand."""

from datetime import datetime

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from apikeys.entries import Permission
from apikeys.models.organizations import MAX_ACTOR_LENGTH, Organization
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.database.owned import OwnedModel
from sequence.core.events.telling import tells_of_rows
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def for_organization(self, organization_id: str) -> "ApiKeyQuerySet":
        """Keys of one organization."""
        return self.filter(organization_id=organization_id)

    def usable(self, at: datetime) -> "ApiKeyQuerySet":
        """Keys that open the door at that instant, were their organization active."""
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=at))

    def stopped(self) -> "ApiKeyQuerySet":
        """Keys that somebody has paused or revoked."""
        return self.filter(Q(paused_at__isnull=False) | Q(revoked_at__isnull=False))

    def in_lineage_of(self, key_id: str | None) -> "ApiKeyQuerySet":
        """The chain of rotations that the key is part of, the newest first."""
        lineage = self.model._base_manager.filter(id=key_id).values("lineage_id")
        return self.filter(lineage_id__in=lineage).order_by("-created_at", "-id")


# What is told, the column that it is told by, and how that was and is.
_TOLD = [
    ("paused", "paused_at", "IS NULL", "IS NOT NULL"),
    ("resumed", "paused_at", "IS NOT NULL", "IS NULL"),
    ("revoked", "revoked_at", "IS NULL", "IS NOT NULL"),
]


# The digest stays out of the trail: nothing of a secret is kept twice. Use is no change.
@pghistory.track(append_only=True, meta=by_time(), exclude=["digest", "last_used_at"])
class ApiKey(OwnedModel):
    """A program's credential. The secret itself is shown once and stored nowhere."""

    id = PrefixedIdField("key", primary_key=True)
    # ``api_key_within_organization`` begins with it. For ``replaces`` a composite foreign key says more than a
    # constraint of its own would: see the migration.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys", db_index=False)
    name = PlainTextField(max_length=100, help_text="What uses this key, for people.")
    prefix = models.CharField(max_length=20, editable=False, help_text="How the key begins.")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # The first key of the chain that rotations make. What must survive a rotation (idempotency records, spent
    # amounts) hangs on this and not on the key.
    lineage_id = PrefixedIdField("key", db_index=True)
    replaces = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        db_constraint=False,
        related_name="successor",
    )
    rate_limit_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Requests a minute; empty means the default."
    )
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty means never.")
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    # A pause belongs to the lineage: all keys of it that are not revoked are paused together.
    paused_at = models.DateTimeField(null=True, editable=False)
    paused_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True, editable=False)  # noqa: DJ001 - null is "not"
    pause_note = PlainTextField(max_length=MAX_NOTE_LENGTH, null=True, editable=False)
    # Who answers for what the key may do now.
    permissions_changed_by = models.CharField(max_length=MAX_ACTOR_LENGTH, editable=False)
    permissions_changed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        # Closing a key and seeing a new secret are matters of their own; history needs every key, so none is deleted.
        default_permissions = ("view", "add", "change")
        permissions = [("stop_apikey", "Can pause and revoke API key"), ("rotate_apikey", "Can rotate API key")]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_limit_per_minute=None) | Q(rate_limit_per_minute__gte=1),
                name="api_key_rate_limit_positive",
            ),
            models.CheckConstraint(
                condition=Q(paused_at=None, paused_by=None, pause_note=None)
                | Q(paused_at__isnull=False, paused_by__isnull=False),
                name="api_key_paused_by_somebody",
            ),
            # The target of the composite foreign keys that keep rows from crossing organizations.
            models.UniqueConstraint(fields=["organization", "id"], name="api_key_within_organization"),
        ]
        triggers = [
            tells_of_rows(
                f"tells_it_is_{change}",
                f"key.{change}",
                operation=pgtrigger.UpdateOf(column),
                data={"api_key_id": "NEW.id"},
                at=f"coalesce(NEW.{column}, now())",
                condition=f"OLD.{column} {before} AND NEW.{column} {after}",
            )
            for change, column, before, after in _TOLD
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, at: datetime) -> bool:
        """Say whether the key is neither revoked nor expired at that instant."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)

    def permissions(self) -> list[Permission]:
        """Return what the key may do."""
        return [entry.as_permission() for entry in self.entries.all()]


class Custody(models.TextChoices):
    """What made somebody a custodian of a key. Closing a key gives nobody anything, so it is not among these."""

    CREATED = "created"
    ROTATED = "rotated"
    CHANGED = "changed"


class KeyCustodian(OwnedModel):
    """Somebody who saw a secret of a key's lineage or changed what its keys may do: see ``apikeys.custody``.

    One row for each of them, with the first that they did. PostgreSQL wants one for every name that a key carries in
    ``created_by`` and ``permissions_changed_by``.
    """

    # ``key_custodian_once`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    lineage_id = PrefixedIdField("key")
    actor = models.CharField(max_length=MAX_ACTOR_LENGTH)
    how = models.CharField(max_length=10, choices=Custody)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "lineage_id", "actor"], name="key_custodian_once"),
            models.CheckConstraint(condition=Q(how__in=Custody.values), name="key_custodian_how_is_known"),
        ]
        # What somebody has seen they cannot unsee.
        triggers = [pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.actor} {self.how} {self.lineage_id}"
