"""Spelling of our own operations for assistants: camelCase names and plain uuids, there and back."""

from typing import Any

from apikeys import idempotency
from sequence.core.api import called_reasons
from sequence.core.api.ids import noun_of
from sequence.core.typing import JsonObject
from sequence.platform.ids import own_id, plain_id
from sequence.platform.names import camel

# What an argument is an id of.
_PREFIXES = {
    "ruleId": "rule",
    "transferId": "txr",
    "replayId": "rpl",
    "sourceAccountId": "acc",
    "destinationAccountId": "acc",
}


# What programs say in headers, and assistants, who send none, in arguments; the longer words first.
_HEADERS = {
    f"the header {called_reasons.HEADER}": "reason",
    called_reasons.HEADER: "reason",
    idempotency.HEADER: "idempotencyKey",
}


def in_arguments(text: str) -> str:
    """Return a sentence about a call, or the name of a field, with arguments in the place of headers."""
    for header, argument in _HEADERS.items():
        text = text.replace(header, argument)
    return text


def to_own(name: str, value: object) -> object:
    """Return an argument's value as our own operations read it."""
    prefix = _PREFIXES.get(name)
    return own_id(prefix, value) if prefix and isinstance(value, str) else value


def to_plain(value: object) -> object:
    """Return what an operation of ours answered in the dialect's names and ids."""
    if isinstance(value, dict):
        return {camel(name): to_plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [to_plain(each) for each in value]
    return plain_id(value) if isinstance(value, str) and noun_of(value) else value


def schema_to_plain(schema: Any) -> Any:
    """Return a JSON Schema of what ``to_plain`` returns, from one of what it takes."""
    if isinstance(schema, list):
        return [schema_to_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    spelled: JsonObject = {}
    for name, each in schema.items():
        if name == "properties":
            spelled[name] = {camel(field): schema_to_plain(inner) for field, inner in each.items()}
        elif name == "required":
            spelled[name] = [camel(field) for field in each]
        elif name == "enum":
            spelled[name] = each
        else:
            spelled[name] = schema_to_plain(each)
    return spelled
