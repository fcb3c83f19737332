"""Limit for keys that nobody made: they are counted for each address, in the memory of this process.

An IPv6 network counts as one address, as a "place" here does everywhere (``sequence.core.client_address.network_of``).
Nothing here asks the database. Several processes each allow as many; a key that this process saw lately is asked
about again, whoever else sits at the same address, also to be told that it is closed.
"""

import math
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TypeVar

from apikeys.errors import TooManyUnknownKeys

WINDOW = timedelta(minutes=1)
# Nobody mistypes a key, checksum included, so often.
MOST_UNKNOWN_KEYS = 30
# Places, and keys, that are remembered: a few megabytes.
MOST_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class Strangers:
    """Counts unknown keys. Its memory is bounded: the oldest is forgotten first."""

    def __init__(self) -> None:
        self.counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()
        self.known: OrderedDict[bytes, None] = OrderedDict()

    def check(self, place: str, digest: bytes, *, at: datetime) -> None:
        """Raise TooManyUnknownKeys for a key that is not known to be good, from a place that tried too many."""
        began, count = self.counts.get(place, (at, 0))
        if count >= MOST_UNKNOWN_KEYS and began <= at < began + WINDOW and digest not in self.known:
            retry_after = max(1, math.ceil((began + WINDOW - at).total_seconds()))
            raise TooManyUnknownKeys(retry_after=retry_after)

    def refuse(self, place: str, digest: bytes, *, at: datetime) -> None:
        """Count a key that there is not."""
        self.known.pop(digest, None)
        began, count = self.counts.get(place, (at, 0))
        self.counts[place] = (began, count + 1) if began <= at < began + WINDOW else (at, 1)
        _shorten(self.counts)

    def welcome(self, digest: bytes) -> None:
        """Remember a key that there is."""
        self.known[digest] = None
        _shorten(self.known)


def _shorten(memory: OrderedDict[K, V]) -> None:
    while len(memory) > MOST_REMEMBERED:
        memory.popitem(last=False)


strangers = Strangers()
