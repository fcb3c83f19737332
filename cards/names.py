"""Names as people type them: a holder's, a merchant's."""

import unicodedata

from sequence.errors import InvalidRequest

MAX_NAME = 100
# Control characters, and the halves of surrogate pairs, which PostgreSQL cannot store.
_REFUSED_CATEGORIES = {"Cc", "Cs"}


def clean_name(text: str, *, field: str) -> str:
    """Return the text, trimmed. Raises InvalidRequest unless that leaves 1 to 100 characters, none of them control."""
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidRequest.of(field, "length", f"Give 1 to {MAX_NAME} characters.")
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in name):
        raise InvalidRequest.of(field, "control_character", "Control characters are not allowed.")
    return name


def is_among(name: str, names: list[str]) -> bool:
    """Say whether the name is one of the names, in whatever case."""
    return name.casefold() in {one.casefold() for one in names}
