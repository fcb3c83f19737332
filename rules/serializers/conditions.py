"""Conditions of a rule's body, nested as deep as a person can still review."""

from typing import Any

from rest_framework import serializers

from rules.serializers.fields import ConditionNumber, one_of
from rules.serializers.parts import Part, object_schema
from rules.vocabulary import Fact, Operator, ValueFact
from sequence.core.api.fields import IdText, StrictSerializer, unknown_fields

MAX_CONDITION_DEPTH = 10
MAX_CHILDREN = 100


class _ConditionParams(StrictSerializer):
    account_id = IdText(required=False)


class _Condition(StrictSerializer):
    fact = serializers.ChoiceField(choices=Fact.choices())
    operator = serializers.ChoiceField(choices=Operator.choices())
    value = ConditionNumber(required=False)
    value_fact = serializers.ChoiceField(choices=ValueFact.choices(), required=False)
    params = _ConditionParams(required=False)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        one_of(attrs, ("value", "value_fact"))
        return attrs

    def to_internal_value(self, data: Any) -> dict[str, object]:
        values = super().to_internal_value(data)
        normal = {str(name): values.get(name) for name in self.fields}
        normal["params"] = normal["params"] or None
        return normal


class ConditionField(Part):
    """A tree of conditions: ``{"condition": …}``, ``{"all": […]}`` or ``{"any": […]}``."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        return self._read(data, depth=1)

    def _read(self, data: Any, depth: int) -> dict[str, object]:
        if not isinstance(data, dict):
            raise self.faulty("This must be an object.", "invalid")
        if depth > MAX_CONDITION_DEPTH:
            raise self.faulty(f"Conditions may be nested {MAX_CONDITION_DEPTH} levels deep.", "max_depth")
        given = {name: value for name, value in data.items() if value is not None}
        unknown = [name for name in given if name not in ("condition", "all", "any")]
        if unknown:
            raise self.faulty(unknown_fields(unknown))
        one_of(given, ("condition", "all", "any"))
        [(kind, value)] = given.items()
        if kind == "condition":
            return {kind: self._read_leaf(value)}
        return {kind: self._read_children(kind, value, depth)}

    def _read_leaf(self, value: Any) -> dict[str, object]:
        try:
            return self.read_part(_Condition, value)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"condition": error.detail}) from None

    def _read_children(self, kind: str, value: Any, depth: int) -> list[dict[str, object]]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHILDREN:
            raise self.faulty({kind: [f"Give a list of 1 to {MAX_CHILDREN} conditions."]}, "invalid")
        children: list[dict[str, object]] = []
        faults: dict[Any, Any] = {}
        for index, child in enumerate(value):
            try:
                children.append(self._read(child, depth + 1))
            except serializers.ValidationError as error:
                faults[index] = error.detail
                if self.is_enough():
                    break
        if faults:
            raise serializers.ValidationError({kind: faults})
        return children

    def json_schema(self) -> dict[str, object]:
        leaf = object_schema(
            {
                "fact": {"type": "string", "enum": Fact.values()},
                "operator": {"type": "string", "enum": Operator.values()},
                "value": ConditionNumber().json_schema(),
                "value_fact": {"type": ["string", "null"], "enum": [*ValueFact.values(), None]},
                "params": {"type": ["object", "null"], "properties": {"account_id": {"type": ["string", "null"]}}},
            },
            ["fact", "operator"],
        )
        children = {"type": "array", "minItems": 1, "maxItems": MAX_CHILDREN, "items": {"type": "object"}}
        return {
            "type": ["object", "null"],
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"condition": leaf, "all": children, "any": children},
        }
