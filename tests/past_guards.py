"""Tampering for tests: what only somebody who owns the tables could do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pgtrigger
from django.db import connection, transaction

from tests.roles import by_owner


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    """Let statements on the tables past every trigger, ours and the library's."""
    with by_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def past_guard(uri: str) -> Iterator[None]:
    """Ignore the trigger ``app.Model:name`` in the transaction inside.

    pgtrigger's own ``ignore`` sends its setting in front of every statement, and two at once cannot be prepared.
    """
    [(model, trigger)] = pgtrigger.registered(uri)
    with by_owner(), transaction.atomic():
        _ignore(f"{{{trigger.get_pgid(model)}}}")
        yield
        is_inside = len(connection.savepoint_ids) > 0
        if is_inside:  # A transaction's own end forgets the setting, after its deferred triggers.
            _ignore("{}")


def _ignore(names: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [names])
