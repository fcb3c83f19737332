"""Refusals of events."""

from typing import Self

from sequence.core.errors import InvalidRequest, NotFound


class EventNotFound(NotFound):
    message = "Event not found."


class TooOld(InvalidRequest):
    """The reader was away for longer than events are kept."""

    @classmethod
    def since(cls, first_kept: int) -> Self:
        """Return the refusal for a reader whose next event would be before ``first_kept``."""
        return cls.of(
            "after_sequence",
            "too_old",
            f"Events before {first_kept} are no longer kept. Read the objects themselves, then go on with"
            f" after_sequence={first_kept - 1}, or leave it out.",
        )
