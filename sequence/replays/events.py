"""Events of a history, as a replay walks them: what moved money, what is on its way, what set the rule off. UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from rules.engine.vocabulary import TriggerType

# After everything else of its instant.
LAST = 2**63 - 1
# When a run was started, and its id: runs of one instant were carried out in that order.
Turn = tuple[datetime, str]
# After all runs before the same entry of the ledger.
LAST_TURN: Turn = (datetime.max.replace(tzinfo=UTC), "")
Place = tuple[datetime, int, Turn]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Of what happened at one instant, ``number`` is the entry of the ledger that it is, or came before; ``turn`` tells
    apart the runs before one entry, and what they sent.
    """

    at: datetime
    number: int
    turn: Turn = LAST_TURN

    @property
    def place(self) -> Place:
        return self.at, self.number, self.turn


class MovementKind(Enum):
    """Why money moved."""

    SETTLEMENT = "settlement"
    REVERSAL = "reversal"
    CARD = "card"
    # Out of suspense, where two persons posted it.
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class Movement(Event):
    """An entry of the ledger. ``gained_cents`` is what each account of the replay gained, below zero where it lost.

    ``is_own``: the replayed rule moved it. ``was_held``: it was on its way before. ``has_run``: it set the rule off in
    reality, so that its run is told as an event of its own.
    """

    kind: MovementKind
    gained_cents: Mapping[str, int]
    amount_cents: int
    source_id: str | None = None
    destination_id: str | None = None
    transfer_id: str | None = None
    card_transaction_id: str | None = None
    purchase_id: str | None = None
    is_own: bool = False
    is_of_another_rule: bool = False
    was_held: bool = False
    has_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Departure(Event):
    """A payment of somebody else that was handed to a rail, which takes its time."""

    transfer_id: str
    source_id: str | None
    destination_id: str | None
    amount_cents: int


@dataclass(frozen=True)
class Payment:
    """What a real run paid. ``arrived`` is the place of its arrival in the ledger, None where it has not arrived."""

    source_id: str
    destination_id: str
    amount_cents: int
    has_moved: bool
    arrived: Place | None


@dataclass(frozen=True, kw_only=True)
class RealRun(Event):
    """A run of the rule that there was, at the instant at which it decided."""

    execution_id: str
    trigger_type: TriggerType
    status: str
    has_no_match: bool
    hops: int = 1
    chain_number: int = 1
    incoming_cents: int | None = None
    pretends_balance: bool = False
    scheduled_at: datetime | None = None
    transfer_id: str | None = None
    transfer_destination_id: str | None = None
    transfer_completed_at: datetime | None = None
    payments: Sequence[Payment] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class Slot(Event):
    """A slot of the schedule that no real run took."""
