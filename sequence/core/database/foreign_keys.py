"""Composite foreign keys, which Django's models cannot say: a row that crosses organizations cannot be inserted."""

from django.db.migrations import RunSQL


def refers(
    table: str,
    columns: tuple[str, ...],
    target: str,
    target_columns: tuple[str, ...],
    name: str,
    *,
    from_now_on: bool = False,
) -> RunSQL:
    """Foreign key of a migration: what a row of ``table`` names is a row of ``target`` when the transaction commits.

    ``from_now_on`` leaves the rows that are there to ``validated``, in a migration of its own that locks nobody out.
    """
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({', '.join(columns)})"
        f" REFERENCES {target} ({', '.join(target_columns)}) DEFERRABLE INITIALLY DEFERRED"
        f"{' NOT VALID' if from_now_on else ''}",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def of_same(owner: str, table: str, column: str, target: str, *, from_now_on: bool = False) -> RunSQL:
    """Foreign key of a migration: what ``column`` of ``table`` names belongs to the row's own ``owner``."""
    name = _name(owner, table, column)
    return refers(table, (f"{owner}_id", column), target, (f"{owner}_id", "id"), name, from_now_on=from_now_on)


def validated(owner: str, table: str, column: str) -> RunSQL:
    """Operation of a migration: the foreign key of ``of_same`` holds for the rows that were there before as well."""
    return RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {_name(owner, table, column)}", RunSQL.noop)


def _name(owner: str, table: str, column: str) -> str:
    return f"{table}_{column}_of_same_{owner}"


def given_owner(owner: str, table: str, column: str, target: str) -> RunSQL:
    """Operation of a migration: the rows that are there get the ``owner`` of what ``column`` names.

    The table is written anew, with the new column in it: no row is updated, so append-only tables stay guarded, and
    whoever wants the table waits.
    """
    function = f"pg_temp.owner_of_{table}"
    look_up = f"SELECT {owner}_id FROM {target} WHERE id = $1"  # noqa: S608 - names of our own tables
    return RunSQL(
        [
            f"CREATE FUNCTION {function}(uuid) RETURNS uuid STABLE LANGUAGE sql AS '{look_up}'",
            f"ALTER TABLE {table} ALTER COLUMN {owner}_id TYPE uuid USING {function}({column})",
            f"DROP FUNCTION {function}(uuid)",
        ],
        RunSQL.noop,
    )
