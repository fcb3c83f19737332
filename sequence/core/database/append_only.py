"""Append-only tables, and the guards that PostgreSQL keeps on them: found by enumeration, so that none is forgotten.

``install_guards`` runs after every ``migrate``. What is tracked, or declares that its rows are protected, is guarded
from then on. These guards ask nobody: unlike django-pgtrigger's own, no setting of a session switches them off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pgtrigger
from django.db import connections, models
from django.db.backends.utils import CursorWrapper
from pghistory.core import event_models
from pghistory.models import Context

from sequence.core.database.functions import Function, install


@dataclass(frozen=True)
class Guard:
    """A trigger for each statement of some kinds, and the function with which it refuses them."""

    name: str
    operations: str
    refusal: str

    @property
    def source(self) -> str:
        return f"BEGIN RAISE EXCEPTION '{self.refusal}', TG_TABLE_NAME USING ERRCODE = '23514'; END"


APPEND_ONLY = Guard("sequence_append_only", "UPDATE OR DELETE", "Cannot update or delete rows of %: it is append-only.")
NEVER_REMOVED = Guard("sequence_never_removed", "DELETE", "Cannot delete rows of %: they are kept for good.")
NEVER_TRUNCATED = Guard("sequence_never_truncated", "TRUNCATE", "Cannot truncate %: its rows are kept for good.")
GUARDS = (APPEND_ONLY, NEVER_REMOVED, NEVER_TRUNCATED)


def append_only_tables() -> set[str]:
    """Return the tables that are only ever added to: the audit trail, and what protects its rows from every change."""
    trail: list[type[models.Model]] = [Context, *event_models()]
    return {model._meta.db_table for model in [*trail, *_protected_from(pgtrigger.Update, pgtrigger.Delete)]}


def kept_tables() -> set[str]:
    """Return the tables whose rows are never removed, those that are append-only among them."""
    return append_only_tables() | {model._meta.db_table for model in _protected_from(pgtrigger.Delete)}


def _protected_from(*operations: pgtrigger.Operation) -> Iterator[type[models.Model]]:
    """Yield the models whose rows django-pgtrigger protects from each of the operations without a condition."""
    for model, trigger in pgtrigger.registered():
        refused = trigger.operation if isinstance(trigger, pgtrigger.Protect) and trigger.condition is None else None
        if refused is not None and all(operation in refused for operation in operations):
            yield cast(type[models.Model], model)


def needed_guards() -> set[tuple[str, Guard]]:
    """Return each guard with the table that needs it."""
    appended, kept = append_only_tables(), kept_tables()
    refusing = {(table, APPEND_ONLY if table in appended else NEVER_REMOVED) for table in kept}
    return refusing | {(table, NEVER_TRUNCATED) for table in kept}


def install_guards(*, using: str, **_: object) -> None:
    """Guard every table that lacks it. A guard that was switched off stays so: ``check_ledger`` shall tell of it."""
    with connections[using].cursor() as cursor:
        for guard in GUARDS:
            install(cursor, Function(f"{guard.name}()", f"{guard.name}() RETURNS trigger", guard.source))
        for table, guard in sorted(missing_guards(cursor), key=str):
            cursor.execute(
                f'CREATE TRIGGER {guard.name} BEFORE {guard.operations} ON "{table}"'
                f" FOR EACH STATEMENT EXECUTE FUNCTION {guard.name}()"
            )


def missing_guards(cursor: CursorWrapper) -> set[tuple[str, Guard]]:
    """Return the guards that tables lack which are there already: a migration backwards may have taken some away."""
    cursor.execute(
        "SELECT relname, COALESCE(tgname, '') FROM pg_class LEFT JOIN pg_trigger ON tgrelid = pg_class.oid"
        " WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
    )
    found = set(cursor.fetchall())
    tables = {table for table, _ in found}
    return {(table, guard) for table, guard in needed_guards() if table in tables and (table, guard.name) not in found}
