"""Names as this dialect spells them: camelCase, of the same words."""

import re
from functools import cache

from rest_framework import serializers

from sequence.core.api.fields import StrictSerializer
from sequence.core.typing import JsonObject

_after_a_word = re.compile(r"(?<=[a-zA-Z0-9])_([a-z0-9])")


@cache
def camel(name: str) -> str:
    """``amount_in_cents`` becomes ``amountInCents``; of a path, ``steps[0].group_index``, each step."""
    return _after_a_word.sub(lambda found: found[1].upper(), name)


class Spelled(serializers.Serializer):
    """A serializer whose fields are declared under our names and go over the wire under the dialect's."""

    def get_fields(self) -> JsonObject:
        return spelled_fields(super().get_fields())


class OpenBody(StrictSerializer):
    """A body or a query whose unknown names are ignored."""

    is_open = True
    is_stateless = True

    def get_fields(self) -> JsonObject:
        return spelled_fields(super().get_fields())


class ClosedBody(StrictSerializer):
    """A body whose unknown names are refused: a misspelt one must not move money."""

    is_stateless = True

    def get_fields(self) -> JsonObject:
        return spelled_fields(super().get_fields())


def spelled_fields(fields: JsonObject) -> JsonObject:
    """Return the fields under the dialect's names; what they read stays under ours."""
    for name, field in fields.items():
        if camel(name) != name:
            field.source = name
    return {camel(name): field for name, field in fields.items()}
