"""Does an answer keep what the document promises? Stricter than a client may be: no field more, and in order."""

import json
import re
from copy import deepcopy
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from jsonschema_rs import Draft202012, Draft202012Validator, Registry

from sequence.core.api.openapi.document import OWN_PREFIX, document, document_of

_URI = "urn:document"
# Of the document; some tests have addresses of their own.
_URLCONF = "sequence.urls"


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


def faults(value: Any, schema: dict[str, Any], prefix: str = OWN_PREFIX) -> list[str]:
    """Return what is wrong with ``value``, as the document of a dialect has it."""
    errors = _validator(json.dumps(schema), prefix).iter_errors(value)
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


def check_answer(response: HttpResponse) -> None:
    """Fail if the document has the operation that was asked for, and does not describe this answer of it."""
    match = getattr(response, "resolver_match", None)
    if match is None or settings.ROOT_URLCONF != _URLCONF:
        return
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route)
    method = response.wsgi_request.method
    if method.lower() in document()["paths"].get(path, {}):
        assert_described(response, method, path)


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
    found = faults(body, schema)
    assert not found, f"{method} {path}, {response.status_code}: {found}"
    _assert_order(body, schema)


def _assert_order(value: Any, schema: dict[str, Any]) -> None:
    schema = _chosen(value, schema)
    if isinstance(value, list):
        for item in value:
            _assert_order(item, schema.get("items", {}))
    elif isinstance(value, dict) and "properties" in schema:
        is_open = schema.get("additionalProperties") is True
        told = [name for name in value if name in schema["properties"] or not is_open]
        assert told == [name for name in schema["properties"] if name in value]
        for name, inner in value.items():
            _assert_order(inner, schema["properties"].get(name, {}))


def _chosen(value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without its unions: of several options the one that the value has taken, which fits it."""
    schema = follow(schema)
    options = schema.get("oneOf") or schema.get("allOf")
    if options is None:
        return schema
    return _chosen(value, next(option for option in options if _validator(json.dumps(option)).is_valid(value)))


@cache
def _validator(schema: str, prefix: str = OWN_PREFIX) -> Draft202012Validator:
    """Return what checks a schema of the document, which has references into it."""
    registry = Registry([(_URI, _closed_document(prefix))], draft=Draft202012)
    absolute = json.loads(schema.replace('"#/', f'"{_URI}#/'))
    return Draft202012Validator(absolute, registry=registry, validate_formats=True)


def forget_document() -> None:
    """Let the document be made anew: what it is made from has changed."""
    for made in (document_of, _closed_document, _validator):
        made.cache_clear()


@cache
def _closed_document(prefix: str = OWN_PREFIX) -> dict[str, Any]:
    """Return the document with every object shut to fields that it does not name, but those that say they are open."""
    closed = deepcopy(document_of(prefix))
    level: list[Any] = [closed]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                node.setdefault("additionalProperties", False)
            level.extend(node.values())
        elif isinstance(node, list):
            level.extend(node)
    return closed
