"""Telling of changes: the triggers that write an event in the statement that makes a change, whoever makes it.

A model lists what it tells among its triggers. A table whose rows change in batches tells of a whole statement at once,
by a SELECT from its transition tables; the others row by row, and only where a condition holds.
"""

from collections.abc import Mapping
from datetime import datetime

import pgtrigger

from sequence.core.events.models import Event
from sequence.core.typing import JsonObject

# A ULID of the instant ``at``, as a uuid: 48 bits of milliseconds, 80 of chance.
_NEW_ID = (
    "(lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0')"
    " || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid"
)
_WRITE = """
INSERT INTO sequence_event (id, organization_id, event, data, created_at)
SELECT {new_id}, news.organization_id, news.event, news.data, news.at FROM ({news}) AS news;
"""


def record(news: str) -> str:
    """Return the SQL that writes the events that ``news`` selects: ``organization_id``, ``event``, ``data``, ``at``."""
    return _WRITE.format(new_id=_NEW_ID, news=news.strip())


def tells_of_rows(
    name: str,
    event: str,
    *,
    operation: pgtrigger.Operation,
    data: Mapping[str, str],
    at: str,
    condition: str | None = None,
    table: str = "",
) -> pgtrigger.Trigger:
    """Return the trigger that tells of each row which an operation makes or changes, where ``condition`` holds.

    ``data`` and ``at`` are SQL on ``NEW`` and ``OLD``; ``table`` joins what else they need.
    """
    pairs = ", ".join(f"'{field}', {value}" for field, value in data.items())
    source = f"FROM {table}" if table else ""
    news = (
        f"SELECT NEW.organization_id AS organization_id, '{event}' AS event,"
        f" jsonb_build_object({pairs}) AS data, {at} AS at {source}"
    )
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(condition) if condition else None,
        func=f"{record(news)} RETURN NULL;",
    )


def tells_of_statements(name: str, *, operation: pgtrigger.Operation, news: str) -> pgtrigger.Trigger:
    """Return the trigger that tells of all rows of a statement at once.

    ``news`` selects ``organization_id``, ``event``, ``data`` and ``at`` from ``fresh``, and of an UPDATE from ``stale``
    too. It is cheap where nothing is worth telling.
    """
    is_update = operation is pgtrigger.Update
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        level=pgtrigger.Statement,
        referencing=pgtrigger.Referencing(new="fresh", **({"old": "stale"} if is_update else {})),
        func=f"{record(news)} RETURN NULL;",
    )


def tell(event: str, *, organization_id: str, data: JsonObject, at: datetime) -> Event:
    """Write an event that no row of a table tells of, in the caller's transaction. ``data`` is as PostgreSQL's is."""
    return Event.objects.create(organization_id=organization_id, event=event, data=data, created_at=at)
