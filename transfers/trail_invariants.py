"""Trail invariants: nobody wrote past the guards of trail and transfers, as far as rows can tell.

What they cannot tell is in docs/deploying.md ("What check_ledger proves").
"""

from collections.abc import Iterator
from typing import Any

import pghistory
import pgtrigger
from django.db import models
from pghistory.core import event_models

from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.append_only import kept_tables, needed_guards
from transfers.ledger_invariants import Check

# Its migration gave rows and events values of their own.
_NEVER_COMPARED = {"spend_id"}

OF_TRANSFERS = (
    Check(
        "transfers_are_what_was_decided_about",
        "txr",
        "its {0} is not what the trail's decision {1} was about",
        """
        SELECT transfer.id, concat_ws(', ',
                   CASE WHEN event.amount_cents <> transfer.amount_cents THEN 'amount' END,
                   CASE WHEN event.organization_id <> transfer.organization_id THEN 'organization' END,
                   CASE WHEN event.source_id IS DISTINCT FROM transfer.source_id THEN 'source' END,
                   CASE WHEN event.destination_id IS DISTINCT FROM transfer.destination_id THEN 'destination' END),
               event.pgh_id
        FROM transfers_transfer transfer JOIN transfers_transferdecision event ON event.pgh_obj_id = transfer.id
        WHERE event.amount_cents IS NOT NULL
          AND (event.amount_cents, event.organization_id, event.source_id, event.destination_id) IS DISTINCT FROM
              (transfer.amount_cents, transfer.organization_id, transfer.source_id, transfer.destination_id)
        """,
    ),
    Check(
        "decisions_are_on_the_trail",
        "txr",
        "it is {0}, decided by {1}, cancelled by {2} for {3}, taken by {4}, but the last decision on the trail is {5}",
        """
        SELECT transfer.id, transfer.status, transfer.decided_by, transfer.cancelled_by, transfer.cancel_reason,
               transfer.failure_taken_by,
               CASE WHEN event.pgh_id IS NULL THEN 'missing' ELSE 'another' END
        FROM transfers_transfer transfer LEFT JOIN (
            SELECT DISTINCT ON (pgh_obj_id) * FROM transfers_transferdecision ORDER BY pgh_obj_id, pgh_id DESC
        ) event ON event.pgh_obj_id = transfer.id
        WHERE (transfer.decided_by, transfer.cancelled_by, transfer.cancel_reason, transfer.decision_note,
               transfer.failure_taken_by, transfer.failure_note)
              IS DISTINCT FROM (event.decided_by, event.cancelled_by, event.cancel_reason, event.decision_note,
                                event.failure_taken_by, event.failure_note)
           OR (transfer.status = 'cancelled') <> (COALESCE(event.status, '') = 'cancelled')
        """,
    ),
    Check(
        "decisions_are_about_transfers",
        "txr",
        "the trail has the decision {0} about it, but there is no such transfer",
        """
        SELECT pgh_obj_id, pgh_id FROM transfers_transferdecision
        WHERE NOT EXISTS (SELECT FROM transfers_transfer transfer WHERE transfer.id = pgh_obj_id)
        """,
    ),
    Check(
        "postings_go_the_transfers_way",
        "txr",
        "a {0} of it moves {1} cents on its source and {2} on its destination",
        """
        SELECT transfer.id, entry_set.kind,
               COALESCE(SUM(posting.amount_cents) FILTER (WHERE posting.account_id = transfer.source_id), 0) AS source,
               COALESCE(SUM(posting.amount_cents) FILTER (WHERE posting.account_id = transfer.destination_id), 0)
        FROM transfers_transfer transfer
        JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id
        JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
        GROUP BY transfer.id, entry_set.id, transfer.organization_id, entry_set.organization_id
        HAVING bool_or(posting.account_id = transfer.source_id
                       AND sign(posting.amount_cents) <> CASE entry_set.kind WHEN 'reversal' THEN 1 ELSE -1 END)
            OR bool_or(posting.account_id = transfer.destination_id
                       AND sign(posting.amount_cents) <> CASE entry_set.kind WHEN 'reversal' THEN -1 ELSE 1 END)
        """,
    ),
    Check(
        "transfers_and_postings_are_of_one_organization",
        "txr",
        "the entry set {0} of it, or a posting or account of that, belongs to another organization",
        """
        SELECT DISTINCT transfer.id, entry_set.id
        FROM transfers_transfer transfer
        JOIN transfers_entryset entry_set ON entry_set.transfer_id = transfer.id
        JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
        LEFT JOIN accounts_account account ON account.id = posting.account_id
        WHERE transfer.organization_id <> entry_set.organization_id
           OR transfer.organization_id <> posting.organization_id
           OR transfer.organization_id <> account.organization_id
        """,
    ),
)


