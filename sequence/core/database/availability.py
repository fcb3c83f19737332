"""Availability of the database: which errors say that it is away, and connections that the server has closed."""

import select
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

# The server went away, is starting or stopping, has no room on its disk, takes no more connections, or has closed an
# idle one.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = {"53100", "53300", "57P01", "57P02", "57P03", "57P05", "25P03", "25006"}
_CONNECTION_EXCEPTION = "08"
# The server only reads: it was demoted, or waits to be promoted, and another one writes.
_READ_ONLY = "25006"


def is_away(error: BaseException | None) -> bool:
    """Say whether the error means that the database cannot be reached now, rather than that it refused something.

    What libpq reports by itself has no SQLSTATE: nobody answered, or the line broke.
    """
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate in _AWAY or sqlstate.startswith(_CONNECTION_EXCEPTION)


def reason_of(error: BaseException) -> str:
    """Return the first line of the error, for the log. libpq names the host and port there, never a password."""
    return str(error).strip().partition("\n")[0]


def watch_for_read_only(*, connection: Any, **_: object) -> None:
    """Let the connection be given up once its server only reads. The receiver of ``connection_created``.

    A failover that does not cut connections would else leave each process with one that reads and never writes.
    """
    if _give_up_read_only not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _give_up_read_only)  # Whoever adds another takes away the last one.


def _give_up_read_only(
    execute: Callable[..., Any], statement: Any, values: Any, many: bool, context: dict[str, Any]
) -> object:
    """Execute. A server that only reads raises OperationalError, as one that is away; to Django it is a defect."""
    try:
        return execute(statement, values, many, context)
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _READ_ONLY:
            raise
        context["connection"].close_at = 0.0  # Long ago: Django closes it when this request ends, a worker at once.
        raise OperationalError(*error.args) from error.__cause__


def replace_dead_connection(**_: object) -> None:
    """Close this thread's connection if the server has closed its end: the next query then opens another one.

    The receiver of ``request_started``. After a restart of the server, the first request of every process would break
    on a connection that nobody knows to be dead. Looking at the socket costs microseconds and no round trip: on an
    idle connection something to read is its end, or a notice.
    """
    close_if_dead(connection)


def close_if_dead(wrapper: BaseDatabaseWrapper) -> None:
    """Close the connection if the server has closed its end."""
    raw = wrapper.connection
    if raw is not None and not wrapper.in_atomic_block and (raw.closed or _has_hung_up(raw)):
        wrapper.close()


def _has_hung_up(raw: psycopg.Connection) -> bool:
    watched = select.poll()
    watched.register(raw.fileno(), select.POLLIN)
    try:
        while watched.poll(0):
            raw.pgconn.consume_input()  # Its last words come before its end.
    except psycopg.OperationalError:
        return True
    return False
