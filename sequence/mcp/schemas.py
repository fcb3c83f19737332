"""Schemas of tools, from the document of the operations behind them: each stands alone, with its definitions in it."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from sequence.core.api.openapi.document import document_of
from sequence.core.typing import JsonObject
from sequence.mcp.spelling import schema_to_plain
from sequence.mcp.tools import OWN_PREFIX, Tool, tools
from sequence.platform.names import camel
from sequence.platform.operations import PREFIX

_REF = "#/components/schemas/"
_LOCAL = "#/$defs/"
# An id is a text like any other to whoever writes one; what is none is simply not found.
_ID_HINTS = {"uuid"}
# A longer pattern spells out the characters that nobody sees: of no use to whoever writes, and much to read.
_LONGEST_PATTERN = 80

KEY_ARGUMENT: JsonObject = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": (
        "Makes a repeated call safe for 24 hours: a new one for each thing to do. Without one, the same call within "
        "10 minutes counts as a repeat."
    ),
}
# Of a tool that takes what another one takes, and makes nothing of it.
MEANINGLESS: JsonObject = {"description": "Taken so that the other tool's arguments fit, and passed over."}
REASON_ARGUMENT: JsonObject = {
    "type": "string",
    "description": "Why you call, for whoever approves or audits it. No part of what makes a call a repeat.",
}


@cache
def input_schema(tool: Tool) -> JsonObject:
    """Return the schema of a tool's arguments: what stands in the address, the query and the body, in one object."""
    made = _operation(tool)
    properties, required = dict(_parameters(tool, made)), _required_parameters(made)
    body = made.get("requestBody")
    if body:
        schema = _follow(tool, body["content"]["application/json"]["schema"])
        properties.update(schema.get("properties", {}))
        required += schema.get("required", [])
    if tool.is_own:
        called = {ours: name for name, ours in tool.variables.items()}
        properties = {called.get(name) or camel(name): schema_to_plain(each) for name, each in properties.items()}
        required = [called.get(name) or camel(name) for name in required]
    properties.update(tool.more_arguments)
    properties.update((name, MEANINGLESS) for name in sorted(tool.passes_over))
    if tool.writes:
        properties.update(idempotencyKey=KEY_ARGUMENT)
    if tool.writes or tool.takes_reason:
        properties.update(reason=properties.get("reason", REASON_ARGUMENT))
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return _with_a_rule(_standing_alone(tool, schema)) if "definition" in properties else _standing_alone(tool, schema)


def _with_a_rule(schema: JsonObject) -> JsonObject:
    """Return the schema with a draft of a rule as it is written to ``createRule``."""
    rule = input_schema(tools()["createRule"])
    parts = {name: rule["properties"][name] for name in ("trigger", "steps")}
    draft = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    properties = {**schema["properties"], "definition": {**draft, "description": "A draft to replay instead."}}
    return {**schema, "properties": properties, "$defs": rule["$defs"]}


@cache
def output_schema(tool: Tool) -> JsonObject:
    """Return the schema of a tool's result."""
    made = _operation(tool)
    success = next(answer for status, answer in made["responses"].items() if status.startswith("2"))
    envelope = _follow(tool, success["content"]["application/json"]["schema"])
    schema = envelope["properties"]["data"]
    if tool.list_name:
        pages = envelope["properties"]["page_info"]
        schema = {
            "type": "object",
            "properties": {tool.list_name: schema, "page_info": pages},
            "required": [tool.list_name, "page_info"],
        }
    if tool.is_own:
        schema = schema_to_plain(schema)
    whole = _standing_alone(tool, schema)
    return whole if "$ref" not in whole else {"type": "object", **whole}


def _document(tool: Tool) -> JsonObject:
    return document_of(f"{OWN_PREFIX if tool.is_own else PREFIX}/")


def _operation(tool: Tool) -> Any:
    address = f"{OWN_PREFIX}{tool.address}" if tool.is_own else tool.address
    return _document(tool)["paths"][address][tool.method.lower()]


def _parameters(tool: Tool, made: Any) -> Iterator[tuple[str, JsonObject]]:
    for parameter in made["parameters"]:
        if "$ref" not in parameter:
            told = {"description": parameter["description"]} if parameter.get("description") else {}
            yield parameter["name"], {**parameter["schema"], **told}


def _required_parameters(made: Any) -> list[str]:
    return [each["name"] for each in made["parameters"] if "$ref" not in each and each.get("required")]


def _follow(tool: Tool, schema: JsonObject) -> JsonObject:
    while "$ref" in schema:
        schema = _document(tool)["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
    return schema


def _standing_alone(tool: Tool, schema: JsonObject) -> JsonObject:
    """Return the schema with all that it refers to in its own definitions."""
    found: dict[str, object] = {}
    waiting = _references(schema)
    while waiting:
        name = waiting.pop()
        if name not in found:
            one = _document(tool)["components"]["schemas"][name]
            found[name] = schema_to_plain(one) if tool.is_own else one
            waiting |= _references(one)
    whole = {**schema, "$defs": dict(sorted(found.items()))} if found else schema
    localized: JsonObject = _without_id_hints(json.loads(json.dumps(whole).replace(_REF, _LOCAL)))
    return localized


def _references(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("$ref")
    found = {own.removeprefix(_REF)} if isinstance(own, str) and own.startswith(_REF) else set()
    return found.union(*(_references(each) for name, each in schema.items() if name != "discriminator"))


def _without_id_hints(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_id_hints(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_id = schema.get("format") in _ID_HINTS or str(schema.get("pattern", "")).endswith("[0-9A-HJKMNP-TV-Z]{26}$")
    is_long = len(str(schema.get("pattern", ""))) > _LONGEST_PATTERN
    dropped = {"discriminator", *(("format", "pattern") if is_id else ()), *(("pattern",) if is_long else ())}
    return {name: _without_id_hints(each) for name, each in schema.items() if name not in dropped}
