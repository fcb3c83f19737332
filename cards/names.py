"""Names as people type them: a holder's, a merchant's."""

from sequence.core.errors import InvalidRequest
from sequence.core.texts import flaw_of

MAX_NAME = 100


def clean_name(text: str, *, field: str) -> str:
    """Return the text, trimmed. Raises InvalidRequest unless that leaves 1 to 100 characters that people see."""
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidRequest.of(field, "length", f"Give 1 to {MAX_NAME} characters.")
    flaw = flaw_of(name)
    if flaw is not None:
        raise InvalidRequest.of(field, flaw.code, flaw.message)
    return name


def is_among(name: str, names: list[str]) -> bool:
    """Say whether the name is one of the names, in whatever case."""
    return name.casefold() in {one.casefold() for one in names}
