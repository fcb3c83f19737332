"""Conditions of a rule's body, nested as deep as a person can still review."""

from typing import Any

from rest_framework import serializers

from rules.engine.vocabulary import Fact, Operator, ValueFact
from rules.serializers.fields import ConditionNumber, one_of
from rules.serializers.parts import Part
from sequence.core.api.fields import IdText, StrictSerializer, Word, beside, unknown_fields
from sequence.core.api.schemas import Named, object_of, ref, union
from sequence.core.typing import JsonObject

MAX_CONDITION_DEPTH = 10
MAX_CHILDREN = 100
# What a node of the tree can be.
_KINDS = ("condition", "all", "any")


class ComparisonParamsInput(StrictSerializer):
    """Where a comparison looks."""

    account_id = IdText(required=False, help_text="Without it: the trigger's account.")


class ComparisonInput(StrictSerializer):
    """A fact compared with exactly one of a number and another fact."""

    fact = Word(Fact)
    operator = Word(Operator)
    value = ConditionNumber(required=False)
    value_fact = Word(ValueFact, required=False)
    params = ComparisonParamsInput(required=False)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        one_of(attrs, ("value", "value_fact"))
        return attrs

    def to_internal_value(self, data: object) -> dict[str, object]:
        values = super().to_internal_value(data)
        normal = {str(name): values.get(name) for name in self.fields}
        normal["params"] = normal["params"] or None
        return normal


class ConditionField(Part):
    """A tree of conditions: ``{"condition": …}``, ``{"all": […]}`` or ``{"any": […]}``."""

    def to_internal_value(self, data: object) -> dict[str, object]:
        return self._read(data, depth=1)

    def _read(self, data: object, depth: int) -> dict[str, object]:
        if not isinstance(data, dict):
            raise self.faulty("This must be an object.", "invalid")
        if depth > MAX_CONDITION_DEPTH:
            raise self.faulty(f"Conditions may be nested {MAX_CONDITION_DEPTH} levels deep.", "max_depth")
        given = {name: value for name, value in data.items() if value is not None}
        unknown = [name for name in given if name not in _KINDS]
        if not unknown:
            return self._read_node(given, depth)
        known = {name: value for name, value in given.items() if name in _KINDS}
        refusal = beside(unknown_fields(unknown, _KINDS), lambda: self._read_node(known, depth))
        raise self.faulty(refusal.detail)

    def _read_node(self, given: dict[str, object], depth: int) -> dict[str, object]:
        one_of(given, _KINDS)
        [(kind, value)] = given.items()
        if kind == "condition":
            return {kind: self._read_leaf(value)}
        return {kind: self._read_children(kind, value, depth)}

    def _read_leaf(self, value: object) -> dict[str, object]:
        try:
            return self.read_part(ComparisonInput, value)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"condition": error.detail}) from None

    def _read_children(self, kind: str, value: object, depth: int) -> list[dict[str, object]]:
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

    def json_schema(self) -> Named:
        return _INPUT


def _closed(name: str, schema: object, description: str) -> JsonObject:
    return object_of({name: schema}, is_closed=True, description=description)


_CHILDREN = {"type": "array", "minItems": 1, "maxItems": MAX_CHILDREN, "items": ref("ConditionInput")}
_INPUT = union(
    "ConditionInput",
    Named("SingleConditionInput", _closed("condition", ComparisonInput, "One comparison.")),
    Named("AllConditionsInput", _closed("all", _CHILDREN, "All of these must hold.")),
    Named("AnyConditionsInput", _closed("any", _CHILDREN, "One of these must hold.")),
    description=f"One comparison, or several of which all or any must hold, at most {MAX_CONDITION_DEPTH} levels deep.",
)
