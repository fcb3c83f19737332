"""Append-only tables, and the guards that PostgreSQL keeps on them: found by enumeration, so that none is forgotten.

``install_guards`` runs after every ``migrate``. What is tracked, or declares that its rows are protected, is guarded
from then on. These guards ask nobody: unlike django-pgtrigger's own, no setting of a session switches them off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pgtrigger
from django.db import connections, models
from django.db.backends.utils import CursorWrapper
from pghistory.core import event_models
from pghistory.models import Context


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


@dataclass(frozen=True)
class Function:
    """A function of a library's that we replace after every ``migrate``, since its migrations bring theirs back."""

    signature: str
    header: str
    source: str


# Who looked first wins: what a change was recorded under stays. The library's would overwrite it.
ATTACH_CONTEXT = Function(
    "_pgh_attach_context()",
    "_pgh_attach_context() RETURNS pghistory_context.id%TYPE",
    """
DECLARE
    named_id UUID := nullif(current_setting('pghistory.context_id', true), '');
    facts JSONB := nullif(current_setting('pghistory.context_metadata', true), '');
BEGIN
    IF named_id IS NULL OR facts IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO pghistory_context (id, metadata, created_at, updated_at) VALUES (named_id, facts, now(), now())
        ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND AND (SELECT metadata FROM pghistory_context WHERE id = named_id) IS DISTINCT FROM facts THEN
        RAISE EXCEPTION 'Context % is on the trail with other facts.', named_id USING ERRCODE = '23514';
    END IF;
    RETURN named_id;
END
""",
)
# The library lets every session switch its triggers off; ours only those of who owns them, and could drop them.
SHOULD_IGNORE = Function(
    "_pgtrigger_should_ignore(name)",
    "_pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN",
    """
DECLARE
    ignored TEXT := current_setting('pgtrigger.ignore', true);
BEGIN
    IF ignored IS NULL OR ignored = '' THEN
        RETURN false;
    END IF;
    RETURN trigger_name = ANY(ignored::text[]) AND pg_has_role(session_user, (
        SELECT proowner FROM pg_proc WHERE oid = '_pgtrigger_should_ignore(name)'::regprocedure
    ), 'MEMBER');
END
""",
)
FUNCTIONS = (ATTACH_CONTEXT, SHOULD_IGNORE)


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


def install_guards(*, using: str, **_: Any) -> None:
    """Guard every table that lacks it. A guard that was switched off stays so: ``check_ledger`` shall tell of it."""
    with connections[using].cursor() as cursor:
        for guard in GUARDS:
            _replace(cursor, Function(f"{guard.name}()", f"{guard.name}() RETURNS trigger", guard.source))
        for function in FUNCTIONS:
            _replace(cursor, function)
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


def _replace(cursor: CursorWrapper, function: Function) -> None:
    """Write the function unless it is as it should be."""
    cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure(%s)", [function.signature])
    if cursor.fetchone() != (function.source,):
        body = f"LANGUAGE plpgsql AS $guard${function.source}$guard$"
        cursor.execute(f"CREATE OR REPLACE FUNCTION {function.header} {body}")
