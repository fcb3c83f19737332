"""Permission entry: one thing that a key may do, with its limits."""

import uuid
from typing import Any

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apikeys.entries import TRIGGER_LIMITS, Permission
from apikeys.models.keys import ApiKey
from apikeys.models.organizations import Organization
from apikeys.scopes import ResourceKind, Scope
from sequence.core.money import MAX_CENTS


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
    # A composite foreign key says more than a constraint of its own would: see migration 0002.
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="entries", db_constraint=False)
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
