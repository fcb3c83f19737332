"""Who calls, what they may do, and whether they already did."""

import uuid
from datetime import datetime
from typing import Any

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import F, Q

from apikeys.entries import MAX_CENTS, TRIGGER_LIMITS, Permission
from apikeys.scopes import ResourceKind, Scope
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.texts import PlainTextField

# ``staff:`` and the longest user name that Django knows (150), ``command:<name>:`` and the operating system's.
MAX_ACTOR_LENGTH = 200


class OrganizationStatus(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@pghistory.track(append_only=True)
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


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, organization: Organization) -> "ApiKeyQuerySet":
        return self.filter(organization=organization)

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


# The digest stays out of the trail: nothing of a secret is kept twice. Use is no change.
@pghistory.track(append_only=True, exclude=["digest", "last_used_at"])
class ApiKey(models.Model):
    """A program's credential. The secret itself is shown once and stored nowhere."""

    id = PrefixedIdField("key", primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    name = PlainTextField(max_length=100, help_text="What uses this key, for people.")
    prefix = models.CharField(max_length=20, editable=False, help_text="How the key begins.")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # The first key of the chain that rotations make. What must survive a rotation (idempotency records, spent
    # amounts) hangs on this and not on the key.
    lineage_id = PrefixedIdField("key", db_index=True)
    replaces = models.OneToOneField(
        "self", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="successor"
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


class KeyCustodian(models.Model):
    """Somebody who saw a secret of a key's lineage or changed what its keys may do: see ``apikeys.custody``.

    One row for each of them, with the first that they did. PostgreSQL wants one for every name that a key carries in
    ``created_by`` and ``permissions_changed_by``.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
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


def _scopes(*kinds: ResourceKind) -> list[Scope]:
    return [scope for scope in Scope if scope.resource_kind in kinds]


_IS_PAIR = Q(scope__in=_scopes(ResourceKind.ACCOUNT_PAIR))
# The limits of a permission, with their columns.
_LIMIT_COLUMNS = {
    "max_amount": "max_amount_cents",
    "max_amount_per_day": "max_amount_per_day_cents",
    "max_amount_per_week": "max_amount_per_week_cents",
    "max_amount_per_month": "max_amount_per_month_cents",
    "approval_above": "approval_above_cents",
    "max_execute_amount": "max_execute_amount_cents",
    "max_count_per_day": "max_count_per_day",
    "max_count_per_week": "max_count_per_week",
    "max_count_per_month": "max_count_per_month",
}
_NO_TRIGGER_FIELDS = Q(**{_LIMIT_COLUMNS[name]: None for name in TRIGGER_LIMITS})
_NO_PAIR_FIELDS = Q(
    source=None,
    target=None,
    max_amount_cents=None,
    max_amount_per_day_cents=None,
    max_amount_per_week_cents=None,
    max_amount_per_month_cents=None,
    approval_above_cents=None,
)


def _cents(**options: Any) -> models.BigIntegerField:
    return models.BigIntegerField(null=True, blank=True, **options)


def _times(**options: Any) -> models.BigIntegerField:
    return models.BigIntegerField(null=True, blank=True, **options)


def _within(name: str, low: int) -> Q:
    return Q(**{name: None}) | Q(**{f"{name}__gte": low, f"{name}__lte": MAX_CENTS})


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), append_only=True)
class PermissionEntry(models.Model):
    """One line of what a key may do: see ``apikeys.entries.Permission``, which checks it in words."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, editable=False, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="entries")
    scope = models.CharField(max_length=30, choices=Scope)
    resources = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    source = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - null is "not a pair"
    target = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    max_amount_cents = _cents(help_text="At most this much in one transfer.")
    max_amount_per_day_cents = _cents(help_text="At most this much in one day, UTC.")
    max_amount_per_week_cents = _cents(help_text="At most this much in one week, from Monday, UTC.")
    max_amount_per_month_cents = _cents(help_text="At most this much in one calendar month, UTC.")
    approval_above_cents = _cents(help_text="A larger transfer waits for a person.")
    max_execute_amount_cents = _cents(help_text="The most that a trigger may say has arrived; 0: nothing.")
    max_count_per_day = _times(help_text="Runs that may be set off in one day, UTC.")
    max_count_per_week = _times(help_text="Runs that may be set off in one week, from Monday, UTC.")
    max_count_per_month = _times(help_text="Runs that may be set off in one calendar month, UTC.")
    # The counters of what went through this entry hang on this and not on the row, so that a rotated key, or a key
    # whose permissions are written anew, goes on with what is already spent.
    spend_id = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        verbose_name = "permission entry"
        verbose_name_plural = "permission entries"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="permission_entry_scope_is_known"),
            models.CheckConstraint(
                condition=(
                    _IS_PAIR & Q(source__isnull=False, target__isnull=False, resources__len=0) & _NO_TRIGGER_FIELDS
                )
                | (Q(scope__in=_scopes(ResourceKind.NONE), resources__len=0) & _NO_PAIR_FIELDS & _NO_TRIGGER_FIELDS)
                | (
                    Q(scope__in=_scopes(ResourceKind.ACCOUNT, ResourceKind.RULE), resources__len__gte=1)
                    & _NO_PAIR_FIELDS
                    & (Q(scope=Scope.TRIGGER_RULES) | _NO_TRIGGER_FIELDS)
                ),
                name="permission_entry_fits_its_scope",
            ),
            models.CheckConstraint(
                condition=_within("max_amount_cents", 1)
                & _within("max_amount_per_day_cents", 1)
                & _within("max_amount_per_week_cents", 1)
                & _within("max_amount_per_month_cents", 1)
                & _within("approval_above_cents", 0)
                & _within("max_execute_amount_cents", 0)
                & _within("max_count_per_day", 1)
                & _within("max_count_per_week", 1)
                & _within("max_count_per_month", 1),
                name="permission_entry_limits_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.as_permission().as_text()

    def as_permission(self) -> Permission:
        """Return the entry as a value."""
        return Permission(
            scope=Scope(self.scope),
            resources=tuple(self.resources),
            source=self.source,
            target=self.target,
            **{name: getattr(self, column) for name, column in _LIMIT_COLUMNS.items()},
            spend_id=self.spend_id,
        )

    @property
    def has_limit(self) -> bool:
        """Whether anything bounds what goes through the entry."""
        return any(getattr(self, column) is not None for column in _LIMIT_COLUMNS.values())

    @staticmethod
    def columns_of(permission: Permission) -> dict[str, Any]:
        """Return what ``as_permission`` reads, by column, without the spend id, which a row keeps for life."""
        return {
            "scope": permission.scope,
            "resources": list(permission.resources),
            "source": permission.source,
            "target": permission.target,
            **{column: getattr(permission, name) for name, column in _LIMIT_COLUMNS.items()},
        }

    # Mutators. The caller holds the key's lock.

    def allow(self, permission: Permission) -> None:
        """Allow this from now on."""
        if self.as_permission() == permission:
            return
        columns = self.columns_of(permission)
        for name, value in columns.items():
            setattr(self, name, value)
        self.save(update_fields=list(columns))


class SpentPair(models.Model):
    """A pair that the keys of a lineage have had an entry for, and under which id its use is counted.

    It outlives the entry: one that is removed and written anew for the same pair goes on with what was spent.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    lineage_id = PrefixedIdField("key")
    source = models.CharField(max_length=64)
    target = models.CharField(max_length=64)
    spend_id = models.UUIDField(unique=True, default=uuid.uuid4)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["lineage_id", "source", "target"], name="spent_pair_of_a_lineage")]

    def __str__(self) -> str:
        return f"{self.source}>{self.target}"


class SpendPeriod(models.TextChoices):
    """The calendar periods of caps, in UTC. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class SpendCounter(models.Model):
    """How many cents went through a permission entry in one period, and how often: pending included, failed given back.

    Of triggers it counts how often a lineage set one rule off, and how often any.
    """

    spend_id = models.UUIDField()
    period = models.CharField(max_length=5, choices=SpendPeriod)
    starts_on = models.DateField()
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    spent_cents = models.BigIntegerField(default=0)
    uses = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["spend_id", "period", "starts_on"], name="spend_counter_of_one_period"),
            models.CheckConstraint(condition=Q(spent_cents__gte=0), name="spend_counter_not_negative"),
            models.CheckConstraint(condition=Q(uses__gte=0), name="spend_counter_uses_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.spent_cents} in the {self.period} of {self.starts_on}"


class RateWindow(models.Model):
    """How many requests a key has made in its current minute. Unlogged: losing it in a crash costs nothing."""

    api_key = models.OneToOneField(ApiKey, primary_key=True, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    requests = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.requests} since {self.started_at}"


class IdempotencyRecordQuerySet(models.QuerySet["IdempotencyRecord"]):
    def expired(self, at: datetime) -> "IdempotencyRecordQuerySet":
        return self.filter(expires_at__lte=at)


# Written with every request, so no trigger watches it; what staff do to a record by hand is noted by the service.
@pghistory.track(
    pghistory.ManualEvent("expire"),
    pghistory.ManualEvent("purge"),
    append_only=True,
    exclude=["request_body", "response_body"],
)
class IdempotencyRecord(models.Model):
    """A request that was executed, and its answer, byte for byte.

    Inserted first and filled in last, within the transaction of the effect: nobody ever sees one without its answer.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+")
    lineage_id = PrefixedIdField("key")
    key = models.CharField(max_length=255)
    request_id = models.CharField(max_length=128, db_index=True)
    method = models.CharField(max_length=10)
    path = models.TextField()
    request_body = models.TextField(help_text="Canonical JSON.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = IdempotencyRecordQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "delete")
        # People search for a key without knowing whose it is, which the unique constraint cannot serve.
        indexes = [HashIndex(fields=["key"], name="idempotency_record_by_key")]
        constraints = [
            # What makes a repeated request harmless: the second insert waits for the first, then finds it.
            models.UniqueConstraint(fields=["lineage_id", "key"], name="idempotency_key_used_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="idempotency_record_lives"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.key})"
