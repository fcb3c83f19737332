"""Actions of a rule's body: readers and schemas, made from what each action type declares."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from rest_framework import serializers

from rules.actions import ACTIONS, Action
from rules.parameters import Unfit
from rules.serializers.parameters import field_of
from rules.serializers.parts import Part, object_schema
from sequence.core.api.fields import StrictSerializer, Text


class ActionReader(StrictSerializer):
    """Reads one action into the form that is stored, in which every parameter stands."""

    action: ClassVar[type[Action]]

    type = Text(max_length=50)

    def to_internal_value(self, data: Any) -> dict[str, object]:
        values = super().to_internal_value(data)
        return {str(name): values.get(name) for name in self.fields}

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            self.action.read(attrs).check()
        except Unfit as unfit:
            raise serializers.ValidationError({unfit.name: [unfit.fault]}, unfit.code) from None
        return attrs


@cache
def reader_of(action: type[Action]) -> type[ActionReader]:
    """Return the serializer that is made of the action's declarations."""
    fields = {name: field_of(declared) for name, declared in action.parameters().items()}
    return type(f"{action.__name__}Reader", (ActionReader,), {"action": action, **fields})


class ActionField(Part):
    """An action; which fields it has depends on its type."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in ACTIONS:
            fault = f"Give one of {', '.join(ACTIONS)}."
            raise serializers.ValidationError({"type": [fault]}, "required" if kind is None else "invalid_choice")
        return self.read_part(reader_of(ACTIONS[kind]), data)

    def json_schema(self) -> dict[str, object]:
        return {"oneOf": [_action_schema(kind) for kind in ACTIONS]}


def _action_schema(kind: str) -> dict[str, object]:
    """Return the schema of one action type, made from its parameters."""
    fields = reader_of(ACTIONS[kind])().fields
    properties: dict[str, object] = {name: _field_schema(field) for name, field in fields.items()}
    properties["type"] = {"const": kind}
    required = [name for name, field in fields.items() if field.required]
    return {**object_schema(properties, required), "title": kind, "description": ACTIONS[kind].sentence}


def _field_schema(field: Any) -> dict[str, object]:
    if isinstance(field, serializers.ChoiceField):
        schema: dict[str, object] = {"type": "string", "enum": list(field.choices)}
    elif isinstance(field, serializers.ListField):
        schema = {"type": "array", "items": _field_schema(field.child), "minItems": field.min_length or 0}
    elif isinstance(field, serializers.Serializer):
        properties: dict[str, object] = {name: _field_schema(inner) for name, inner in field.fields.items()}
        schema = object_schema(properties, [name for name, inner in field.fields.items() if inner.required])
    else:
        schema = field.json_schema()
    if not field.required:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": field.help_text} if field.help_text else schema
