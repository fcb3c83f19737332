"""The rate limit: an atomic counter in the database, so that it is exact however many processes answer.

DRF's own throttles read, then write, a cache of one process. This one is a single statement on an unlogged row.
"""

import math
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apikeys.authentication import AuthenticatedKey
from apikeys.errors import RateLimitExceeded
from sequence.core import clock
from sequence.core.api.ids import parse_id
from sequence.core.database.kept_cursor import fetch

WINDOW = timedelta(minutes=1)

# A window starts with the first request after the last one ended, or before it began: a clock was set back. Refused
# requests count no further than one past the limit, so that hammering neither prolongs the wait nor overflows.
_COUNT = """
INSERT INTO apikeys_ratewindow AS rate (api_key_id, started_at, requests) VALUES (%(key)s, %(now)s, 1)
ON CONFLICT (api_key_id) DO UPDATE SET
    started_at = CASE WHEN rate.started_at > %(over)s AND rate.started_at <= %(now)s
        THEN rate.started_at ELSE %(now)s END,
    requests = CASE WHEN rate.started_at > %(over)s AND rate.started_at <= %(now)s
        THEN LEAST(rate.requests + 1, %(limit)s + 1) ELSE 1 END
RETURNING started_at, requests
"""


class KeyThrottle(BaseThrottle):
    """DRF's hook: count the request, or raise RateLimitExceeded with the seconds until the window ends."""

    def allow_request(self, request: Request, view: object) -> bool:
        if settings.RATE_LIMIT_ENABLED:
            count_request(cast(AuthenticatedKey, request.auth), at=clock.now())
        return True


def count_request(key: AuthenticatedKey, *, at: datetime) -> None:
    """Count one request of the key. Raises RateLimitExceeded when its minute is used up."""
    limit = key.rate_limit_per_minute or settings.RATE_LIMIT_PER_MINUTE
    values = {"key": parse_id("key", key.id), "now": at, "over": at - WINDOW, "limit": limit}
    [(started_at, requests)] = fetch(_COUNT, values)
    if requests > limit:
        retry_after = max(1, math.ceil((started_at + WINDOW - at).total_seconds()))
        raise RateLimitExceeded(retry_after=retry_after, limit=limit)
