"""Database roles: an owner that migrates, and the application's, which owns nothing and rewrites nothing.

A guard that its subject can switch off is none. The application's role is that of ``DATABASE_URL``; the owner's is that
of ``DATABASE_OWNER_URL``, which only ``migrate`` uses. Where no owner is named, one role does both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from sequence.core.typing import JsonObject

WHAT_TO_DO = (
    "Name a role that owns nothing in DATABASE_URL, and the owner in DATABASE_OWNER_URL, which migrate alone needs; "
    'then run migrate. docs/deploying.md tells how ("Two roles").'
)

_meant: list[None] = []


class OwnerRefused(ImproperlyConfigured):
    """A connection of a production server whose role could rewrite the ledger or its trail."""


@contextmanager
def owner_is_meant() -> Iterator[None]:
    """Let connections be opened meanwhile whatever their role may do."""
    _meant.append(None)
    try:
        yield
    finally:
        _meant.pop()


def is_owner_meant() -> bool:
    """Say whether connections may be opened now whatever their role may do."""
    return bool(_meant)


@contextmanager
def as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connect as the owner of the tables meanwhile, where one is named. Not within a transaction."""
    owner: JsonObject = connection.settings_dict.get("OWNER") or {}
    mine = {name: connection.settings_dict[name] for name in owner}
    with owner_is_meant():
        if mine == owner:
            yield
            return
        connection.close()
        connection.settings_dict.update(owner)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(mine)


def refuse_owner_at_start() -> None:
    """Let a program of a production server end at once where its role is the owner's, rather than at its first query.

    Raises OwnerRefused. A database that cannot be reached is for later: the role is looked at with every connection.
    """
    try:
        connections[DEFAULT_DB_ALIAS].ensure_connection()
    except OperationalError:
        return
