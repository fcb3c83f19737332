"""Ids as this dialect spells them: the uuid, plainly. One object, two spellings."""

import re
from typing import Any
from uuid import UUID

from rest_framework import serializers

from sequence.core.api.fields import IdText
from sequence.core.api.ids import NOUNS, parse_id, show_id
from sequence.core.typing import JsonObject

# Python's reader takes braces, urn: and hyphens anywhere.
_is_uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch
# No id of ours has this character, so nothing is ever found under one that holds it.
_MALFORMED = "~"

_own_ids = re.compile(rf"\b({'|'.join(NOUNS)})_[0-7][0-9A-HJKMNP-TV-Z]{{25}}\b")

# What the variables of addresses stand for.
PREFIXES = {
    "account_id": "acc",
    "rule_id": "rule",
    "rule_execution_id": "rex",
    "transfer_id": "txr",
    "card_transaction_id": "ctx",
    "external_transaction_id": "ext",
}


def own_id(prefix: str, text: str) -> str:
    """Return our spelling of an id; of a malformed one an id of nothing."""
    return show_id(prefix, UUID(text)) if _is_uuid(text) else f"{prefix}_{_MALFORMED}{text}"


def plain_id(own: str) -> str:
    """Return the dialect's spelling of an id of ours."""
    return str(parse_id(own.partition("_")[0], own))


def with_plain_ids(text: str) -> str:
    """Return a sentence of ours with the ids in it in the dialect's spelling."""
    return _own_ids.sub(lambda found: plain_id(found[0]), text)


def plain_id_or_none(own: str | None) -> str | None:
    """Return the dialect's spelling of the id, None for none."""
    return None if own is None else plain_id(own)


class PlainIdText(IdText):
    """An id in a request, read into our spelling. A malformed one is some id of nothing.

    ``is_deprecated`` is of a name that another has replaced.
    """

    def __init__(self, prefix: str, *, is_deprecated: bool = False, **options: Any) -> None:
        self.prefix = prefix
        self.is_deprecated = is_deprecated
        super().__init__(**options)

    def to_internal_value(self, data: object) -> str:
        return own_id(self.prefix, super().to_internal_value(data))


class PlainId(serializers.CharField):
    """An id in an answer."""

    def json_schema(self) -> JsonObject:
        return {"type": "string", "format": "uuid"}


class _OwnId:
    """A converter of addresses: whatever stands there becomes an id of ours, so that nothing is refused by its form."""

    regex = "[^/]+"
    prefix: str

    def to_python(self, value: str) -> str:
        return own_id(self.prefix, value)

    def to_url(self, value: str) -> str:
        return plain_id(value)


# One for each variable, under its name.
CONVERTERS: dict[str, type] = {
    name: type(f"{name}_converter", (_OwnId,), {"prefix": prefix}) for name, prefix in PREFIXES.items()
}