def trail_checks() -> list[Check]:
    """Return the checks of what stands on the trail and of the guards: found by enumeration, once models are loaded."""
    events = sorted(event_models(), key=lambda model: model._meta.db_table)
    rows = [_rows_are_as_last_told(model) for model in events if _tells_every_change(model)]
    return [*OF_TRANSFERS, *rows, _events_have_their_context(events), _guards_are_on()]


def _tells_every_change(events: Any) -> bool:
    """Say whether the last event about a row is the row: decisions are told of some transfers, with what is decided."""
    kinds = {type(tracker) for tracker in events.pgh_trackers}
    is_whole = pghistory.InsertEvent in kinds and hasattr(events, "pgh_obj_id")
    return is_whole and events._meta.label != "transfers.TransferDecision"


def _rows_are_as_last_told(events: Any) -> Check:
    """Return the check that each row is what the last event about it says: it, or the event, was touched otherwise."""
    tracked = events.pgh_tracked_model._meta.concrete_model
    columns = _compared(events, tracked)
    differing = ", ".join(f"CASE WHEN row.{c} IS DISTINCT FROM event.{c} THEN '{c}' END" for c in columns)
    deletions = [str(tracker.label) for tracker in events.pgh_trackers if type(tracker) is pghistory.DeleteEvent]
    is_deleted = f"event.pgh_label = ANY('{{{','.join(deletions)}}}')"
    key = tracked._meta.pk
    return Check(
        f"{tracked._meta.db_table}_is_as_last_told",
        key.prefix if isinstance(key, PrefixedIdField) else f"{tracked._meta.verbose_name} number",
        "{0}",
        f"""
        SELECT event.pgh_obj_id,
               CASE WHEN row.{key.column} IS NULL THEN 'it is gone, and the trail has no deletion of it'
                    WHEN {is_deleted} THEN 'it is there, but the trail has deleted it'
                    ELSE 'it is not as event ' || pgh_id || ' of the trail has it: ' || concat_ws(', ', {differing})
               END
        FROM (
            SELECT DISTINCT ON (pgh_obj_id) * FROM {events._meta.db_table} ORDER BY pgh_obj_id, pgh_id DESC
        ) event LEFT JOIN {tracked._meta.db_table} row ON row.{key.column} = event.pgh_obj_id
        WHERE (row.{key.column} IS NULL) <> ({is_deleted})
           OR row.{key.column} IS NOT NULL AND concat_ws(', ', {differing}) <> ''
        """,  # noqa: S608 - names of our own tables and columns
    )


def _compared(events: type[models.Model], tracked: type[models.Model]) -> list[str]:
    mine = {field.column for field in tracked._meta.concrete_fields} - _NEVER_COMPARED
    return [str(field.column) for field in events._meta.concrete_fields if field.column in mine]


def _events_have_their_context(events: list[type[models.Model]]) -> Check:
    """Return the check that each event's context is there, and of the same transaction, which has one instant."""
    parts = [
        f"""
        SELECT '{model._meta.db_table} ' || pgh_id AS event,
               CASE WHEN context.id IS NULL THEN 'gone' ELSE 'of another transaction' END AS what
        FROM {model._meta.db_table} LEFT JOIN pghistory_context context ON context.id = pgh_context_id
        WHERE pgh_context_id IS NOT NULL AND context.created_at IS DISTINCT FROM pgh_created_at
        """  # noqa: S608 - names of our own tables
        for model in events
    ]
    return Check(
        "events_have_their_context",
        "event of",
        "the context with who and why is {0}",
        f"SELECT event, what FROM ({' UNION ALL '.join(parts)}) event",  # noqa: S608 - as above
    )


def _guards_are_on() -> Check:
    """Return the check that every trigger is there and on: who switched one off may have written meanwhile."""
    expected = ", ".join(f"('{table}', '{trigger}')" for table, trigger in sorted(_triggers()))
    kept = ", ".join(f"'{table}'" for table in sorted(kept_tables()))
    return Check(
        "guards_are_on",
        "the table",
        "its trigger {0} is {1}",
        f"""
        SELECT relname, trigger, what FROM (
            SELECT name AS relname, trigger, 'missing' AS what FROM (VALUES {expected}) expected (name, trigger)
            WHERE NOT EXISTS (
                SELECT FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
                WHERE relname = name AND tgname = trigger AND relnamespace = current_schema()::regnamespace
            )
            UNION ALL
            SELECT relname, tgname, 'switched off' FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE tgenabled NOT IN ('O', 'A') AND relnamespace = current_schema()::regnamespace
              AND ((relname, tgname) IN (VALUES {expected}) OR relname IN ({kept}))
        ) fault
        """,  # noqa: S608 - names of our own tables and triggers
    )


def _triggers() -> Iterator[tuple[str, str]]:
    """Yield the table and name of every trigger that models and guards want."""
    for model, trigger in pgtrigger.registered():
        yield model._meta.db_table, trigger.get_pgid(model)
    for table, guard in needed_guards():
        yield table, guard.name
