"""Who calls, what they may do, and whether they already did."""

from apikeys.models.counters import RateWindow, SpendCounter, SpendPeriod, SpentPair
from apikeys.models.entries import PermissionEntry
from apikeys.models.idempotency import IdempotencyRecord, IdempotencyRecordQuerySet
from apikeys.models.keys import ApiKey, ApiKeyQuerySet, Custody, KeyCustodian
from apikeys.models.organizations import MAX_ACTOR_LENGTH, Organization, OrganizationStatus

__all__ = [
    "MAX_ACTOR_LENGTH",
    "ApiKey",
    "ApiKeyQuerySet",
    "Custody",
    "IdempotencyRecord",
    "IdempotencyRecordQuerySet",
    "KeyCustodian",
    "Organization",
    "OrganizationStatus",
    "PermissionEntry",
    "RateWindow",
    "SpendCounter",
    "SpendPeriod",
    "SpentPair",
]
