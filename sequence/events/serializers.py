"""Events on the wire. Fields stand in the order of the contract."""

import re
from typing import Any

from rest_framework import serializers

from sequence.core.api.fields import Id, PageSize, Shown, StrictSerializer, show_time
from sequence.core.api.schemas import Named, object_of, union
from sequence.core.events.models import Event
from sequence.core.events.names import EVENTS, Shape
from sequence.core.typing import JsonObject

_MAX_SEQUENCE = 2**63 - 1


class SequenceNumber(serializers.Field):
    """A number of an event in a query string; 0 is before the first."""

    default_error_messages = {"invalid": "Give a whole number, 0 or more."}

    def to_internal_value(self, data: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", data) or int(data) > _MAX_SEQUENCE:
            self.fail("invalid")
        return int(data)

    def json_schema(self) -> JsonObject:
        return {"type": "integer", "format": "int64", "minimum": 0}


class EventName(serializers.ChoiceField):
    """The name of an event, such as ``transfer.created``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=list(EVENTS), **options)

    def json_schema(self) -> Named:
        return Named("EventName", {"type": "string", "enum": list(self.choices)})


class EventQuery(StrictSerializer):
    """Query of ``GET /events``."""

    after_sequence = SequenceNumber(required=False, help_text="Only events with a higher number.")
    event = EventName(required=False, help_text="Only events of this name.")
    first = PageSize(required=False, help_text="How many items.")


def _schema_of(shape: Shape) -> Named:
    facts = {
        fact.name: {**fact.schema, "type": [fact.schema["type"], "null"]} if fact.is_nullable else fact.schema
        for fact in shape.facts
    }
    return Named(shape.name, object_of(facts, is_closed=True))


_DATA = union(
    "EventData",
    *(_schema_of(shape) for shape in {shape.name: shape for shape in EVENTS.values()}.values()),
    description="What belongs to the event's name: ids, states and percents. Fetch the object for the rest.",
)


class EventDetail(serializers.Serializer):
    """Something that changed."""

    id = Id("evt")
    sequence = serializers.IntegerField(help_text="Counts from 1 in each organization, without gaps.")
    event = EventName()
    created_at = serializers.DateTimeField()
    organization_id = Id("org")
    data = Shown(_DATA)  # type: ignore[assignment]

    def to_representation(self, instance: Event) -> JsonObject:
        return show_event(instance)


def show_event(event: Event) -> JsonObject:
    """Return the event as the API and webhooks tell it."""
    return {
        "id": event.id,
        "sequence": event.sequence,
        "event": event.event,
        "created_at": show_time(event.created_at),
        "organization_id": event.organization_id,
        "data": event.shown_data(),
    }
