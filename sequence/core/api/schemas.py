"""Schema of JSON, as fields tell it: what the document names, unions, and recursion.

A schema may hold serializer classes, ``Named`` and ``Variants`` wherever a schema may stand. The document keeps each of
these once, under its name, and refers to it: see ``sequence.core.api.openapi.inspection``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sequence.core.typing import JsonObject

NULL: JsonObject = {"type": "null"}


@dataclass(frozen=True)
class Named:
    """A schema with a name of its own."""

    name: str
    schema: JsonObject


@dataclass(frozen=True)
class Variants:
    """One of several objects. ``options`` has them by the value of the field that tells which one it is."""

    name: str
    options: Mapping[str, object]
    told_by: str = "type"
    description: str = ""

    def schema(self, options: Mapping[str, JsonObject]) -> JsonObject:
        """Return the schema whose options are these references."""
        distinct = {option["$ref"]: option for option in options.values()}
        mapping = {value: option["$ref"] for value, option in options.items()}
        return {
            "description": self.description,
            "oneOf": list(distinct.values()),
            "discriminator": {"propertyName": self.told_by, "mapping": mapping},
        }


def ref(name: str, kind: str = "schemas") -> JsonObject:
    """Return the reference to what the document keeps under the name; how a schema refers to itself."""
    return {"$ref": f"#/components/{kind}/{name}"}


def object_of(properties: Mapping[str, object], *, is_closed: bool = False, description: str = "") -> JsonObject:
    """Return the schema of an object that has all of the properties, and no others where ``is_closed``."""
    return {
        "type": "object",
        **({"description": description} if description else {}),
        "properties": dict(properties),
        "required": list(properties),
        **({"additionalProperties": False} if is_closed else {}),
    }


def union(name: str, *options: object, description: str = "") -> Named:
    """Return a union that no single field decides: each option requires a field that the others lack."""
    told = {"description": description} if description else {}
    return Named(name, {**told, "oneOf": list(options)})
