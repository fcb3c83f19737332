"""Tables of all errors, for the guide: made of the classes that refuse, so that none is forgotten."""

import re
from collections.abc import Iterable, Iterator

from sequence.core.api.openapi.document import document
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject
from sequence.guides.library import guides

BEGIN, END = "<!-- errors: begin -->\n", "<!-- errors: end -->\n"
COMMAND = "manage.py document_errors"

# The classes that no single app owns come first.
_SHARED = "sequence.core.errors"
# Tests have some of their own.
_OURS = ("sequence.", "accounts.", "apikeys.", "cards.", "rules.", "transfers.")
# As many different messages of one code as are worth reading.
_SENTENCES, _NAMED = 3, 4

# Any address of a method that it does not have, and any call in clear: the document tells of operations alone.
_BEFORE_AN_OPERATION = ("https_required", "method_not_allowed")


def error_classes() -> Iterator[type[DomainError]]:
    """Yield each class that refuses with a code of our own; dialects spell these in their own way."""
    document()  # By then every module has been loaded.
    found: dict[type[DomainError], None] = {}
    level: list[type[DomainError]] = [DomainError]
    while level:
        level = [child for parent in level for child in parent.__subclasses__()]
        found.update(dict.fromkeys(level))
    for refusal in sorted(found, key=lambda refusal: (refusal.__module__ != _SHARED, refusal.__module__)):
        if hasattr(refusal, "code") and refusal.__module__.startswith(_OURS) and ".platform." not in refusal.__module__:
            yield refusal


def with_tables(text: str) -> str:
    """Return the guide's text with the tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{error_tables()}{END}{after}"


def error_tables() -> str:
    """Return the tables as Markdown: what the API answers, then what only commands and pages refuse with."""
    by_code: dict[str, list[type[DomainError]]] = {}
    for refusal in error_classes():
        by_code.setdefault(refusal.code, []).append(refusal)
    where = _operations_by_code(document())
    in_api = [code for code in by_code if code in where or code in _BEFORE_AN_OPERATION]
    elsewhere = [code for code in by_code if code not in in_api]
    return (
        "\n## Of the API\n\n| status | code | where | says | what to do |\n|---|---|---|---|---|\n"
        + "".join(_row(by_code[code], where.get(code, "every address")) for code in _sorted(in_api, by_code))
        + "\n## Of commands and pages alone\n\n| code | says | what to do |\n|---|---|---|\n"
        + "".join(_row(by_code[code], None) for code in _sorted(elsewhere, by_code))
        + "\n"
    )


def _sorted(codes: Iterable[str], by_code: dict[str, list[type[DomainError]]]) -> list[str]:
    return sorted(codes, key=lambda code: (by_code[code][0].status, code))


def _row(classes: list[type[DomainError]], where: str | None) -> str:
    sentences = [*dict.fromkeys(_sentence(refusal) for refusal in classes)]
    says = " / ".join(sentences[:_SENTENCES]) + (" / …" if len(sentences) > _SENTENCES else "")
    remedies = " ".join(dict.fromkeys(refusal.remedy for refusal in classes))
    cells = [f"`{classes[0].code}`", says, remedies]
    if where is not None:
        cells = [str(classes[0].status), cells[0], where, *cells[1:]]
    return "".join(f"| {cell} " for cell in cells) + "|\n"


def _sentence(refusal: type[DomainError]) -> str:
    """Return the message, with an example or an ellipsis for each of its names."""
    names = dict.fromkeys(re.findall(r"{(\w+)", refusal.message), "…") | dict(refusal.sample_names)
    return re.sub(r"{(\w+)[^}]*}", lambda match: str(names[match[1]]), refusal.message).replace("|", "\\|")


def _operations_by_code(described: JsonObject) -> dict[str, str]:
    """Return which operations refuse with each code, in words."""
    operations = [operation for item in described["paths"].values() for operation in item.values()]
    found: dict[str, list[str]] = {}
    for operation in operations:
        for response in operation["responses"].values():
            for code in response.get("content", {}).get("application/json", {}).get("examples", {}):
                found.setdefault(code, []).append(operation["operationId"])
    return {code: _in_words(names, len(operations)) for code, names in found.items()}


def _in_words(names: list[str], all_operations: int) -> str:
    if len(names) == all_operations:
        return "everywhere"
    return ", ".join(f"`{name}`" for name in names) if len(names) <= _NAMED else f"{len(names)} operations"


def path_and_text() -> tuple[str, str]:
    """Return where the guide to errors lies, and its text as it should be."""
    guide = guides()["errors"]
    return str(guide.path), with_tables(guide.text)
