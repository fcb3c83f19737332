"""Rows that belong to an organization, and foreign keys between them: their statements name the organization as well.

An id alone finds the row, on one machine. Where organizations are spread over many, a statement that names none is sent
to each of them: docs/scaling.md. Composite foreign keys see to it that what is named here is so.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models.sql.compiler import SQLCompiler

from sequence.core.typing import JsonObject, Rows

COLUMN = "organization_id"

Found = TypeVar("Found", bound=Rows)

if TYPE_CHECKING:
    from django.db.models.fields.related import ForeignKey as _ForeignKey
else:
    _ForeignKey = models.ForeignKey


class _OfSame:
    """That two rows are of the same organization, in SQL: as expressions of Django's it cost a list a third more."""

    def __init__(self, *aliases: str) -> None:
        self._aliases = aliases

    def as_sql(self, compiler: SQLCompiler, connection: object) -> tuple[str, list[object]]:
        owners = [f"{compiler.quote_name_unless_alias(alias)}.{COLUMN}" for alias in self._aliases]
        return " = ".join(owners), []


class OwnForeignKey(_ForeignKey):
    """A foreign key to a row of the same organization: whoever joins or follows it says so. To migrations it is any."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], JsonObject]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs

    def get_extra_restriction(self, alias: str, related_alias: str) -> "_OfSame":  # type: ignore[override]
        """Return what a join says besides. ``alias`` is of the row that is pointed to. Django's hook."""
        return _OfSame(alias, related_alias)

    def get_extra_descriptor_filter(self, instance: models.Model) -> JsonObject:
        """Return what following it from a row says besides. Django's hook."""
        return {COLUMN: instance.__dict__[COLUMN]} if COLUMN in instance.__dict__ else {}


class OwnedModel(models.Model):
    """A row with an ``organization``, which the statement that changes it names."""

    class Meta:
        abstract = True

    def _do_update(self, base_qs: Rows, *rest: Any, **named: Any) -> Any:
        """Change the row by ``save``. Django's own."""
        owner = self.__dict__.get(COLUMN)
        mine = base_qs if owner is None else base_qs.filter(organization_id=owner)
        return super()._do_update(mine, *rest, **named)


def within(rows: Found, organization_ids: Iterable[str], column: str = COLUMN) -> Found:
    """Return the rows, which are of these organizations: a statement of one organization, as a request's is, names it.

    A worker's batch may be of several, and names none.
    """
    owners = set(organization_ids)
    return rows.filter(**{column: owners.pop()}) if len(owners) == 1 else rows
