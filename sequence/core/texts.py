"""Texts that people read and decide by may hold nothing that they cannot see.

One rule for names and descriptions, wherever they come in: the API's fields, the columns of the models (and with them
the admin's forms), and the arguments of the commands.
"""

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject

_LINE_BREAKS = "\n\t"
# Control characters, halves of surrogate pairs, and the separators that break a line.
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
# Beside category Cf: what shows as nothing or as a blank, though Unicode calls it a letter, a mark or a symbol.
_RANGES_ALSO_INVISIBLE = (
    (0x034F, 0x034F),  # Combining grapheme joiner.
    (0x115F, 0x1160),  # Hangul fillers.
    (0x17B4, 0x17B5),  # Khmer inherent vowels.
    (0x180B, 0x180F),  # Mongolian variation selectors.
    (0x2800, 0x2800),  # Braille blank.
    (0x3164, 0x3164),  # Hangul filler.
    (0xFE00, 0xFE0F),  # Variation selectors.
    (0xFFA0, 0xFFA0),  # Half-width Hangul filler.
    (0xE0100, 0xE01EF),  # Variation selectors supplement.
)
# As a set: the document of the API asks it of every character that there is.
_ALSO_INVISIBLE = frozenset(chr(point) for first, last in _RANGES_ALSO_INVISIBLE for point in range(first, last + 1))
_JOINER = "\u200d"
_STYLES = "\ufe0e\ufe0f"
_PICTURE = "[\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff]"
# Characters that a style makes a picture of: digits with a keycap, and a few signs.
_SIGN = "[#*0-9\u00a9\u00ae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299]"
# A family, a profession, a flag of pictures joined; a skin colour is a picture of its own.
_EMOJI = re.compile(f"{_PICTURE}[{_STYLES}]?(?:{_JOINER}{_PICTURE}[{_STYLES}]?)*|{_SIGN}[{_STYLES}]")


# As much of a caller's reason as is kept.
MAX_REASON_LENGTH = 1_000


class Flaw(NamedTuple):
    """Why a text is refused: a stable code, and in words."""

    code: str
    message: str


CONTROL_CHARACTER = Flaw("control_character", "Control characters are not allowed.")
INVISIBLE_CHARACTER = Flaw(
    "invisible_character", "Characters that nobody sees, or that turn the writing round, are not allowed."
)


def flaw_of(text: str, *, multiline: bool = False) -> Flaw | None:
    """Return what is wrong with the text, or None. ``multiline`` allows line breaks and tabs.

    Invisible are the characters of Unicode's category Cf (bidi controls, zero-width ones, tags), and those of other
    categories that show as nothing. Only inside an emoji may there be a joiner or a variation selector.
    """
    if text.isascii() and text.isprintable():
        return None
    spared = _LINE_BREAKS if multiline else ""
    if any(unicodedata.category(character) in _CONTROL and character not in spared for character in text):
        return CONTROL_CHARACTER
    return INVISIBLE_CHARACTER if any(map(_is_invisible, _EMOJI.sub("", text))) else None


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or character in _ALSO_INVISIBLE


def made_plain(text: str) -> str:
    """Return the text with a blank in the place of every character that ``flaw_of`` refuses."""
    if flaw_of(text) is None:
        return text
    kept, at = [], 0
    for emoji in _EMOJI.finditer(text):
        kept += [_blanked(text[at : emoji.start()]), emoji[0]]
        at = emoji.end()
    return "".join([*kept, _blanked(text[at:])])


def _blanked(text: str) -> str:
    return "".join(" " if _is_refused(character) else character for character in text)


@cache
def _refused() -> tuple[str, ...]:
    return tuple(character for character in map(chr, range(sys.maxunicode + 1)) if _is_refused(character))


@cache
def refused_in_patterns(*, multiline: bool = False) -> str:
    """Return the refused characters as the inside of a regular expression's class, for JSON Schema.

    What is allowed inside an emoji is left out of it.
    """
    spared = _JOINER + _STYLES + (_LINE_BREAKS if multiline else "")
    return "".join(_ranges([ord(character) for character in _refused() if character not in spared]))


def _is_refused(character: str) -> bool:
    category = unicodedata.category(character)
    # No JSON text that was read holds half a pair, and few regular expressions can say it.
    return category != "Cs" and (category in _CONTROL or _is_invisible(character))


def _ranges(points: list[int]) -> list[str]:
    ranges: list[list[int]] = []
    for point in points:
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return [_escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}" for first, last in ranges]


def _escaped(point: int) -> str:
    return f"\\u{point:04x}" if point <= 0xFFFF else chr(point)


class _RefusesFlaws:
    """The validator of a text's column."""

    def __init__(self, *, multiline: bool) -> None:
        self.multiline = multiline

    def __call__(self, value: str) -> None:
        flaw = flaw_of(value, multiline=self.multiline)
        if flaw is not None:
            raise ValidationError(flaw.message, code=flaw.code)


class PlainTextField(models.CharField):
    """The column of a text that somebody outside writes, people or programs. ``multiline`` allows line breaks and tabs.

    Forms refuse what ``flaw_of`` names beside the field. A write that passed no form, bulk ones too, raises
    InvalidRequest, so that no way in can leave the rule out.
    """

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        options["validators"] = [_RefusesFlaws(multiline=multiline)]
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Sequence[object], JsonObject]:
        """To the database it is any text column; the rule is the application's, and changes without a migration."""
        name, _, args, options = super().deconstruct()
        options.pop("validators", None)
        return name, "django.db.models.CharField", args, options

    def clone(self) -> "PlainTextField":
        *_, options = super().deconstruct()
        options.pop("validators", None)
        return PlainTextField(multiline=self.multiline, **options)

    def get_db_prep_save(self, value: object, connection: BaseDatabaseWrapper) -> object:
        if isinstance(value, str):
            flaw = flaw_of(value, multiline=self.multiline)
            if flaw is not None:
                raise InvalidRequest.of(self.name, flaw.code, flaw.message)
        return super().get_db_prep_save(value, connection)
