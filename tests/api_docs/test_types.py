"""Types of the document: whatever is sent or answered has a name and a shape, so that clients can be made from it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.generators import SchemaGenerator

from sequence.core.api.fields import Word
from sequence.core.api.openapi.document import document
from sequence.core.api.schemas import Named

# A place in the document, the schema that stands there, and whether it does under a name of its own.
_Found = tuple[str, dict[str, Any], bool]

_UNIONS = ("oneOf", "anyOf", "allOf")
# Any of these says what a value may be; descriptions, formats and bounds alone do not.
_TELLING = {"$ref", "type", "const", "enum", *_UNIONS}


def _schemas(document: dict[str, Any]) -> Iterator[_Found]:
    """Yield every schema of the document."""
    components = document.get("components", {})
    for name, schema in components.get("schemas", {}).items():
        yield from _within(name, schema, is_named=True)
    shared = [*components.get("parameters", {}).items(), *components.get("headers", {}).items()]
    for name, each in shared:
        yield from _within(name, each["schema"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield from _of_operation(f"{method.upper()} {path}", operation)


def _of_operation(place: str, operation: dict[str, Any]) -> Iterator[_Found]:
    for parameter in operation.get("parameters", []):
        if "schema" in parameter:
            yield from _within(f"{place} {parameter['name']}", parameter["schema"])
    answers = operation["responses"].items()
    for what, told in [("body", operation.get("requestBody", {})), *answers]:
        for content in told.get("content", {}).values():
            yield from _within(f"{place} {what}", content["schema"])


def _within(place: str, schema: dict[str, Any], *, is_named: bool = False) -> Iterator[_Found]:
    yield place, schema, is_named
    inner = [*schema.get("properties", {}).items()]
    inner += [(word, option) for word in _UNIONS for option in schema.get(word, [])]
    inner += [(word, schema[word]) for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict)]
    for name, each in inner:
        yield from _within(f"{place}.{name}", each)


def _faults(document: dict[str, Any]) -> list[str]:
    """Return where the document leaves a client to guess, or to name things itself."""
    found = []
    words: Counter[tuple[str, ...]] = Counter()
    for place, schema, is_named in _schemas(document):
        is_object = schema.get("type") == "object" or "properties" in schema
        if not _TELLING & {*schema}:
            found.append(f"{place} may be anything")
        # One that is shut and says that it has none holds nothing, and leaves nothing to guess.
        says_nothing = schema.get("properties") == {} and schema.get("additionalProperties") is False
        if is_object and not schema.get("properties") and not says_nothing:
            found.append(f"{place} is an object without fields")
        if is_object and not is_named:
            found.append(f"{place} is an object without a name")
        if None in schema.get("enum", ()):
            found.append(f"{place} has null among its words")
        words.update([tuple(schema["enum"])] if len(schema.get("enum", ())) > 1 else [])
    return found + [
        f"{', '.join(map(str, each))} are listed {count} times" for each, count in words.items() if count > 1
    ]


def test_every_type_has_a_shape_and_a_name():
    assert _faults(document()) == []


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({}, "Thing.field may be anything"),
        ({"description": "A date.", "format": "date"}, "Thing.field may be anything"),
        ({"type": "array", "items": {}}, "Thing.field.items may be anything"),
        ({"type": "object"}, "Thing.field is an object without fields"),
        ({"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]}, "Thing.field.oneOf is an object wi"),
        ({"type": ["string", "null"], "enum": ["a", "b", None]}, "Thing.field has null among its words"),
        ({"anyOf": [{"enum": ["a", "b"]}, {"enum": ["a", "b"]}]}, "a, b are listed 2 times"),
    ],
)
def test_each_kind_of_guess_is_found(schema, fault):
    thing = {"type": "object", "properties": {"field": schema}}
    assert fault in "\n".join(_faults({"components": {"schemas": {"Thing": thing}}, "paths": {}}))


def test_what_is_sent_has_no_defaults_that_clients_would_have_to_send():
    """Many generators take a field with a default for one that is always there."""
    schemas = document()["components"]["schemas"]
    fields = [
        (name, field, told) for name, schema in schemas.items() for field, told in schema.get("properties", {}).items()
    ]
    assert [(name, field) for name, field, told in fields if "default" in told] == []


def test_variants_are_told_apart_by_a_field_that_each_has():
    schemas = document()["components"]["schemas"]
    unions = {name: schema["discriminator"] for name, schema in schemas.items() if "discriminator" in schema}
    assert {"Trigger", "TriggerInput", "Action", "ActionInput", "ActionTrace", "TriggerDetails"} <= {*unions}
    for name, discriminator in unions.items():
        for value, reference in discriminator["mapping"].items():
            option = schemas[reference.rpartition("/")[2]]
            told = option["properties"][discriminator["propertyName"]]
            assert value in told.get("enum", [told.get("const")]), f"{name}: {value}"
            assert discriminator["propertyName"] in option["required"]


@pytest.mark.parametrize("name", ["Condition", "ConditionInput", "ConditionTrace"])
def test_conditions_hold_conditions(name):
    [_, every, some] = document()["components"]["schemas"][name]["oneOf"]
    for word, option in (("all", every), ("any", some)):
        children = document()["components"]["schemas"][option["$ref"].rpartition("/")[2]]["properties"][word]
        assert children["items"] == {"$ref": f"#/components/schemas/{name}"}


def test_two_different_things_cannot_have_one_name(monkeypatch):
    monkeypatch.setattr(Word, "json_schema", lambda field: Named("Word", {"enum": list(field.choices)}))
    with pytest.raises(ImproperlyConfigured, match="are called Word"):
        SchemaGenerator().get_schema(public=True)
