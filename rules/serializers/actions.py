"""Actions of a rule's body: readers and schemas, made from what each action type declares."""

from collections.abc import Mapping
from functools import cache
from typing import ClassVar

from rest_framework import serializers

from rules.engine.actions import ACTIONS, Action
from rules.engine.parameters import Unfit
from rules.serializers.parameters import field_of
from rules.serializers.parts import Part, unknown_kind
from sequence.core.api.fields import Constant, StrictSerializer
from sequence.core.api.schemas import Variants


class ActionReader(StrictSerializer):
    """Reads one action into the form that is stored, in which every parameter stands."""

    action: ClassVar[type[Action]]

    def to_internal_value(self, data: object) -> dict[str, object]:
        values = super().to_internal_value(data)
        return {str(name): values.get(name) for name in self.fields}

    def validate(self, attrs: Mapping[str, object]) -> Mapping[str, object]:
        try:
            self.action.read(attrs).check()
        except Unfit as unfit:
            raise serializers.ValidationError({unfit.name: [unfit.fault]}, unfit.code) from None
        return attrs


@cache
def reader_of(action: type[Action]) -> type[ActionReader]:
    """Return the serializer that is made of the action's declarations."""
    # Fields stand in the order in which they are made.
    kind = Constant(action.type)
    fields = {name: field_of(declared) for name, declared in action.parameters().items()}
    declared = {"type": kind, **fields, "action": action, "__doc__": action.sentence}
    return type(f"{action.__name__}ActionInput", (ActionReader,), declared)


@cache
def _names() -> frozenset[str]:
    """Return the names that some action has."""
    return frozenset({"type"}.union(*(action.parameters() for action in ACTIONS.values())))


class ActionField(Part):
    """An action; which fields it has depends on its type."""

    def to_internal_value(self, data: object) -> dict[str, object]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in ACTIONS:
            raise unknown_kind(data, ACTIONS, _names())
        return self.read_part(reader_of(ACTIONS[kind]), data)

    def json_schema(self) -> Variants:
        readers = {kind: reader_of(action) for kind, action in ACTIONS.items()}
        return Variants("ActionInput", readers, description="What is moved, from where and to where.")
