"""Words of enumerations as this dialect spells them: UPPER CASE, of the same words, but for those in these tables."""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from rest_framework import serializers

from rules.engine.actions import ACTIONS
from sequence.core.api.schemas import Named
from transfers.models import Origin

# Ours, and the dialect's where it is another word.
_OTHER_WORDS = {Origin.PAYCHECK.value: "DIRECT_DEPOSIT", "fixed_amount": "FIXED"}

# Types of actions that the dialect has no word for.
UNSPOKEN_ACTIONS = frozenset({"avalanche", "snowball"})


def upper(word: str) -> str:
    """Return the dialect's spelling of a word of ours."""
    return _OTHER_WORDS.get(word) or word.upper()


def upper_or_none(word: str | None) -> str | None:
    """Return the dialect's spelling of the word, None for none."""
    return None if word is None else upper(word)


ACTION_TYPES: Mapping[str, str] = {upper(kind): kind for kind in ACTIONS if kind not in UNSPOKEN_ACTIONS}


class UpperWord(serializers.ChoiceField):
    """One word of a set, in the dialect's spelling; a request's is read into ours."""

    def __init__(self, words: type[Enum] | Iterable[str], *, name: str, **options: Any) -> None:
        own = [word.value for word in words] if isinstance(words, type) else list(words)
        self.name = name
        self.own = {upper(word): word for word in own}
        super().__init__(choices=list(self.own), **options)

    def get_default(self) -> Any:
        default: Any = super().get_default()
        return self.own.get(default, default)

    def to_internal_value(self, data: Any) -> str:
        return self.own[super().to_internal_value(data)]

    def json_schema(self) -> Named:
        return Named(self.name, {"type": "string", "enum": list(self.choices)})


@cache
def own_word(words: type[Enum], spelled: str) -> str | None:
    """Return our spelling of a word of the set; None where it has no such word."""
    return next((word.value for word in words if upper(word.value) == spelled), None)
