"""Schedule of tries: when an event is sent again that was not acknowledged."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sequence.webhooks.models import MAX_TRIES

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PAUSES = (
    5 * _SECOND,
    30 * _SECOND,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    1 * _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    8 * _HOUR,
)
# Those that failed together shall not all come back together.
JITTER = 0.1
# An endpoint may ask for a longer pause, but not for much longer than that.
LONGEST_WISH = _HOUR


def next_attempt(attempt: int, *, at: datetime, retry_after: str | None) -> datetime | None:
    """Return when the try after ``attempt`` is due, which ended at ``at``; None after the last."""
    if attempt >= MAX_TRIES:
        return None
    pause = PAUSES[attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, not a secret
    return at + max(pause, _wish(retry_after, at=at))


def _wish(retry_after: str | None, *, at: datetime) -> timedelta:
    """Return the pause that a header Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return timedelta(0)
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WISH)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # A stranger's text: a year or an offset may be of any length.
        return timedelta(0)
    moment = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return min(max(moment - at, timedelta(0)), LONGEST_WISH)
