"""Look-up of a model's rows by a statement that is written once, where every request pays for it.

The ORM composes the same text anew each time, which costs several times the statement. What is returned are instances
as the ORM makes them, so that nobody else can tell the difference.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


class RowLookup(Generic[M]):
    """The rows of ``model`` that fulfil ``where``: a condition in SQL and what follows it, ``%s`` a value."""

    def __init__(self, model: type[M], where: str) -> None:
        self.model = model
        self._where = where

    def find(self, *values: Any) -> list[M]:
        """Return the rows in no order. Ids are given as they are stored, as uuids."""
        with connection.cursor() as cursor:
            cursor.execute(self._statement, values)
            rows = cursor.fetchall()
        return [self._instance(row) for row in rows]

    @cached_property
    def _statement(self) -> str:
        meta = self.model._meta
        columns = ", ".join(f'"{field.column}"' for field in meta.concrete_fields)
        return f'SELECT {columns} FROM "{meta.db_table}" WHERE {self._where}'  # noqa: S608 - names of ours

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def _converters(self) -> list[tuple[int, Any]]:
        fields: Sequence[Any] = self.model._meta.concrete_fields
        targets = [getattr(field, "target_field", field) if field.is_relation else field for field in fields]
        return [(at, field.from_db_value) for at, field in enumerate(targets) if hasattr(field, "from_db_value")]

    def _instance(self, row: Sequence[Any]) -> M:
        values = list(row)
        for at, convert in self._converters:
            values[at] = convert(values[at], None, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, self._names, values)
