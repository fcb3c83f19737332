"""Parts of a rule's body: what its conditions and actions share while they are read."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from rest_framework import serializers

from sequence.core.api.fields import StrictSerializer, choose_from, unknown_fields
from sequence.core.errors import MAX_DETAILS

# Conditions and actions of one rule, all together: each costs a millisecond or two.
MAX_PARTS = 500


class Part(serializers.Field):
    """A condition or an action of a rule. After too many parts, or faults, nothing more of the body is looked at."""

    def read_part(self, reader: Callable[..., StrictSerializer], data: object) -> dict[str, object]:
        """Return the validated part. Raises ValidationError."""
        body: Any = self.root
        body.parts = getattr(body, "parts", 0) + 1
        if body.parts > MAX_PARTS:
            fault = f"A rule may have {MAX_PARTS:,} conditions and actions, all together."
            raise serializers.ValidationError(fault, "max_length")
        if self.is_enough():
            raise serializers.ValidationError("This was not looked at: there is enough to mend before it.", "unchecked")
        part = reader(data=data)
        if not part.is_valid():
            raise self.faulty(part.errors)
        return dict(part.validated_data)

    def faulty(self, faults: Any, code: str | None = None) -> serializers.ValidationError:
        """Return the refusal of a part, which is counted."""
        body: Any = self.root
        body.faulty_parts = getattr(body, "faulty_parts", 0) + 1
        return serializers.ValidationError(faults, code)

    def is_enough(self) -> bool:
        """Say whether to look no further: what was seen is refused already."""
        body: Any = self.root
        return getattr(body, "parts", 0) > MAX_PARTS or getattr(body, "faulty_parts", 0) >= MAX_DETAILS


def unknown_kind(data: dict[str, object], kinds: Iterable[str], known: Collection[str]) -> serializers.ValidationError:
    """Return the refusal of an object whose ``type`` is none of the kinds; ``known`` are the names that any has."""
    code = "required" if data.get("type") is None else "invalid_choice"
    fault = {"type": [serializers.ErrorDetail(choose_from(kinds), code)]}
    unknown = [name for name in data if name not in known]
    return serializers.ValidationError({**fault, **(unknown_fields(unknown, known) if unknown else {})})
