"""Verifying of a chain: recomputes every hash, and names the first entry that is not as it was. Knows no database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sequence.core.audit_log.chain import hash_of
from sequence.core.audit_log.models import NO_HASH
from sequence.core.typing import JsonObject

CHANGED = "changed"
MISSING = "missing"
REORDERED = "reordered"
SHORTER = "shorter_than_anchor"
BAD_SIGNATURE = "bad_signature"
UNSEALED = "unsealed_too_long"

MESSAGES = {
    CHANGED: "It is not what it was when it was sealed.",
    MISSING: "It was there and is no more.",
    REORDERED: "It stands where another one stood.",
    SHORTER: "A head that is known counts this entry, and the chain ends before it.",
    BAD_SIGNATURE: "The head was not signed by the key that it names.",
    UNSEALED: "An entry has waited too long for its number: is a worker at work?",
}


@dataclass(frozen=True)
class Fault:
    """The first entry of a chain that is wrong, and what is wrong with it."""

    sequence: int
    code: str

    @property
    def message(self) -> str:
        return MESSAGES[self.code]

    def as_json(self) -> JsonObject:
        return {"sequence": self.sequence, "code": self.code, "message": self.message}


@dataclass(frozen=True)
class Finding:
    """What verifying found: the last entry that is right, its hash, and the fault behind it, if there is one."""

    sequence: int
    hash: bytes
    fault: Fault | None = None


# Yields the entries of a chain, in their wire form, from the one after the given number on.
ReadEntries = Callable[[int], Iterator[JsonObject]]


def verify(
    read: ReadEntries,
    heads: Sequence[JsonObject] = (),
    *,
    start: Finding = Finding(0, NO_HASH),
    most: int | None = None,
) -> Finding:
    """Return what becomes of the chain behind what is known to be right already.

    ``heads`` are known to be genuine: what each counts must be there, with the hash that it names. With ``most`` only
    so many entries are looked at.
    """
    return _Walk(read, heads, start).go(most)


class _Walk:
    """The way along a chain, entry by entry."""

    def __init__(self, read: ReadEntries, heads: Sequence[JsonObject], start: Finding) -> None:
        self.read = read
        self.known: defaultdict[int, set[str]] = defaultdict(set)
        for head in heads:
            self.known[head["sequence"]].add(head["hash"])
        self.last = start

    def go(self, most: int | None) -> Finding:
        first = self.last.sequence
        for entry, following in pairs(self.read(first)):
            code = self._code_of(entry, following)
            if code is not None:
                return self._fault(code)
            self.last = Finding(entry["sequence"], bytes.fromhex(entry["hash"]))
            if self.last.sequence - first == most:
                return self.last
        return self._fault(SHORTER) if any(number > self.last.sequence for number in self.known) else self.last

    def _fault(self, code: str) -> Finding:
        return Finding(self.last.sequence, self.last.hash, Fault(self.last.sequence + 1, code))

    def _code_of(self, entry: JsonObject, following: JsonObject | None) -> str | None:
        """Return what is wrong with the entry that stands where the next one is expected; None for nothing."""
        expected = self.last.sequence + 1
        if entry.get("sequence") != expected:
            if self._comes_later(expected):
                return REORDERED
            # What has no number stands where the entry stood: it is there, and nobody can read it any more.
            return MISSING if isinstance(entry.get("sequence"), int) else CHANGED
        if not self._is_whole(entry):
            return REORDERED if self._is_another(entry) else CHANGED
        return None if self._is_remembered(entry, following) else CHANGED

    def _is_whole(self, entry: JsonObject) -> bool:
        previous = self.last.hash.hex()
        return entry.get("previous_hash") == previous and _hash(previous, entry) == entry.get("hash")

    def _is_remembered(self, entry: JsonObject, following: JsonObject | None) -> bool:
        """Say whether heads and the next entry remember its hash: one that was sealed anew is at odds with them.

        A next entry that is itself no more what it was tells nothing.
        """
        if self.known.get(entry["sequence"], {entry["hash"]}) != {entry["hash"]}:
            return False
        if following is None or following.get("sequence") != entry["sequence"] + 1:
            return True
        previous = following.get("previous_hash")
        return previous == entry["hash"] or _hash(previous, following) != following.get("hash")

    def _comes_later(self, sequence: int) -> bool:
        return any(entry.get("sequence") == sequence for entry in self.read(self.last.sequence))

    def _is_another(self, entry: JsonObject) -> bool:
        """Say whether the entry is whole as another one behind it: with the number, and the hashes, of that."""
        for other in self.read(self.last.sequence):
            if other.get("sequence") == entry["sequence"]:
                continue
            renamed = {**entry, "sequence": other.get("sequence")}
            hashes = [entry.get("hash"), other.get("hash")]
            if any(_hash(each.get("previous_hash"), renamed) in hashes for each in (entry, other)):
                return True
        return False


def _hash(previous: object, entry: JsonObject) -> str:
    """Return the hash in hex; of what cannot be an entry of ours, nothing that is a hash."""
    try:
        return hash_of(bytes.fromhex(str(previous)), entry).hex()
    except ValueError:
        return ""


def pairs(entries: Iterable[JsonObject]) -> Iterator[tuple[JsonObject, JsonObject | None]]:
    """Yield each entry with the one behind it."""
    held: JsonObject | None = None
    for entry in entries:
        if held is not None:
            yield held, entry
        held = entry
    if held is not None:
        yield held, None
