"""Gauges of keys and organizations: what is stopped."""

from collections.abc import Iterator
from datetime import datetime

from apikeys.models import ApiKey, Organization, OrganizationStatus
from sequence.core.gauges import Gauge


def key_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield how many keys are paused and organizations suspended."""
    paused = ApiKey.objects.usable(now).filter(paused_at__isnull=False).count()
    yield Gauge("keys_paused", "Keys that somebody paused.", {"": paused})
    suspended = Organization.objects.exclude(status=OrganizationStatus.ACTIVE).count()
    yield Gauge("organizations_suspended", "Organizations that somebody suspended.", {"": suspended})
