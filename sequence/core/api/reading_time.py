"""Reading time: the instant that a new request is held against, where what it says hangs on the time.

A request that is repeated is read once more before its kept answer is given out. What was in time when it first came
still is; whoever asks late for an answer must get it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

_reading_time: ContextVar[datetime | None] = ContextVar("reading_time", default=None)


@contextmanager
def reading_at(now: datetime) -> Iterator[None]:
    """Hold what is read inside against this instant."""
    token = _reading_time.set(now)
    try:
        yield
    finally:
        _reading_time.reset(token)


def reading_time() -> datetime | None:
    """Return the instant that the request is held against, None for one that is only read once more."""
    return _reading_time.get()
