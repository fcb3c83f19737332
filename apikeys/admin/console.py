"""Console, keys and organizations: those that are stopped, until somebody resumes them."""

from datetime import datetime

from django.urls import reverse

from apikeys.models import ApiKey, Organization, OrganizationStatus
from apikeys.models.keys import ApiKeyQuerySet
from sequence.core.admin.console import ConsoleQuery, Item, Queue, Tally, queue_of


def _paused(look: ConsoleQuery) -> ApiKeyQuerySet:
    return ApiKey.objects.usable(look.at).filter(paused_at__isnull=False)


PAUSED_TALLY = Tally("Paused keys", "warn", _paused, ApiKey, {"status": "paused"})


def paused_keys(look: ConsoleQuery) -> Queue:
    """Keys that are paused and neither revoked nor expired, the latest first."""
    rows = look.of(_paused(look).select_related("organization"))

    def item(key: ApiKey) -> Item:
        detail = f"of {key.organization}, by {key.paused_by}{f': {key.pause_note}' if key.pause_note else ''}"
        address = reverse("admin:apikeys_apikey_change", args=[key.id])
        return Item(str(key), detail, address, key.paused_at or key.created_at)

    ordered = rows.order_by("-paused_at", "-id")
    return queue_of("Paused API keys", ordered, item, address=look.list_of(ApiKey, status="paused"))


def suspended_organizations(look: ConsoleQuery) -> Queue:
    """Organizations that are suspended, the latest first."""
    rows = Organization.objects.exclude(status=OrganizationStatus.ACTIVE)
    if look.organization_id:
        rows = rows.filter(id=look.organization_id)

    def item(organization: Organization) -> Item:
        since: datetime = organization.suspended_at or organization.updated_at
        address = reverse("admin:apikeys_organization_change", args=[organization.id])
        return Item(str(organization), "its keys are closed and its rules start nothing", address, since)

    ordered = rows.order_by("-updated_at", "-id")
    address = reverse("admin:apikeys_organization_changelist")
    return queue_of("Suspended organizations", ordered, item, address=address)
