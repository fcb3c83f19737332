"""Keyset pages: page 5,000 costs what page 1 costs, and rows that arrive meanwhile neither repeat nor hide others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

from sequence.errors import InvalidRequest

DEFAULT_SIZE = 20
MAX_SIZE = 100

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page:
    """Some items in their wire form, and where the next page starts."""

    items: list[Any]
    info: dict[str, Any]


class _RowComparison(Func):
    """``(created_at, id) < (x, y)``: the row form, which the index on the two columns answers directly."""

    output_field = BooleanField()
    arity = 4

    def __init__(self, operator: str, *expressions: Any) -> None:
        super().__init__(*expressions)
        self.template = f"(%(expressions)s) {operator} (%(bounds)s)"

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        texts = [text for text, _ in parts]
        params = [param for _, given in parts for param in given]
        return self.template % {"expressions": ", ".join(texts[:2]), "bounds": ", ".join(texts[2:])}, params


def paginate(
    rows: QuerySet[M],
    *,
    show: Callable[[M], Any],
    list_name: str,
    newest_first: bool,
    first: int | None,
    after: str | None,
) -> Page:
    """Return the page of ``rows`` behind the cursor ``after``, ordered by ``created_at``, then id.

    ``first`` is the size; None means all. ``list_name`` seals cursors, so that one list refuses another's.
    Raises InvalidRequest for a cursor that is not ours.
    """
    rows = rows.order_by("-created_at", "-id") if newest_first else rows.order_by("created_at", "id")
    if after is not None:
        created_at, id = _open_cursor(after, list_name)
        key = rows.model._meta.pk
        bounds = (Value(created_at), Value(id, output_field=key))
        rows = rows.filter(_RowComparison("<" if newest_first else ">", F("created_at"), F("id"), *bounds))
    # One row more than asked for tells whether there is a next page, without a count.
    found = list(rows if first is None else rows[: first + 1])
    shown = found if first is None else found[:first]
    info = {
        "end_cursor": _seal_cursor(shown[-1], list_name) if shown else None,
        "has_next_page": len(found) > len(shown),
    }
    return Page([show(row) for row in shown], info)


def _signer(list_name: str) -> signing.Signer:
    return signing.Signer(salt=f"cursor:{list_name}")


def _seal_cursor(row: Any, list_name: str) -> str:
    position = [int(row.created_at.timestamp()), row.created_at.microsecond, row.pk]
    return _signer(list_name).sign_object(position)


def _open_cursor(cursor: str, list_name: str) -> tuple[datetime, str]:
    try:
        seconds, microseconds, id = _signer(list_name).unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        message = "This is not a cursor of this list. Use page_info.end_cursor as it was given."
        raise InvalidRequest.of("after", "bad_cursor", message) from None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds), id
