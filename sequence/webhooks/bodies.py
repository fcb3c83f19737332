"""Bodies of webhooks: an event in the format that its endpoint wants, as the bytes that are signed and sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sequence.core.api.fields import show_time
from sequence.core.api.ids import parse_id
from sequence.core.events.models import Event
from sequence.core.typing import JsonObject
from sequence.events.serializers import show_event
from sequence.webhooks.models import Format

TEST_EVENT = "webhook.test"


@dataclass(frozen=True)
class PlatformType:
    """What an event is called in the vendor's format, and which object it is about."""

    type: str
    resource: str


_TRANSFER = PlatformType("transfer.changed", "transfer")
# The vendor has a word for these alone.
PLATFORM_TYPES: Mapping[str, PlatformType] = {
    "transfer.created": _TRANSFER,
    "transfer.status_changed": _TRANSFER,
    "card_transaction.created": PlatformType("card_transaction.changed", "card_transaction"),
}


def events_told_in(format: str) -> list[str] | None:
    """Return the names of the events that the format has words for; None for all of them."""
    return list(PLATFORM_TYPES) if format == Format.PLATFORM else None


def body_of(event: Event, format: str) -> bytes:
    """Return the event in the format, which has words for it."""
    shown = _in_platform_words(event) if format == Format.PLATFORM else show_event(event)
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _in_platform_words(event: Event) -> JsonObject:
    words = PLATFORM_TYPES[event.event]
    return {
        "id": str(parse_id("evt", event.id)),
        "type": words.type,
        # As it was written down, ids are uuids.
        "resource": {"type": words.resource, "id": event.data[f"{words.resource}_id"]},
        "created_at": show_time(event.created_at),
    }
