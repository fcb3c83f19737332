"""Dialects of the API: which one an address belongs to, and how that one spells a refusal.

There is one door and one set of refusals. A dialect decides how they look; which there are stands in the wiring.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sequence.core.errors import DomainError
from sequence.core.wired import wired


@dataclass(frozen=True)
class SpelledRefusal:
    """A refusal as it goes over the wire."""

    status: int
    content_type: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# Takes the request's id and what is refused.
SpellRefusal = Callable[[str, DomainError], SpelledRefusal]


def dialect_of(path: str) -> SpellRefusal | None:
    """Return how refusals are spelled at this path; None where no dialect of the API lives."""
    dialects: Mapping[str, SpellRefusal] = wired("DIALECTS")
    for prefix, spell in dialects.items():
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
            return spell
    return None
