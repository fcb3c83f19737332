"""History of some accounts as a stream of events, in the order of the ledger, read from a snapshot of the database.

Movements are ordered by the instant at which they were posted, then by their number in the ledger. A real run stands
where it decided: before what it moved at once, or else before what the runs after it did.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any

from rules.engine.vocabulary import TriggerType
from rules.models import MOVED, ExecutionStatus
from rules.schedules import next_slot
from sequence.core.api.ids import parse_id, show_id
from sequence.replays.events import (
    LAST,
    LAST_TURN,
    Departure,
    Event,
    Movement,
    MovementKind,
    Payment,
    RealRun,
    Slot,
    Turn,
)
from sequence.replays.question import Question
from sequence.replays.snapshot import Row, Snapshot
from transfers.models import Status

# What a replay reads at most.
MAX_EVENTS = 50_000

# Entries of the ledger after ``since`` that touch the accounts: those of the ledger by its postings, the others by the
# transfers from and to them. What each account of the ledger gained stands beside: joined to it later, it would be
# looked through for each entry, since nothing indexes it.
_ENTRIES = """
    WITH entry AS (
        SELECT id, array_agg(account_id) FILTER (WHERE cents IS NOT NULL) AS accounts,
            array_agg(cents) FILTER (WHERE cents IS NOT NULL) AS cents
        FROM (
            SELECT entry_set_id AS id, account_id, amount_cents AS cents FROM transfers_posting
            WHERE account_id = ANY(%(ledger)s::uuid[]) AND posted_at > %(since)s AND posted_at <= %(until)s
            UNION ALL
            SELECT outside.id, NULL, NULL FROM transfers_transfer transfer
            JOIN transfers_entryset outside ON outside.transfer_id = transfer.id
            WHERE (transfer.source_id = ANY(%(outside)s::uuid[]) OR transfer.destination_id = ANY(%(outside)s::uuid[]))
                AND outside.posted_at > %(since)s AND outside.posted_at <= %(until)s
        ) touched
        GROUP BY id
    )
"""
_COUNT = f"{_ENTRIES} SELECT count(*) FROM (SELECT FROM entry LIMIT %(most)s) AS counted"  # noqa: S608 - of our own constants
_MOVEMENTS = f"""
    {_ENTRIES}
    SELECT entry.id, entry_set.posted_at, entry_set.kind, entry.accounts, entry.cents,
        transfer.id, transfer.source_id, transfer.destination_id, transfer.amount_cents,
        transfer.rule_id, transfer.created_at > %(since)s,
        transfer.accepted_at < transfer.completed_at, run.id IS NOT NULL,
        card.id, card.purchase_id, card.amount_cents
    FROM entry
    JOIN transfers_entryset entry_set ON entry_set.id = entry.id
    LEFT JOIN transfers_transfer transfer ON transfer.id = entry_set.transfer_id
    LEFT JOIN rules_ruleexecution run ON run.trigger_transfer_id = transfer.id AND run.rule_id = %(rule)s
    LEFT JOIN cards_cardtransaction card ON card.entry_set_id = entry.id
    ORDER BY entry_set.posted_at, entry.id
"""  # noqa: S608 - of our own constants
# Workers carry runs out together, one after the other, at one instant, in the order in which they were started. What
# moved nothing at once came before the first entry of those after it.
_FOLLOWED = """
    SELECT min(entry.id) AS first_entry FROM transfers_entryset entry
    JOIN transfers_transfer paid ON paid.id = entry.transfer_id
    JOIN rules_ruleexecution later ON later.id = paid.rule_execution_id
    WHERE entry.posted_at = run.decided_at AND entry.kind = 'settlement' AND later.decided_at = run.decided_at
        AND (later.created_at, later.id) > (run.created_at, run.id)
"""
# Payments of others that a rail took its time for. What failed with its rail moved nothing, and is passed by. Workers
# accept what is due before they carry runs out.
_DEPARTURES = f"""
    SELECT transfer.id, transfer.accepted_at, transfer.source_id, transfer.destination_id, transfer.amount_cents,
        CASE WHEN run.id IS NULL THEN 0 ELSE coalesce(followed.first_entry, %(last)s) END AS place,
        run.created_at, run.id
    FROM transfers_transfer transfer
    LEFT JOIN rules_ruleexecution run ON run.id = transfer.rule_execution_id AND run.decided_at = transfer.accepted_at
    LEFT JOIN LATERAL ({_FOLLOWED}) followed ON run.id IS NOT NULL
    WHERE transfer.organization_id = %(organization)s AND transfer.direction IN ('money_in', 'money_out')
        AND transfer.accepted_at > %(since)s AND transfer.accepted_at <= %(until)s
        AND (transfer.source_id = ANY(%(all)s::uuid[]) OR transfer.destination_id = ANY(%(all)s::uuid[]))
        AND (transfer.accepted_at < transfer.completed_at
            OR transfer.completed_at IS NULL AND transfer.status = %(pending)s)
        AND NOT (transfer.rule_id IS NOT DISTINCT FROM %(rule)s AND transfer.created_at > %(since)s)
    ORDER BY transfer.accepted_at, place, run.created_at, run.id
