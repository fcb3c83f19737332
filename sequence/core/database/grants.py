"""Grants of the application's role, made after every ``migrate`` by enumeration, and what it must not have."""

from collections.abc import Iterator

from django.core.management import CommandError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from sequence.core.database.append_only import append_only_tables, kept_tables
from sequence.core.database.roles import WHAT_TO_DO, OwnerRefused, is_owner_meant

# What migrations have done is for the application to read.
READ_ONLY = {"django_migrations"}


def grant_to_application(*, using: str, **_: object) -> None:
    """Give the application's role what it needs on every table, and take away what is more. The owner does it.

    Found by enumeration, and changed only where it is not so yet. Raises CommandError if there is no such role.
    """
    connection = connections[using]
    role = connection.settings_dict.get("APPLICATION")
    if not role:
        return
    with connection.cursor() as cursor:
        _see_that_it_exists(connection, cursor, role)
        for grant in _missing_grants(cursor, role):
            cursor.execute(grant.as_string(cursor.cursor))


def _see_that_it_exists(connection: BaseDatabaseWrapper, cursor: CursorWrapper, role: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone():
        return
    cluster = getattr(connection, "cluster", None)
    if cluster is None:
        raise CommandError(
            f"The role {role} of DATABASE_URL does not exist: ask whoever runs the server for "
            f"CREATE ROLE {role} LOGIN PASSWORD '…', then run migrate again."
        )
    cluster.ensure_application_role()


def _missing_grants(cursor: CursorWrapper, role: str) -> Iterator[sql.Composed]:
    name = sql.Identifier(role)
    cursor.execute(
        """
        SELECT relname, relkind, array_remove(array_agg(privilege_type ORDER BY privilege_type), NULL)
        FROM pg_class
        LEFT JOIN LATERAL aclexplode(relacl) acl ON acl.grantee IN (0, (SELECT oid FROM pg_roles WHERE rolname = %s))
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
        GROUP BY relname, relkind ORDER BY relname
        """,
        [role],
    )
    for relation, kind, held in cursor.fetchall():
        needed = ["SELECT", "USAGE"] if kind == "S" else _privileges_on(relation)
        if held != needed:
            what = sql.SQL("SEQUENCE" if kind == "S" else "TABLE")
            relation = sql.Identifier(relation)
            yield sql.SQL("REVOKE ALL ON {} {} FROM PUBLIC, {}").format(what, relation, name)
            privileges = sql.SQL(", ".join(needed))
            yield sql.SQL("GRANT {} ON {} {} TO {}").format(privileges, what, relation, name)
    yield from _closed_doors(cursor, role)


def _privileges_on(table: str) -> list[str]:
    """Return what the application needs to do with the rows of a table, in the order of the alphabet."""
    if table in READ_ONLY:
        return ["SELECT"]
    if table in append_only_tables():
        return ["INSERT", "SELECT"]
    return ["INSERT", "SELECT", "UPDATE"] if table in kept_tables() else ["DELETE", "INSERT", "SELECT", "UPDATE"]


def _closed_doors(cursor: CursorWrapper, role: str) -> Iterator[sql.Composed]:
    """Yield what keeps everybody else from making functions and tables of their own.

    A temporary table may have triggers, and within a trigger the balances' guard takes a change for the ledger's own.
    """
    cursor.execute(
        """
        SELECT current_database(), current_schema(),
               EXISTS (SELECT FROM pg_database, aclexplode(COALESCE(datacl, acldefault('d', datdba))) acl
                       WHERE datname = current_database() AND acl.grantee = 0 AND privilege_type = 'TEMPORARY'),
               EXISTS (SELECT FROM pg_namespace, aclexplode(COALESCE(nspacl, acldefault('n', nspowner))) acl
                       WHERE nspname = current_schema() AND acl.grantee = 0 AND privilege_type = 'CREATE')
        """
    )
    database, schema, may_make_temporary, may_create = cursor.fetchone()
    if may_make_temporary:
        yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
    if may_create:
        yield sql.SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC").format(sql.Identifier(schema))
    cursor.execute("SELECT has_schema_privilege(%s, %s, 'USAGE')", [role, schema])
    if cursor.fetchone() != (True,):
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(role))


def faults_of_role(cursor: CursorWrapper) -> list[str]:
    """Return in words what the connection's role could do to ledger, trail or their guards; nothing if it is fit."""
    cursor.execute(
        """
        SELECT current_user, rolsuper, rolcreaterole, rolreplication,
               pg_has_role(datdba, 'MEMBER'),
               EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                       AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER')),
               has_schema_privilege(current_schema(), 'CREATE'),
               has_database_privilege(current_database(), 'TEMPORARY')
        FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
        """
    )
    role, *powers = cursor.fetchone()
    if powers[0]:
        return [f"The role {role} is a superuser: no guard of the database binds it."]
    may = [
        "makes roles",
        "replicates",
        "owns the database",
        "owns tables, and could switch their guards off",
        "may create tables and functions",
        "may make temporary tables, whose triggers the guard of the balances would take for the ledger's",
    ]
    faults = [f"The role {role} {what}." for what, can in zip(may, powers[1:], strict=True) if can]
    cursor.execute(
        """
        SELECT relname, string_agg(privilege, ', ' ORDER BY privilege)
        FROM pg_class, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
        WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
          AND has_table_privilege(pg_class.oid, privilege)
          AND NOT (privilege = 'UPDATE' AND relname <> ALL(%s))
        GROUP BY relname ORDER BY relname
        """,
        [sorted(kept_tables()), sorted(append_only_tables())],
    )
    return [*faults, *(f"The role {role} has {privileges} on {table}." for table, privileges in cursor.fetchall())]


def refuse_powerful_role(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Close a connection of a production server whose role is the owner's. Raises OwnerRefused."""
    if is_owner_meant():
        return
    with connection.cursor() as cursor:
        faults = faults_of_role(cursor)
    if faults:
        connection.close()
        raise OwnerRefused(f"PRODUCTION is set. {faults[0]} {WHAT_TO_DO}")
