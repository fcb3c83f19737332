"""Hops: what stands on a page that follows money, each a line with its address, its balances and those it leads to."""

from dataclasses import dataclass, field
from datetime import datetime

from cards.models import CardDirection, CardTransaction
from rules.admin.executions import TONES as RUN_TONES
from rules.models import ExecutionStatus
from sequence.core.admin.display import dollars
from sequence.insight.following.moves import Leg, Move, Run
from sequence.insight.lines import address_of_cause, page_of
from sequence.insight.movements import name_of_run
from sequence.insight.sight import A_MERCHANT, Sight
from transfers.admin.transfers import TONES
from transfers.models import Status, Transfer

# A word, and the tone of its badge.
State = tuple[str, str]


@dataclass
class Hop:
    """A line. ``onwards`` are those that it leads to, ``further`` is where it goes on, beyond what the page shows."""

    words: str
    address: str = ""
    state: State | None = None
    at: datetime | None = None
    cause: str = ""
    cause_address: str = ""
    note: str = ""
    legs: list[Leg] = field(default_factory=list)
    onwards: list["Hop"] = field(default_factory=list)
    further: str = ""


def hop_of_move(move: Move, sight: Sight) -> Hop:
    """Return the line of money that moved, or was asked to."""
    if move.bought is not None:
        return _hop_of_card(move, move.bought, sight)
    transfer = move.transfer
    if transfer is None:  # Whatever else the ledger may come to know.
        return Hop("Moved by hand", at=move.entry_set.posted_at if move.entry_set else None, legs=move.legs)
    cause = sight.veil_cause(move.cause) if move.cause else None
    return Hop(
        _course(move, transfer),
        address=page_of("transfers_transfer", transfer.pk) if sight.transfers else "",
        state=_state(move, transfer),
        at=move.entry_set.posted_at if move.entry_set else transfer.created_at,
        cause=cause.words if cause else "",
        cause_address=address_of_cause(cause) if cause else "",
        legs=move.legs,
    )


def _course(move: Move, transfer: Transfer) -> str:
    source, destination = transfer.source or "outside", transfer.destination or "outside"
    if move.came_back:
        return f"{dollars(transfer.amount_cents)} back from {destination} to {source}"
    return f"{dollars(transfer.amount_cents)} from {source} to {destination}"


def _state(move: Move, transfer: Transfer) -> State | None:
    if move.came_back:
        return "Came back", "bad"
    if not move.is_settled:
        return transfer.get_status_display(), TONES[Status(transfer.status)]
    if transfer.status == Status.ERROR:
        return "Came back later", "bad"
    if transfer.source is None or transfer.source.is_external:
        return "Arrived", "good"
    return ("Left", "quiet") if not move.gained else None


def _hop_of_card(move: Move, bought: CardTransaction, sight: Sight) -> Hop:
    is_purchase = bought.direction == CardDirection.DEBIT
    merchant = bought.merchant_name if sight.cards else A_MERCHANT.lower()
    refunded = f"{dollars(bought.refunded_cents)} of it came back" if bought.refunded_cents else ""
    return Hop(
        f"{dollars(bought.amount_cents)} {'spent at' if is_purchase else 'back from'} {merchant}",
        address=page_of("cards_cardtransaction", bought.pk) if sight.cards else "",
        state=("Spent", "quiet") if is_purchase else ("Refund", "good"),
        at=bought.created_at,
        cause=f"Card of {bought.card}" if sight.cards else "A card",
        note=refunded,
        legs=move.legs,
    )


def hop_of_run(run: Run, sight: Sight) -> Hop:
    """Return the line of a rule that ran."""
    execution = run.execution
    status = ExecutionStatus(execution.status)
    nothing = "Its conditions were not met" if execution.conditions_not_met else "It moved nothing"
    count = f"{run.number} transfer{'' if run.number == 1 else 's'}"
    return Hop(
        name_of_run(execution.rule_name, execution.version.number) if sight.runs else "A rule",
        address=page_of("rules_ruleexecution", execution.pk) if sight.runs else "",
        state=(execution.get_status_display(), RUN_TONES[status]),
        at=execution.created_at,
        note=f"{count}, {dollars(run.moved_cents)} in all" if run.number else nothing,
    )
