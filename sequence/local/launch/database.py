"""Sees that there is a database before anything is started on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from sequence.core.database.roles import as_owner
from sequence.local.launch.problem import LaunchProblem
from sequence.local.postgres.base import DatabaseWrapper as EmbeddedDatabaseWrapper
from sequence.local.postgres.cluster import Cluster
from sequence.local.postgres.errors import in_one_line

# A server that is off is noticed at once, one behind a silent firewall only by waiting.
CONNECT_SECONDS = 10

OLDEST_VERSION = 15


@contextmanager
def running(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep the database of ``connection`` ready: the embedded one, or the existing one that DATABASE_URL names.

    Raises LaunchProblem or StartupProblem.
    """
    if isinstance(connection, EmbeddedDatabaseWrapper):
        with running_cluster(connection.cluster):
            connection.ensure_connection()
            connection.close()
            yield
    else:
        with as_owner(connection):
            parameters = connection.get_connection_params()
        ensure_external_database(parameters)
        yield


@contextmanager
def running_cluster(cluster: Cluster) -> Iterator[None]:
    """Keep the embedded server running, and stop it at the end if it did not run before. Raises StartupProblem."""
    ran_before = cluster.is_answering()
    try:
        cluster.ensure_running()
        yield
    finally:
        if not ran_before:
            cluster.stop()


def ensure_external_database(parameters: dict[str, Any]) -> None:
    """Return once the database can be used; create it if it is missing and the role may. Raises LaunchProblem."""
    parameters = {**parameters, "connect_timeout": CONNECT_SECONDS}
    try:
        database = psycopg.connect(**parameters)
    except psycopg.OperationalError as error:
        _create_if_missing(parameters, error)
        database = psycopg.connect(**parameters)
    with database:
        _check_usable(database)


def _create_if_missing(parameters: dict[str, Any], failure: psycopg.OperationalError) -> None:
    """Create the database if that was why the connection failed; the driver gives no code to tell by."""
    unreachable = LaunchProblem(f"DATABASE_URL cannot be reached: {in_one_line(failure)}")
    try:
        server = psycopg.connect(**{**parameters, "dbname": "postgres"}, autocommit=True)
    except psycopg.OperationalError:
        raise unreachable from failure
    name = parameters["dbname"]
    with server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise unreachable from failure
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            role = server.info.user
            raise LaunchProblem(
                f"The database {name} does not exist, and the role {role} may not create it: "
                f"ask whoever runs the server for CREATE DATABASE {name} OWNER {role}."
            ) from error
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # Another start was faster.


def _check_usable(database: psycopg.Connection) -> None:
    if database.info.server_version < OLDEST_VERSION * 10_000:
        raise LaunchProblem(f"DATABASE_URL names a PostgreSQL that is older than {OLDEST_VERSION}.")
    # A role that only uses finished tables need not be allowed to make any.
    question = """
        SELECT to_regclass('django_migrations') IS NOT NULL
            OR coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
    """
    if database.execute(question).fetchone() != (True,):
        name, role = database.info.dbname, database.info.user
        raise LaunchProblem(
            f"The role {role} may not create tables in the database {name}: "
            f"ask whoever runs the server for ALTER DATABASE {name} OWNER TO {role}."
        )
