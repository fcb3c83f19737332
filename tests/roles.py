"""Who the tests are to PostgreSQL: the application's role, as everyday's work is, or the owner's to set a scene."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

# None where an existing server is used with one role.
APPLICATION: str | None = settings.DATABASES["default"].get("APPLICATION")


@contextmanager
def serving() -> Iterator[None]:
    """Be the application's role meanwhile, with the connections that are opened as well."""
    become_application(connection=connection)
    connection_created.connect(become_application)
    try:
        yield
    finally:
        connection_created.disconnect(become_application)
        # What is rolled back is reset by it.
        if connection.connection is not None and not connection.in_atomic_block:
            _become_owner()


def become_application(*, connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {APPLICATION}")


def _become_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")


@contextmanager
def by_owner() -> Iterator[None]:
    """Do as the owner what the application must not, within its test."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        is_application = cursor.fetchone() == (APPLICATION,)
    if not is_application:
        yield
        return
    _become_owner()
    try:
        yield
    finally:
        if not connection.needs_rollback:
            become_application(connection=connection)
