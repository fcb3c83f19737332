"""Keyset pages: page 5,000 costs what page 1 costs, and rows that arrive meanwhile neither repeat nor hide others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject, Rows

DEFAULT_SIZE = 20
MAX_SIZE = 100

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page:
    """Some items in their wire form, and where the next page starts."""

    items: list[Any]
    info: JsonObject


class _RowComparison(Func):
    """``(created_at, id) < (x, y)``: the row form, which the index on the two columns answers directly."""

    output_field = BooleanField()
    arity = 4

    def __init__(self, operator: str, *expressions: object) -> None:
        super().__init__(*expressions)
        self.template = f"(%(expressions)s) {operator} (%(bounds)s)"

    def as_sql(self, compiler: Any, connection: Any, *args: object, **extra: object) -> Any:
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        texts = [text for text, _ in parts]
        params = [param for _, given in parts for param in given]
        return self.template % {"expressions": ", ".join(texts[:2]), "bounds": ", ".join(texts[2:])}, params


def paginate(
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    *,
    show: Callable[[Any], Any],
    list_name: str,
    newest_first: bool,
    first: int | None,
    after: str | None,
    finish: Callable[[Any], Rows] = lambda rows: rows,
) -> Page:
    """Return the page of ``rows`` behind the cursor ``after``, ordered by ``created_at``, then id.

    Several disjoint querysets of one model are merged, each read by its own index. ``first`` is the size; None means
    all. ``list_name`` seals cursors, so that one list refuses another's. ``finish`` adds what showing needs, such as
    ``select_related``, or makes the rows named tuples that hold ``id`` and ``created_at``. Raises InvalidRequest for
    a cursor that is not ours.
    """
    order = ("-created_at", "-id") if newest_first else ("created_at", "id")
    parts = [rows] if isinstance(rows, QuerySet) else rows
    if after is not None:
        bound = _bound(parts[0].model, *_open_cursor(after, list_name), "<" if newest_first else ">")
        parts = [part.filter(bound) for part in parts]
    # One row more than asked for tells whether there is a next page, without a count.
    limited = [part.order_by(*order)[: None if first is None else first + 1] for part in parts]
    page = finish(_merged(limited)).order_by(*order) if len(limited) > 1 else finish(parts[0]).order_by(*order)
    found = list(page if first is None else page[: first + 1])
    shown = found if first is None else found[:first]
    info = {
        "end_cursor": _seal_cursor(shown[-1], list_name) if shown else None,
        "has_next_page": len(found) > len(shown),
    }
    return Page([show(row) for row in shown], info)


def _merged(parts: Sequence[QuerySet[M]]) -> QuerySet[M]:
    model = parts[0].model
    ids = parts[0].values("pk").union(*(part.values("pk") for part in parts[1:]), all=True)
    return model._default_manager.filter(pk__in=ids)


def _bound(model: type[Model], created_at: datetime, id: str, operator: str) -> _RowComparison:
    bounds = (Value(created_at), Value(id, output_field=model._meta.pk))
    return _RowComparison(operator, F("created_at"), F("id"), *bounds)


def _signer(list_name: str) -> signing.Signer:
    return signing.Signer(salt=f"cursor:{list_name}")


def _seal_cursor(row: Any, list_name: str) -> str:
    position = [int(row.created_at.timestamp()), row.created_at.microsecond, row.id]
    return _signer(list_name).sign_object(position)


def _open_cursor(cursor: str, list_name: str) -> tuple[datetime, str]:
    try:
        seconds, microseconds, id = _signer(list_name).unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        message = "This is not a cursor of this list. Use page_info.end_cursor as it was given."
        raise InvalidRequest.of("after", "bad_cursor", message) from None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds), id