"""  # noqa: S608 - of our own constants
_RUNS = f"""
    SELECT run.id, run.created_at, run.decided_at, run.trigger_type, run.status, run.conditions_not_met, run.hops,
        run.chain_number, run.incoming_cents, run.pretends_balance, run.scheduled_at,
        deposit.id, deposit.destination_id, deposit.completed_at,
        coalesce(paid.first_entry, followed.first_entry, %(last)s) AS place,
        paid.payments
    FROM rules_ruleexecution run
    LEFT JOIN transfers_transfer deposit ON deposit.id = run.trigger_transfer_id
    LEFT JOIN LATERAL ({_FOLLOWED}) followed ON TRUE
    LEFT JOIN LATERAL (
        SELECT min(entry.id) FILTER (WHERE entry.posted_at = run.decided_at) AS first_entry,
            json_agg(json_build_array(transfer.source_id, transfer.destination_id, transfer.amount_cents,
                transfer.status, entry.posted_at, entry.id) ORDER BY move.id) AS payments
        FROM rules_rulemove move
        JOIN transfers_transfer transfer ON transfer.id = move.transfer_id
        LEFT JOIN transfers_entryset entry ON entry.transfer_id = transfer.id AND entry.kind = 'settlement'
        WHERE move.organization_id = run.organization_id AND move.execution_id = run.id
    ) paid ON TRUE
    WHERE run.rule_id = %(rule)s AND run.mode = 'live' AND run.decided_at > %(since)s AND run.decided_at <= %(until)s
    ORDER BY run.decided_at, place, run.created_at, run.id
"""  # noqa: S608 - of our own constants
_COUNT_RUNS = """
    SELECT count(*) FROM rules_ruleexecution
    WHERE rule_id = %(rule)s AND mode = 'live' AND trigger_type <> 'ON_FUNDS_TRANSFERRED'
        AND decided_at > %(since)s AND decided_at <= %(until)s
"""
_SLOTS_TAKEN = """
    SELECT scheduled_at FROM rules_ruleexecution
    WHERE rule_id = %(rule)s AND mode = 'live' AND scheduled_at > %(since)s AND scheduled_at <= %(until)s
