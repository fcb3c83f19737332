"""The tests' database: a copy of a migrated one, emptied row by row after a test that commits.

Migrating takes ten seconds of a processor, a copy a tenth of one. Truncating all tables, and making anew what a
migration leaves behind, takes half a second; deleting the few rows that a test left takes less.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, transaction

from sequence.core.database.grants import grant_to_application
from sequence.local.launch.install import ROOT

# Whatever decides what a migrated database holds: migrations, triggers, permissions, groups. All of the code is read,
# since a key that leaves a module out would let tests pass on yesterday's database.
_CODE = ("sequence", "apikeys", "accounts", "transfers", "cards", "rules")


@contextmanager
def migrated_database(*, keep: bool, beside: str = "") -> Iterator[None]:
    """Point the connection to a new database as a migration leaves it, and drop it at the end unless it is to be kept.

    The template stays for the next run; one that was made from other code goes. ``beside`` makes one beside that of
    all tests, under that name.
    """
    creation = connection.creation
    original = connection.settings_dict["NAME"]
    name = f"{original}_{beside}" if beside else creation._get_test_db_name()
    connection.close()
    with creation._nodb_cursor() as cursor:
        # One process makes the template, the others wait for it; and nobody drops it before they have their copy.
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [_prefix()])
        template = _ensure_template(cursor)
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        # Three times as fast as the other strategy where nothing waits for the disk.
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    _use(name)
    # What is granted on the database itself is no part of a copy.
    grant_to_application(using=DEFAULT_DB_ALIAS)
    yield
    connection.close()
    _use(original)
    if not keep:
        with creation._nodb_cursor() as cursor:
            _drop(cursor, name)


def _drop(cursor: Any, name: str) -> None:
    """Drop the database; a session that a test left open is told of with what it did last, and ended."""
    cursor.execute(
        "SELECT application_name, state, backend_start, query FROM pg_stat_activity WHERE datname = %s", [name]
    )
    for left in cursor.fetchall():
        warnings.warn(f"A test left a session open on {name}: {left}", stacklevel=2)
    cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def _prefix() -> str:
    return f"template_{settings.DATABASES['default']['NAME']}_"


def _ensure_template(cursor: Any) -> str:
    """Return the name of the template that this code makes; make it if it is not there."""
    wanted = _prefix() + _digest_of_the_code()
    cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_prefix()])
    found = {row[0] for row in cursor.fetchall()}
    for stale in found - {wanted}:
        cursor.execute(f'DROP DATABASE "{stale}"')
    if wanted not in found:
        # Under another name until it is whole.
        _migrate(cursor, f"{_prefix()}draft")
        cursor.execute(f'ALTER DATABASE "{_prefix()}draft" RENAME TO "{wanted}"')
    return wanted


def _digest_of_the_code() -> str:
    digest = hashlib.sha256()
    files = [file for package in _CODE for file in sorted((ROOT / package).rglob("*.py"))]
    for file in (ROOT / "uv.lock", ROOT / "tests" / "database.py", *files):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(cursor: Any, name: str) -> None:
    original = connection.settings_dict["NAME"]
    cursor.execute(f'CREATE DATABASE "{name}"')
    _use(name)
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    _use(original)


def _use(name: str) -> None:
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


@contextmanager
def rolled_back(blocker: Any) -> Iterator[None]:
    """Keep what is written inside for the tests of a class or a module, whose own ``db`` is a savepoint then."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


class Broom:
    """Brings the database back to what it held when the broom was made."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            self.tables = sorted(
                table.name for table in connection.introspection.get_table_list(cursor) if table.type == "t"
            )
            self.keys = {
                table: connection.introspection.get_primary_key_columns(cursor, table)[0] for table in self.tables
            }
            self.furniture = {table: self._fingerprint(cursor, table) for table in self._filled(cursor)}

    def sweep(self) -> bool:
        """Delete what tests committed, and say whether all that was here before is still as it was."""
        with transaction.atomic(), connection.cursor() as cursor:
            # No guard fires for a replica; who may say so is a superuser, as the owner of the tests' own server is.
            cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
            if cursor.fetchone() != (True,):
                return False
            cursor.execute("SET LOCAL session_replication_role = replica")
            # Like a truncation, it waits for whoever is still writing.
            cursor.execute(f"LOCK TABLE {', '.join(map(_quoted, self.tables))} IN EXCLUSIVE MODE")
            for table in self._filled(cursor):
                self._delete(cursor, table)
            return all(self._fingerprint(cursor, table) == before for table, before in self.furniture.items())

    def _filled(self, cursor: Any) -> list[str]:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (TABLE {_quoted(table)})" for table in self.tables)
        )
        return [row[0] for row in cursor.fetchall()]

    def _delete(self, cursor: Any, table: str) -> None:
        kept = [key for key, _ in self.furniture.get(table, ())]
        is_new = f"NOT {_quoted(self.keys[table])}::text = ANY(%s)" if kept else "true"
        cursor.execute(f"DELETE FROM {_quoted(table)} WHERE {is_new}", [kept] if kept else None)  # noqa: S608

    def _fingerprint(self, cursor: Any, table: str) -> list[tuple[str, int]]:
        """Return the rows by their key, each with a hash of all that it says."""
        key = _quoted(self.keys[table])
        cursor.execute(f"SELECT {key}::text, hashtext(t::text) FROM {_quoted(table)} t ORDER BY 1")  # noqa: S608
        return cursor.fetchall()


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
