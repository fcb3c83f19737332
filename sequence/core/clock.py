"""Clock: the one place that services ask for the time, so that a demo can live through a year within seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """Return the present instant, in UTC; inside ``stopped_at`` the one that it was stopped at."""
    return _moment.get() or timezone.now()


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Let ``now`` be ``moment``, for this thread alone, until the block ends. Blocks may nest."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)