"""


@dataclass(frozen=True)
class Accounts:
    """Ids of the accounts that a history is about: those that the ledger has, and those of other institutions."""

    ledger: frozenset[str]
    outside: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.ledger | self.outside


class TooManyEvents(Exception):
    """There is more history than a replay reads."""


class History:
    """The events of one question."""

    def __init__(self, snapshot: Snapshot, question: Question, accounts: Accounts, organization_id: str) -> None:
        self._snapshot = snapshot
        self._question = question
        self._accounts = accounts
        self._values = {
            "organization": parse_id("org", organization_id),
            "rule": parse_id("rule", question.rule_id),
            "since": question.since,
            "until": question.until,
            "ledger": _uuids(accounts.ledger),
            "outside": _uuids(accounts.outside),
            "all": _uuids(accounts.all),
            "pending": Status.PENDING.value,
            "last": LAST,
            "most": MAX_EVENTS + 1,
        }

    def events(self) -> Iterator[Event]:
        """Return the events in their order. Raises TooManyEvents before the first."""
        self._check_size()
        streams = [self._movements(), self._departures(), self._runs(), self._slots()]
        return merge(*streams, key=attrgetter("place"))

    def _check_size(self) -> None:
        entries = self._snapshot.fetch(_COUNT, self._values)[0][0]
        runs = self._snapshot.fetch(_COUNT_RUNS, self._values)[0][0]
        slots = sum(1 for _ in islice(self._slots(), MAX_EVENTS + 1))
        if entries + runs + slots > MAX_EVENTS:
            raise TooManyEvents()

    def _movements(self) -> Iterator[Event]:
        return (self._movement(row) for row in self._snapshot.stream(_MOVEMENTS, self._values))

    def _movement(self, row: Row) -> Movement:
        number, at, kind, account_ids, cents, *transfer, was_held, has_run = row[:13]
        card_id, purchase_id, card_cents = row[13:]
        transfer_id, source, destination, amount_cents, rule_id, is_later = transfer
        is_of_rule = rule_id is not None and rule_id == self._values["rule"]
        movement_kind = MovementKind(kind)
        source_id, destination_id = _shown("acc", source), _shown("acc", destination)
        return Movement(
            at=at,
            number=number,
            kind=movement_kind,
            gained_cents={
                **dict(zip([show_id("acc", id) for id in account_ids or ()], cents or (), strict=True)),
                **self._gained_outside(movement_kind, source_id, destination_id, amount_cents or 0),
            },
            amount_cents=amount_cents or card_cents or 0,
            source_id=source_id,
            destination_id=destination_id,
            transfer_id=_shown("txr", transfer_id),
            card_transaction_id=_shown("ctx", card_id),
            purchase_id=_shown("ctx", purchase_id),
            # What it had decided before the beginning is history like everything else.
            is_own=bool(is_of_rule and is_later),
            is_of_another_rule=rule_id is not None and not is_of_rule,
            was_held=bool(was_held) and movement_kind is MovementKind.SETTLEMENT,
            has_run=has_run,
        )

    def _gained_outside(
        self, kind: MovementKind, source_id: str | None, destination_id: str | None, cents: int
    ) -> dict[str, int]:
        """Return what accounts of other institutions gained, which have no postings."""
        gained = -cents if kind is MovementKind.REVERSAL else cents
        ends = ((source_id, -gained), (destination_id, gained))
        return {id: change for id, change in ends if id in self._accounts.outside}

    def _departures(self) -> Iterator[Event]:
        for id, at, source, destination, cents, number, *turn in self._snapshot.stream(_DEPARTURES, self._values):
            yield Departure(
                at=at,
                number=number,
                turn=_turn(*turn),
                transfer_id=show_id("txr", id),
                source_id=_shown("acc", source),
                destination_id=_shown("acc", destination),
                amount_cents=cents,
            )

    def _runs(self) -> Iterator[Event]:
        return (_run(row) for row in self._snapshot.stream(_RUNS, self._values))

    def _slots(self) -> Iterator[Event]:
        schedule = self._question.definition.trigger.schedule
        if schedule is None:
            return
        taken = {slot for (slot,) in self._snapshot.fetch(_SLOTS_TAKEN, self._values)}
        slot = next_slot(schedule, self._question.since)
        while slot is not None and slot <= self._question.until:
            if slot not in taken:
                yield Slot(at=slot, number=LAST)
            slot = next_slot(schedule, slot)


def _uuids(ids: frozenset[str]) -> list[uuid.UUID | None]:
    return [parse_id("acc", id) for id in sorted(ids)]


def _shown(prefix: str, value: uuid.UUID | None) -> str | None:
    return None if value is None else show_id(prefix, value)


def _turn(created_at: datetime | None, run_id: uuid.UUID | None) -> Turn:
    return LAST_TURN if created_at is None else (created_at, str(run_id))


def _run(row: Row) -> RealRun:
    id, created_at, at, trigger_type, status, has_no_match = row[:6]
    hops, chain_number, incoming_cents, pretends_balance, scheduled_at = row[6:11]
    transfer_id, destination_id, completed_at, place, payments = row[11:]
    # What it has sent is still on its way; it ends like that unless something of it fails.
    ended = ExecutionStatus.EXECUTED.value if status == ExecutionStatus.IN_PROGRESS else status
    return RealRun(
        at=at,
        number=place,
        turn=_turn(created_at, id),
        execution_id=show_id("rex", id),
        trigger_type=TriggerType(trigger_type),
        status=ended,
        has_no_match=has_no_match,
        hops=hops,
        chain_number=chain_number,
        incoming_cents=incoming_cents,
        pretends_balance=pretends_balance,
        scheduled_at=scheduled_at,
        transfer_id=_shown("txr", transfer_id),
        transfer_destination_id=_shown("acc", destination_id),
        transfer_completed_at=completed_at,
        payments=[_payment(*facts) for facts in payments or ()],
    )


def _payment(
    source: str, destination: str, cents: int, status: str, arrived_at: str | None, entry_id: int | None
) -> Payment:
    """Return a payment of a real run as JSON tells it. One that came back later has moved."""
    arrived: Any = (datetime.fromisoformat(arrived_at), entry_id, LAST_TURN) if arrived_at else None
    return Payment(
        source_id=show_id("acc", uuid.UUID(source)),
        destination_id=show_id("acc", uuid.UUID(destination)),
        amount_cents=cents,
        has_moved=status in MOVED or arrived is not None,
        arrived=arrived,
    )
