"""Pages by number, and the queries of lists: what is left out has a default, what is unknown is ignored."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework import serializers

from sequence.core.api.fields import BoundedList, beside
from sequence.core.api.pagination import merged
from sequence.core.typing import JsonObject, Rows
from sequence.platform.names import OpenBody, Spelled

DEFAULT_SIZE = 10
MAX_SIZE = 100
# Nobody has as many rows, and PostgreSQL counts no further.
_FARTHEST = 2**62

M = TypeVar("M", bound=Model)


class WholeNumber(serializers.Field):
    """A whole number in a query."""

    default_error_messages = {
        "invalid": "Give a whole number of {least} or more.",
        "max_value": "Give a whole number from {least} to {most}.",
    }

    def __init__(self, *, least: int, most: int | None = None, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: str) -> int:
        # Python refuses to read a number of thousands of digits.
        if not re.fullmatch(r"0*[0-9]{1,400}", data) or int(data) < self.least:
            self.fail("invalid" if self.most is None else "max_value", least=self.least, most=self.most)
        if self.most is not None and int(data) > self.most:
            self.fail("max_value", least=self.least, most=self.most)
        return int(data)

    def json_schema(self) -> JsonObject:
        bounds = {"minimum": self.least, **({} if self.most is None else {"maximum": self.most})}
        return {"type": "integer", **bounds}


class Moment(serializers.Field):
    """Any RFC 3339 time in a query. A plus sign that was not encoded arrives as a space."""

    default_error_messages = {"invalid": "{name} is not a valid date"}

    FORM = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+ -]\d\d:\d\d)", re.ASCII)

    def to_internal_value(self, data: str) -> datetime:
        found = self.FORM.fullmatch(data)
        if found is None:
            self.fail("invalid", name=self.field_name)
        day, minute, second, fraction, offset = found.groups(default="")
        # A leap second is the one before, a second later.
        leap = timedelta(seconds=1) if second == "60" else timedelta(0)
        offset = offset.upper().replace(" ", "+")
        text = f"{day}T{minute}{'59' if leap else second}{fraction[:7]}{offset}"
        try:
            return datetime.fromisoformat(text).astimezone(UTC) + leap
        except (ValueError, OverflowError):
            self.fail("invalid", name=self.field_name)

    def json_schema(self) -> JsonObject:
        return {"type": "string", "format": "date-time"}


class ListQuery(OpenBody):
    """The query of a list that has pages."""

    page = WholeNumber(least=1, default=1, help_text="Which page, from 1.")
    page_size = WholeNumber(least=1, most=MAX_SIZE, default=DEFAULT_SIZE, help_text="How many items a page has.")


class PeriodQuery(ListQuery):
    """The query of a list that a period narrows down."""

    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Moment(required=False, help_text="Created at this time or later.")
    to = Moment(required=False, help_text="Created at this time or earlier.")


def read_query(reader: type[OpenBody], query: QueryDict) -> Any:
    """Return what the query says. Raises ValidationError, for a parameter too that is given twice and is no list.

    Lists come in four spellings: ``x=a&x=b``, ``x[]=a``, ``x[0]=a``, percent-encoded or not.
    """
    given: JsonObject = {}
    twice: dict[str, list[str]] = {}
    for name, field in reader.reader().fields.items():
        if isinstance(field, serializers.ListField):
            values: list[str] = _listed(name, query)
            given |= {name: values} if values else {}
        elif len(query.getlist(name)) > 1:
            twice[name] = ["This parameter is given more than once."]
        elif name in query:
            given[name] = query[name]
    if twice:
        raise beside(twice, lambda: reader.read(given))
    return reader.read(given)


def _listed(name: str, query: QueryDict) -> list[str]:
    spelling = re.compile(rf"{re.escape(name)}(\[[0-9]*\])?")
    return [value for given, values in query.lists() if spelling.fullmatch(given) for value in values]


class ListOf(BoundedList):
    """A list in a query, in any of its spellings."""

    def get_value(self, dictionary: Mapping[str, object]) -> object:
        return dictionary.get(self.field_name or "", serializers.empty)


class Pagination(Spelled):
    """Which page this is, and whether another follows."""

    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    has_next_page = serializers.BooleanField()


@dataclass(frozen=True)
class Listed:
    """A page of rows, and whether more follow."""

    rows: Sequence[Any]
    has_next_page: bool

    def as_json(self, show: Callable[[Any], JsonObject], query: JsonObject) -> JsonObject:
        """Return the ``data`` of the answer, each row shown by itself."""
        numbers = {"page": query["page"], "pageSize": query["page_size"], "hasNextPage": self.has_next_page}
        return {"items": [show(row) for row in self.rows], "pagination": numbers}


def newest_first(rows: QuerySet[M], query: JsonObject) -> Listed:
    """Return the page of the rows that ``query`` asks for, the newest first."""
    return listed_page(rows.order_by("-created_at", "-id"), query)


def oldest_first(rows: QuerySet[M], query: JsonObject) -> Listed:
    """Return the page of the rows that ``query`` asks for, the oldest first."""
    return listed_page(rows.order_by("created_at", "id"), query)


def listed_page(rows: Rows, query: JsonObject) -> Listed:
    """Return a page of rows that have their order."""
    begin, end = bounds(query)
    # One row more than asked for tells whether there is a next page, without a count.
    found = list(rows[begin : end + 1])
    return Listed(found[: query["page_size"]], len(found) > query["page_size"])


def bounds(query: JsonObject) -> tuple[int, int]:
    """Return where the page begins and ends in its list."""
    begin = min((query["page"] - 1) * query["page_size"], _FARTHEST)
    return begin, begin + query["page_size"]


def newest_of(
    lists: Sequence[Sequence[QuerySet[Any]]],
    query: JsonObject,
    *,
    finish: Callable[[Rows], Rows],
) -> Listed:
    """Return a page of several models together, the newest rows first.

    Each model comes as querysets, each of which an index has in this order; a row may be in more than one.
    """
    begin, end = bounds(query)
    order = ("-created_at", "-id")
    found = []
    for parts in lists:
        limited = [part.order_by(*order)[: end + 1] for part in parts]
        rows = merged(limited).order_by(*order)[: end + 1]
        found += [(created_at, id, rows.model) for created_at, id in rows.values_list("created_at", "id")]
    found.sort(key=lambda row: row[:2], reverse=True)
    page = found[begin:end]
    shown = {row.pk: row for parts in lists for row in finish(_chosen(parts[0].model, page))}
    return Listed([shown[id] for _, id, _ in page], len(found) > end)


def _chosen(model: type[Model], page: Sequence[tuple[datetime, str, type[Model]]]) -> Rows:
    return model._default_manager.filter(pk__in=[id for _, id, of in page if of is model])
