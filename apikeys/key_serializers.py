"""A key on the wire, as it sees itself. Fields stand in the order of the contract."""

from enum import StrEnum

from rest_framework import serializers

from apikeys.allowance import Allowance, PeriodUse, allowances
from apikeys.entries import Permission
from apikeys.limits import REASON, TRANSFER_LIMITS
from apikeys.models import ApiKey
from apikeys.scopes import Scope
from apikeys.throttling import rate_use
from sequence.core import clock
from sequence.core.api.fields import Constant, Id, StoredCents, Word, show_time
from sequence.core.api.schemas import Variants
from sequence.core.typing import JsonObject

ACTIVE, PAUSED = "active", "paused"
# What may stand in the way of an amount.
# Made of the limits, so that none can be left out.
_CODES = {limit.code.upper(): limit.code for limit in TRANSFER_LIMITS if limit.code != REASON}
LimitCode = StrEnum("LimitCode", _CODES)  # type: ignore[misc]
_WITH_LIMITS = {Scope.MANUAL_TRANSFER, Scope.TRIGGER_RULES}


class KeyOrganization(serializers.Serializer):
    """Whose key it is."""

    id = Id("org")
    name = serializers.CharField()
    legal_name = serializers.CharField()


class RateLimit(serializers.Serializer):
    """What is left of the key's minute, this request included."""

    limit = serializers.IntegerField()
    remaining = serializers.IntegerField()
    resets_at = serializers.DateTimeField()


class EntryUse(serializers.Serializer):
    """What has gone through an entry in a calendar period, UTC, and what is left; null where nothing limits it."""

    spent_in_cents = StoredCents()
    remaining_in_cents = StoredCents(allow_null=True)
    count = serializers.IntegerField()
    remaining_count = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField()


class EntryUsage(serializers.Serializer):
    """Use of an entry by period."""

    day = EntryUse()
    week = EntryUse()
    month = EntryUse()


class TransferEntry(serializers.Serializer):
    """What the key may move, and how much of it is left."""

    scope = Constant(Scope.MANUAL_TRANSFER.value)
    source = serializers.CharField(help_text="An account id, or * for any.")  # type: ignore[assignment]
    target = serializers.CharField(help_text="An account id, or * for any.")
    max_amount = StoredCents(allow_null=True)
    max_amount_per_day = StoredCents(allow_null=True)
    max_amount_per_week = StoredCents(allow_null=True)
    max_amount_per_month = StoredCents(allow_null=True)
    max_count_per_day = serializers.IntegerField(allow_null=True)
    max_count_per_week = serializers.IntegerField(allow_null=True)
    max_count_per_month = serializers.IntegerField(allow_null=True)
    approval_above = StoredCents(allow_null=True)
    requires_reason = serializers.BooleanField()
    usage = EntryUsage()
    allowed_now_in_cents = StoredCents(
        allow_null=True, help_text="The largest single amount that goes now without a person; null: any."
    )
    allowed_with_approval_in_cents = StoredCents(allow_null=True, help_text="The same with a person; null: any.")
    limited_by = Word(LimitCode, allow_null=True)


class ScopedEntry(serializers.Serializer):
    """What else the key may do."""

    scope = serializers.ChoiceField(choices=[scope.value for scope in Scope if scope not in _WITH_LIMITS])
    resources = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Ids, or `*` alone; null where it takes none."
    )


class TriggerEntry(serializers.Serializer):
    """Which rules the key may set off, and how often."""

    scope = Constant(Scope.TRIGGER_RULES.value)
    resources = serializers.ListField(child=serializers.CharField(), help_text="Ids, or `*` alone.")
    max_execute_amount = StoredCents(required=False)
    max_count_per_day = serializers.IntegerField(required=False)
    max_count_per_week = serializers.IntegerField(required=False)
    max_count_per_month = serializers.IntegerField(required=False)


_ENTRIES = {
    scope.value: {Scope.MANUAL_TRANSFER: TransferEntry, Scope.TRIGGER_RULES: TriggerEntry}.get(scope, ScopedEntry)
    for scope in Scope
}


class PermissionEntries(serializers.Field):
    """What the key may do, entry by entry."""

    def json_schema(self) -> JsonObject:
        entry = Variants("PermissionEntry", _ENTRIES, told_by="scope", description="One thing that a key may do.")
        return {"type": "array", "items": entry}


class KeyDetail(serializers.Serializer):
    """A key and what it may do. All figures are of one instant."""

    id = Id("key")
    name = serializers.CharField()
    prefix = serializers.CharField()
    status = serializers.ChoiceField(choices=[ACTIVE, PAUSED])
    organization = KeyOrganization()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    rate_limit = RateLimit()
    permissions = PermissionEntries()


def show_key(key: ApiKey) -> JsonObject:
    """Return ``KeyDetail`` of a key that was read with its organization, as of now."""
    now = clock.now()
    permissions = key.permissions()
    uses = allowances(key.organization_id, permissions, now)
    rate = rate_use(key, at=now)
    organization = key.organization
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "status": ACTIVE if key.paused_at is None else PAUSED,
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "legal_name": organization.legal_name,
        },
        "created_at": show_time(key.created_at),
        "expires_at": show_time(key.expires_at) if key.expires_at else None,
        "paused_at": show_time(key.paused_at) if key.paused_at else None,
        "rate_limit": {
            "limit": rate.limit,
            "remaining": rate.remaining,
            "resets_at": show_time(rate.resets_at),
        },
        "permissions": [
            show_allowance(uses[permission]) if permission in uses else _show_permission(permission)
            for permission in permissions
        ],
    }


def _show_permission(permission: Permission) -> JsonObject:
    """Return ``ScopedEntry`` or ``TriggerEntry``."""
    resources = list(permission.resources) or None
    return {"scope": permission.scope.value, "resources": resources, **permission.limits}


def show_allowance(allowance: Allowance) -> JsonObject:
    """Return ``TransferEntry``."""
    entry = allowance.entry
    limits = {limit.name: limit.of(entry) for limit in TRANSFER_LIMITS if limit.code != REASON}
    return {
        "scope": entry.scope.value,
        "source": entry.source,
        "target": entry.target,
        **limits,
        "requires_reason": entry.requires_reason,
        "usage": {use.period.value: _show_use(use) for use in allowance.periods},
        "allowed_now_in_cents": allowance.now_cents,
        "allowed_with_approval_in_cents": allowance.with_approval_cents,
        "limited_by": allowance.limited_by.code if allowance.limited_by else None,
    }


def _show_use(use: PeriodUse) -> JsonObject:
    return {
        "spent_in_cents": use.used.cents,
        "remaining_in_cents": use.remaining_cents,
        "count": use.used.count,
        "remaining_count": use.remaining_count,
        "resets_at": show_time(use.resets_at),
    }
