"""Models of organizations, keys, their entries and counters, and idempotency records."""

from apikeys.models.counters import RateWindow, SpendCounter, SpentPair
from apikeys.models.entries import PermissionEntry
from apikeys.models.idempotency import (
    USED_IN_ANOTHER_DIALECT,
    CallInProgress,
    IdempotencyRecord,
    IdempotencyRecordQuerySet,
)
from apikeys.models.keys import ApiKey, ApiKeyQuerySet, Custody, KeyCustodian
from apikeys.models.organizations import MAX_ACTOR_LENGTH, Organization, OrganizationStatus

__all__ = [
    "MAX_ACTOR_LENGTH",
    "USED_IN_ANOTHER_DIALECT",
    "ApiKey",
    "ApiKeyQuerySet",
    "CallInProgress",
    "Custody",
    "IdempotencyRecord",
    "IdempotencyRecordQuerySet",
    "KeyCustodian",
    "Organization",
    "OrganizationStatus",
    "PermissionEntry",
    "RateWindow",
    "SpendCounter",
    "SpentPair",
]
