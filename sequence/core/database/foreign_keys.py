"""Composite foreign keys, which Django's models cannot say: a row that crosses organizations cannot be inserted."""

from django.db.migrations import RunSQL


def refers(table: str, columns: tuple[str, ...], target: str, target_columns: tuple[str, ...], name: str) -> RunSQL:
    """Foreign key of a migration: what a row of ``table`` names is a row of ``target`` when the transaction commits."""
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({', '.join(columns)})"
        f" REFERENCES {target} ({', '.join(target_columns)}) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def of_same(owner: str, table: str, column: str, target: str) -> RunSQL:
    """Foreign key of a migration: what ``column`` of ``table`` names belongs to the row's own ``owner``."""
    name = f"{table}_{column}_of_same_{owner}"
    return refers(table, (f"{owner}_id", column), target, (f"{owner}_id", "id"), name)
