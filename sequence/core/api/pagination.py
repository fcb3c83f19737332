"""Keyset pages: page 5,000 costs what page 1 costs, and rows that arrive meanwhile neither repeat nor hide others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from django.core import signing
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from sequence.core.database.replica import read
from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject, Rows

DEFAULT_SIZE = 20
MAX_SIZE = 100

M = TypeVar("M", bound=Model)
# What the rows are when they are shown.
Row = TypeVar("Row")


class Positioned(Protocol):
    """A row that has a place in a list."""

    created_at: datetime
    id: str


@dataclass(frozen=True)
class Page:
    """Some items in their wire form, and where the next page starts."""

    items: list[JsonObject]
    info: JsonObject


class _RowComparison(Func):
    """``(created_at, id) < (x, y)``: the row form, which the index on the two columns answers directly."""

    output_field = BooleanField()
    arity = 4

    def __init__(self, operator: str, *expressions: object) -> None:
        super().__init__(*expressions)
        self.template = f"(%(expressions)s) {operator} (%(bounds)s)"

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra: object,
    ) -> tuple[str, tuple[str | int, ...]]:
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        texts = [text for text, _ in parts]
        params = tuple(param for _, given in parts for param in given)
        return self.template % {"expressions": ", ".join(texts[:2]), "bounds": ", ".join(texts[2:])}, params


def paginate(
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    *,
    show: Callable[[Row], JsonObject],
    list_name: str,
    newest_first: bool,
    first: int | None,
    after: str | None,
    finish: Callable[[QuerySet[M]], Rows] = lambda rows: rows,
) -> Page:
    """Return the page of ``rows`` behind the cursor ``after``, each shown by itself: see ``find_page``.

    ``finish`` adds what showing needs, such as ``select_related``, or makes the rows named tuples that hold ``id`` and
    ``created_at``.
    """
    shown, info = find_page(
        rows, list_name=list_name, newest_first=newest_first, first=first, after=after, finish=finish
    )
    return Page([show(row) for row in shown], info)


def find_page(
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    *,
    list_name: str,
    newest_first: bool,
    first: int | None,
    after: str | None,
    finish: Callable[[QuerySet[M]], Rows] = lambda rows: rows,
) -> tuple[list[Any], JsonObject]:
    """Return the rows behind the cursor ``after``, ordered by ``created_at``, then id, and the ``page_info``.

    Several disjoint querysets of one model are merged, each read by its own index. ``first`` is the size; None means
    all. ``list_name`` seals cursors, so that one list refuses another's. Raises InvalidRequest for a cursor that is not
    ours.
    """
    order = ("-created_at", "-id") if newest_first else ("created_at", "id")
    parts = [rows] if isinstance(rows, QuerySet) else rows
    if after is not None:
        bound = _bound(parts[0].model, *_open_cursor(after, list_name), "<" if newest_first else ">")
        parts = [part.filter(bound) for part in parts]
    # One row more than asked for tells whether there is a next page, without a count.
    limited = [part.order_by(*order)[: None if first is None else first + 1] for part in parts]
    page = finish(merged(limited)).order_by(*order) if len(limited) > 1 else finish(parts[0]).order_by(*order)
    found = read(page if first is None else page[: first + 1])
    shown = found if first is None else found[:first]
    info = {
        "end_cursor": _seal_cursor(shown[-1], list_name) if shown else None,
        "has_next_page": len(found) > len(shown),
    }
    return shown, info


def paginate_by_number(
    rows: QuerySet[M],
    number: str,
    *,
    show: Callable[[QuerySet[M]], list[JsonObject]],
    list_name: str,
    first: int,
    after: str | None,
) -> Page:
    """Return the page of ``rows`` behind the cursor ``after``, the highest number first.

    ``number`` is the column that tells one row from another, and the name under which ``show`` tells it. Raises
    InvalidRequest for a cursor that is not ours.
    """
    if after is not None:
        rows = rows.filter(**{f"{number}__lt": _open_number(after, list_name)})
    found = show(rows.order_by(f"-{number}")[: first + 1])
    items = found[:first]
    end = _signer(list_name).sign_object(items[-1][number]) if items else None
    return Page(items, {"end_cursor": end, "has_next_page": len(found) > len(items)})


def _open_number(cursor: str, list_name: str) -> int:
    try:
        return int(_signer(list_name).unsign_object(cursor))
    except (signing.BadSignature, ValueError):
        raise _bad_cursor() from None


def _bad_cursor() -> InvalidRequest:
    message = "This is not a cursor of this list. Use page_info.end_cursor as it was given."
    return InvalidRequest.of("after", "bad_cursor", message)


def merge_pages(pages: Sequence[Page], first: int, list_name: str) -> Page:
    """Return the first ``first`` items of pages of several models that begin at one cursor, the newest first.

    Each page has at least as many items as that, or all that there are.
    """
    items = [item for page in pages for item in page.items]
    items.sort(key=lambda item: (datetime.fromisoformat(item["created_at"]), item["id"]), reverse=True)
    shown = items[:first]
    cursor = _seal(datetime.fromisoformat(shown[-1]["created_at"]), shown[-1]["id"], list_name) if shown else None
    has_next_page = len(items) > first or any(page.info["has_next_page"] for page in pages)
    return Page(shown, {"end_cursor": cursor, "has_next_page": has_next_page})


def merged(parts: Sequence[QuerySet[M]]) -> QuerySet[M]:
    """Return the rows that are in any of these querysets of one model."""
    if len(parts) == 1:
        return parts[0].model._default_manager.filter(pk__in=parts[0].values("pk"))
    model = parts[0].model
    ids = parts[0].values("pk").union(*(part.values("pk") for part in parts[1:]), all=True)
    return model._default_manager.filter(pk__in=ids)


def _bound(model: type[Model], created_at: datetime, id: str, operator: str) -> _RowComparison:
    bounds = (Value(created_at), Value(id, output_field=model._meta.pk))
    return _RowComparison(operator, F("created_at"), F("id"), *bounds)


def _signer(list_name: str) -> signing.Signer:
    return signing.Signer(salt=f"cursor:{list_name}")


def _seal_cursor(row: Positioned, list_name: str) -> str:
    return _seal(row.created_at, row.id, list_name)


def _seal(created_at: datetime, id: str, list_name: str) -> str:
    position = [int(created_at.timestamp()), created_at.microsecond, id]
    return _signer(list_name).sign_object(position)


def _open_cursor(cursor: str, list_name: str) -> tuple[datetime, str]:
    try:
        seconds, microseconds, id = _signer(list_name).unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        raise _bad_cursor() from None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds), id
