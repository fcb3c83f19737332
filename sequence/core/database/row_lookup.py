"""Look-up of a model's rows by a statement that is written once, where every request pays for it.

The ORM composes the same text anew each time, which costs several times the statement. What is returned are instances
as the ORM makes them, so that nobody else can tell the difference.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model
from django.db.models.base import ModelState

from sequence.core.database.kept_cursor import fetch

M = TypeVar("M", bound=Model)


class RowLookup(Generic[M]):
    """The rows of ``model`` that fulfil ``where``: a condition in SQL and what follows it, ``%s`` a value."""

    def __init__(self, model: type[M], where: str) -> None:
        self.model = model
        self._where = where

    def find(self, *values: object) -> list[M]:
        """Return the rows in no order. Ids are given as they are stored, as uuids."""
        return [self._instance(row) for row in fetch(self._statement, values)]

    @cached_property
    def _statement(self) -> str:
        meta = self.model._meta
        columns = ", ".join(f'"{field.column}"' for field in meta.concrete_fields)
        return f'SELECT {columns} FROM "{meta.db_table}" WHERE {self._where}'  # noqa: S608 - names of ours

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def _converters(self) -> list[tuple[str, Callable[[object, None, object], object]]]:
        targets = [(field.attname, getattr(field, "target_field", field)) for field in self.model._meta.concrete_fields]
        return [(name, field.from_db_value) for name, field in targets if hasattr(field, "from_db_value")]

    def _instance(self, row: Sequence[object]) -> M:
        """Return what ``Model.from_db`` makes of the row, without asking each field and receiver about each value."""
        instance = self.model.__new__(self.model)
        values = instance.__dict__
        state = values["_state"] = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        values.update(zip(self._names, row, strict=True))
        for name, convert in self._converters:
            values[name] = convert(values[name], None, connection)
        return instance
