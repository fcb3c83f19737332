"""The vendor's document of the dialect (``reference.json``): its addresses, bodies and answers, without the words.

Ours is made from our own declarations, so that an answer which fits ours proves nothing about the vendor's clients.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012, Draft202012Validator, Registry

_URI = "urn:reference"
Document = dict[str, Any]


@cache
def reference() -> Document:
    document: Document = json.loads((Path(__file__).parent / "reference.json").read_text())
    return document


def operations(document: Document, prefix: str = "") -> dict[tuple[str, str], Document]:
    """Return the operations by method and path, each with the parameters that its path declares for all."""
    found = {}
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method != "parameters":
                parameters = [resolve(document, one) for one in [*shared, *operation.get("parameters", [])]]
                found[method.upper(), path.removeprefix(prefix)] = {**operation, "parameters": parameters}
    return found


def resolve(document: Document, node: Document) -> Document:
    """Return what a node refers to."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def content(document: Document, node: Document) -> Document | None:
    """Return the schema of a body or an answer in JSON."""
    told = resolve(document, node).get("content", {}).get("application/json")
    return told and told["schema"]


def strays(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return where an answer is none that the vendor's document describes. It says nothing of what only we answer."""
    operation = operations(reference()).get((method, path), {"responses": {}})
    answer = operation["responses"].get(str(status))
    schema = answer and content(reference(), answer)
    if schema is None:
        return []
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in _errors(schema, body)]


def _errors(schema: Document, body: Any) -> Iterator[Any]:
    yield from _validator(json.dumps(schema)).iter_errors(body)


@cache
def _validator(schema: str) -> Draft202012Validator:
    registry = Registry([(_URI, reference())], draft=Draft202012)
    return Draft202012Validator(json.loads(schema.replace('"#/', f'"{_URI}#/')), registry=registry)


@dataclass
class Fact:
    """What a document says of one value, under whatever names and unions it says so."""

    required: bool
    nullable: bool
    types: frozenset[str]
    words: frozenset[str]


def facts(document: Document, schema: Document) -> dict[str, Fact]:
    """Return the facts of a schema by place, such as ``steps[].actions[]<FIXED>.limit.period``."""
    found: dict[str, Fact] = {}
    _gather(document, schema, "", found, required=True, within=())
    return found


def _gather(
    document: Document, schema: Document, place: str, found: dict[str, Fact], *, required: bool, within: tuple[str, ...]
) -> None:
    name = schema.get("$ref", "")
    # A condition holds conditions: once is enough.
    if name and name in within:
        return
    within = (*within, name) if name else within
    flat = _merged(document, schema)
    options, nullable = _options(document, flat)
    if len(options) > 1:
        found[place] = Fact(required, nullable, frozenset({"object"}), frozenset())
        for option in options:
            kind = f"{place}<{_kind(document, option)}>"
            _gather(document, option, kind, found, required=required, within=within)
        return
    if len(options) == 1:
        _gather(document, options[0], place, found, required=required, within=within)
        found[place].nullable |= nullable
        return
    types = flat.get("type", [])
    types = {types} if isinstance(types, str) else {*types}
    words = {flat["const"]} if "const" in flat else {*flat.get("enum", [])} - {None}
    fact = Fact(required, "null" in types, frozenset(types - {"null"}), frozenset(words))
    found[place] = fact
    for field, inner in flat.get("properties", {}).items():
        is_there = field in flat.get("required", [])
        _gather(document, inner, f"{place}.{field}", found, required=is_there, within=within)
    if "items" in flat:
        _gather(document, flat["items"], f"{place}[]", found, required=True, within=within)


def _merged(document: Document, schema: Document) -> Document:
    """Return a schema with what it refers to, and with all that its ``allOf`` puts together."""
    flat = resolve(document, schema)
    parts = [_merged(document, part) for part in flat.get("allOf", [])]
    if not parts:
        return flat
    parts.append({name: value for name, value in flat.items() if name != "allOf"})
    merged: Document = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = {**merged, **part, "properties": properties, "required": required}
    return merged


def _options(document: Document, schema: Document) -> tuple[list[Document], bool]:
    """Return the options of a union but null, and whether null is one."""
    options = schema.get("oneOf") or schema.get("anyOf") or []
    told = [option for option in options if resolve(document, option).get("type") != "null"]
    return told, len(told) < len(options)


def _kind(document: Document, option: Document) -> str:
    """Return by what an option is told from the others: its type, or the names of its fields."""
    fields = _merged(document, option)["properties"]
    kind = _merged(document, fields["type"]) if "type" in fields else {}
    words = [kind["const"]] if "const" in kind else kind.get("enum", [])
    return "|".join(words or sorted(fields))
