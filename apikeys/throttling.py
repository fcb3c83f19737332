"""Rate limit: an atomic counter in the database, so that it is exact however many processes answer.

DRF's own throttles read, then write, a cache of one process. This one is a single statement on an unlogged row.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apikeys.authentication import AuthenticatedKey
from apikeys.errors import RateLimitExceeded
from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.api.ids import parse_id
from sequence.core.database.fixed_window import FixedWindow

WINDOW = timedelta(minutes=1)

_requests = FixedWindow("apikeys_ratewindow", key=["api_key_id", "organization_id"], count="requests", length=WINDOW)


class KeyThrottle(BaseThrottle):
    """DRF's hook: count the request, or raise RateLimitExceeded with the seconds until the window ends."""

    def allow_request(self, request: Request, view: object) -> bool:
        if settings.RATE_LIMIT_ENABLED:
            count_request(cast(AuthenticatedKey, request.auth), at=clock.now())
        return True


@dataclass(frozen=True)
class RateUse:
    """What a key's minute has left."""

    limit: int
    remaining: int
    resets_at: datetime


def rate_use(key: ApiKey, *, at: datetime) -> RateUse:
    """Return what is left of the key's minute, without counting."""
    most = key.rate_limit_per_minute or settings.RATE_LIMIT_PER_MINUTE
    requests, ends_at = _requests.look(*_row(key), at=at)
    return RateUse(most, max(0, most - requests), ends_at)


def count_request(key: AuthenticatedKey, *, at: datetime) -> None:
    """Count one request of the key. Raises RateLimitExceeded when its minute is used up."""
    limit = key.rate_limit_per_minute or settings.RATE_LIMIT_PER_MINUTE
    # No further than one past the limit.
    requests, ends_at = _requests.count(*_row(key), at=at, most=limit + 1)
    if requests > limit:
        seconds = max(1, math.ceil((ends_at - at).total_seconds()))
        raise RateLimitExceeded(retry_after=seconds, limit=limit, ends_at=ends_at)


def _row(key: ApiKey | AuthenticatedKey) -> tuple[UUID | None, UUID | None]:
    return parse_id("key", key.id), parse_id("org", key.organization_id)
