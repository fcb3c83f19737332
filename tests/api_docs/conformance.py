"""Does an answer keep what the document promises? Stricter than a client may be: no field more, and in order."""

from copy import deepcopy
from functools import cache
from typing import Any

from django.http import HttpResponse
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sequence.core.api.openapi.document import document

_URI = "urn:document"


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every operation as (METHOD, path, operation)."""
    return [
        (method.upper(), path, operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    ]


def operation_of(method: str, path: str) -> dict[str, Any]:
    return document()["paths"][path][method.lower()]


def follow(node: dict[str, Any]) -> dict[str, Any]:
    """Return what ``node`` refers to, or ``node`` itself."""
    while "$ref" in node:
        target: Any = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with ``value``."""
    registry = Registry().with_resource(_URI, Resource(contents=_closed_document(), specification=DRAFT202012))
    absolute = {"$ref": f"{_URI}{schema['$ref']}"} if "$ref" in schema else schema
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(absolute, registry=registry, format_checker=checker)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def assert_described(response: HttpResponse, method: str, path: str) -> None:
    """Fail unless the operation's document has this status, with these headers and this body."""
    responses = operation_of(method, path)["responses"]
    assert str(response.status_code) in responses, f"{method} {path} does not describe {response.status_code}"
    described = responses[str(response.status_code)]
    for name, header in described["headers"].items():
        assert name in response.headers or not follow(header).get("required"), f"{name} is missing"
    if "content" not in described:
        assert response.content == b""
        return
    assert response.headers["Content-Type"] in described["content"]
    schema = described["content"]["application/json"]["schema"]
    body = response.json()
    assert faults(body, schema) == []
    _assert_order(body, schema)


def _assert_order(value: Any, schema: dict[str, Any]) -> None:
    schema = follow(schema)
    if "oneOf" in schema:  # A thing or null.
        schema = follow(schema["oneOf"][0])
    if isinstance(value, list):
        for item in value:
            _assert_order(item, schema.get("items", {}))
    elif isinstance(value, dict) and "properties" in schema:
        assert list(value) == [name for name in schema["properties"] if name in value]
        for name, inner in value.items():
            _assert_order(inner, schema["properties"][name])


@cache
def _closed_document() -> dict[str, Any]:
    """Return the document with every object shut to fields that it does not name."""
    closed = deepcopy(document())
    level: list[Any] = [closed]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                node["additionalProperties"] = False
            level.extend(node.values())
        elif isinstance(node, list):
            level.extend(node)
    return closed
