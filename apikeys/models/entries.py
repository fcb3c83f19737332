"""Permission entry: one thing that a key may do, with its limits."""

import uuid
from collections.abc import Sequence
from typing import Any

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apikeys.entries import Permission
from apikeys.limits import EVERY_LIMIT, TRANSFER_LIMITS, TRIGGER_LIMITS, Limit
from apikeys.models.keys import ApiKey
from apikeys.models.organizations import Organization
from apikeys.scopes import ResourceKind, Scope
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.money import MAX_CENTS
from sequence.core.tracking import by_time
from sequence.core.typing import JsonObject


def _scopes(*kinds: ResourceKind) -> list[Scope]:
    return [scope for scope in Scope if scope.resource_kind in kinds]


_IS_PAIR = Q(scope__in=_scopes(ResourceKind.ACCOUNT_PAIR))
# What a limit's column holds where there is none.
_NONE = {name: False if name == "requires_reason" else None for name in EVERY_LIMIT}
_NUMBERS = [limit for limit in EVERY_LIMIT.values() if _NONE[limit.name] is None]


def _only(limits: Sequence[Limit]) -> Q:
    """Return the condition that an entry has no limits but these."""
    allowed = {limit.name for limit in limits}
    columns = {limit.column: _NONE[name] for name, limit in EVERY_LIMIT.items() if name not in allowed}
    return Q(**dict(sorted(columns.items())))


_NO_PAIR = Q(source=None, target=None)
_HAS_PAIR = Q(source__isnull=False, target__isnull=False)


def _cents(**options: Any) -> models.BigIntegerField:
    return models.BigIntegerField(null=True, blank=True, **options)


def _times(**options: Any) -> models.BigIntegerField:
    return models.BigIntegerField(null=True, blank=True, **options)


def _within(name: str, low: int) -> Q:
    return Q(**{name: None}) | Q(**{f"{name}__gte": low, f"{name}__lte": MAX_CENTS})


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), append_only=True, meta=by_time()
)
class PermissionEntry(OwnedModel):
    """One line of what a key may do: see ``apikeys.entries.Permission``, which checks it in words."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, editable=False, related_name="+")
    # A composite foreign key says more than a constraint of its own would: see the migration.
    api_key = OwnForeignKey(ApiKey, on_delete=models.CASCADE, related_name="entries", db_constraint=False)
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
    max_count_per_day = _times(help_text="Transfers or runs in one day, UTC.")
    max_count_per_week = _times(help_text="Transfers or runs in one week, from Monday, UTC.")
    max_count_per_month = _times(help_text="Transfers or runs in one calendar month, UTC.")
    requires_reason = models.BooleanField(
        default=False, db_default=False, help_text="Each transfer must say why, in the header X-Called-Reason."
    )
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
                    _IS_PAIR & Q(source__isnull=False, target__isnull=False, resources__len=0) & _only(TRANSFER_LIMITS)
                )
                | (Q(scope__in=_scopes(ResourceKind.NONE), resources__len=0) & _NO_PAIR & _only(()))
                | (
                    Q(scope__in=_scopes(ResourceKind.ACCOUNT, ResourceKind.RULE), resources__len__gte=1)
                    & _NO_PAIR
                    & ((Q(scope=Scope.TRIGGER_RULES) & _only(TRIGGER_LIMITS)) | _only(()))
                ),
                name="permission_entry_fits_its_scope",
            ),
            models.CheckConstraint(
                condition=Q(*(_within(limit.column, limit.low) for limit in _NUMBERS)),
                name="permission_entry_limits_in_range",
            ),
        ]
        # From a counter to the limits that it is held against.
        indexes = [models.Index(fields=["spend_id"], name="permission_entry_by_spend_id")]

    def __str__(self) -> str:
        return self.as_permission().as_text()

    def as_permission(self) -> Permission:
        """Return the entry as a value."""
        return Permission(
            scope=Scope(self.scope),
            resources=tuple(self.resources),
            source=self.source,
            target=self.target,
            **{name: getattr(self, limit.column) for name, limit in EVERY_LIMIT.items()},
            spend_id=self.spend_id,
        )

    @property
    def has_limit(self) -> bool:
        """Whether anything bounds what goes through the entry."""
        return any(getattr(self, limit.column) is not None for limit in _NUMBERS)

    @staticmethod
    def columns_of(permission: Permission) -> JsonObject:
        """Return what ``as_permission`` reads, by column, without the spend id, which a row keeps for life."""
        return {
            "scope": permission.scope,
            "resources": list(permission.resources),
            "source": permission.source,
            "target": permission.target,
            **{limit.column: getattr(permission, name) for name, limit in EVERY_LIMIT.items()},
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
