"""Audit context: django-pghistory's triggers keep what changed, and read who did it from the transaction.

The two settings below are those that pghistory's own context manager sets. It would prefix them to every statement;
set once for a transaction they cost one round trip, or none where a statement carries them along.
"""

import json
import uuid
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from sequence.core.transactions import run_in_transaction
from sequence.core.wakeup import wake_workers

T = TypeVar("T")

# What somebody says about a decision or a stop: a sentence or two.
MAX_NOTE_LENGTH = 200

# A fragment for statements that carry the context along. Parameters: context_parameters().
SET_CONTEXT = "set_config('pghistory.context_id', %s, true), set_config('pghistory.context_metadata', %s, true)"


def context_parameters(*, actor: str, request_id: str | None = None, reason: str | None = None) -> list[str]:
    """Return the parameters of ``SET_CONTEXT``.

    ``actor`` is ``key:<id>``, ``staff:<user name>``, ``command:<name>`` or ``worker``.
    """
    facts = {"actor": actor, "request_id": request_id, "reason": reason}
    known = {name: value for name, value in facts.items() if value}
    return [str(uuid.uuid4()), json.dumps(known)]


def set_context(*, actor: str, request_id: str | None = None, reason: str | None = None) -> None:
    """Record what the current transaction changes from here on under ``actor``, with the reason that was given."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SET_CONTEXT}", context_parameters(actor=actor, request_id=request_id, reason=reason))


def run_audited(work: Callable[[], T], *, actor: str, request_id: str | None = None, reason: str | None = None) -> T:
    """Return ``work()``, done in one transaction whose changes are recorded under ``actor``.

    Workers are woken by its commit: they number what it tells of.
    """

    def audited() -> T:
        set_context(actor=actor, request_id=request_id, reason=reason)
        wake_workers()
        return work()

    return run_in_transaction(audited)


def record_events(objects: Collection[Model], *, label: str) -> None:
    """Put an event of each object on the audit trail, one that their model declares as a ``ManualEvent``.

    This is what pghistory's ``create_event`` does, which sends the context as a piece of SQL among the parameters: a
    statement whose parameters the server binds cannot hold one.
    """
    if not objects:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT _pgh_attach_context()")
        [context_id] = cursor.fetchone()
    event_model: Any = next(iter(objects)).pgh_event_model  # type: ignore[attr-defined]
    copied = [field.attname for field in event_model._meta.concrete_fields if not field.name.startswith("pgh_")]
    event_model.objects.bulk_create(
        event_model(
            pgh_label=label,
            pgh_obj_id=obj.pk,
            pgh_context_id=context_id,
            **{name: getattr(obj, name) for name in copied},
        )
        for obj in objects
    )
