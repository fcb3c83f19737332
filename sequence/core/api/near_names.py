"""Near names: which known name somebody meant who wrote one that is not known."""

import re
from collections.abc import Collection
from difflib import get_close_matches

# No name of ours is half as long, and comparing takes longer the longer they are.
MAX_LENGTH = 100
# Fewer letters are the beginning of anything.
LEAST_BEGINNING = 3
# "name" is as near to "nickname" as a guess may be far.
LEAST_LIKENESS = 0.6

_begins_a_word = re.compile("(?<=[a-z0-9])(?=[A-Z])")
_no_letter = re.compile("[^a-z0-9]+")


def nearest_name(name: str, known: Collection[str]) -> str | None:
    """Return the known name that ``name`` is in another spelling, the beginning of, or nearly; None for a strange one.

    ``amountInCents``, ``amount`` and ``amuont_in_cents`` all stand for ``amount_in_cents``.
    """
    if len(name) > MAX_LENGTH:
        return None
    words = _no_letter.sub("_", _begins_a_word.sub("_", name).lower()).strip("_")
    if words in known:
        return words
    if len(words) >= LEAST_BEGINNING and (in_full := [one for one in sorted(known) if one.startswith(words)]):
        return min(in_full, key=len)
    return next(iter(get_close_matches(words, sorted(known), n=1, cutoff=LEAST_LIKENESS)), None)
