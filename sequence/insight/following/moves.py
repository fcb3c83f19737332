"""Moves: what an entry set, or a transfer that has none yet, did to accounts, with their balances before and after."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F

from cards.models import CardTransaction
from rules.models import RuleExecution, RuleMove
from sequence.core.typing import Rows
from sequence.insight.movements import Cause, cause_of_transfer, run_of
from transfers.expressions import BalanceAfter
from transfers.models import EntrySet, EntrySetKind, Posting, Transfer

# No bank numbers: what nobody sees is not read and decrypted.
_UNREAD = [
    f"{end}__{column}"
    for end in ("source", "destination")
    for column in ("routing_number", "bank_account_number", "description")
]


@dataclass(frozen=True)
class Leg:
    """What a move did to one account."""

    posting_id: int
    account_id: str
    account_name: str
    amount_cents: int
    after_cents: int

    @property
    def before_cents(self) -> int:
        return self.after_cents - self.amount_cents


@dataclass(frozen=True)
class Move:
    """A movement of money by a transfer or with a card. One without an entry set has not moved anything."""

    entry_set: EntrySet | None
    transfer: Transfer | None
    bought: CardTransaction | None
    legs: list[Leg] = field(default_factory=list)
    cause: Cause | None = None

    @property
    def key(self) -> object:
        """What tells it from others on a page."""
        return self.entry_set.pk if self.entry_set else self.transfer and self.transfer.pk

    @property
    def is_settled(self) -> bool:
        """Whether it is what a transfer did, and not that it came back or has yet to be done."""
        return self.entry_set is not None and self.entry_set.kind == EntrySetKind.SETTLEMENT

    @property
    def came_back(self) -> bool:
        return self.entry_set is not None and self.entry_set.kind == EntrySetKind.REVERSAL

    @property
    def gained(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.amount_cents > 0]

    @property
    def lost(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.amount_cents < 0]


@dataclass(frozen=True)
class Run:
    """A rule's execution with the ids of its transfers."""

    execution: RuleExecution
    transfer_ids: list[str]
    moved_cents: int

    @property
    def number(self) -> int:
        return len(self.transfer_ids)


def moves_of_entry_sets(ids: Iterable[int]) -> dict[int, Move]:
    """Return the moves of the entry sets, in three queries."""
    rows = EntrySet.objects.filter(id__in=set(ids))
    return {entry_set.pk: move for entry_set, move in _moves(rows)}


def moves_of_transfers(ids: Iterable[str]) -> dict[str, Move]:
    """Return what the transfers did when they were settled, in four queries."""
    wanted = set(ids)
    rows = EntrySet.objects.filter(transfer__in=wanted, kind=EntrySetKind.SETTLEMENT)
    found = {move.transfer.pk: move for _, move in _moves(rows) if move.transfer}
    unsettled = Transfer.objects.with_accounts().filter(id__in=wanted - found.keys()).defer(*_UNREAD)
    return {**found, **{transfer.pk: Move(None, transfer, None) for transfer in unsettled}}


def settlements_of(transfer_ids: Iterable[str]) -> list[int]:
    """Return the ids of the entry sets that settled the transfers."""
    rows = EntrySet.objects.filter(transfer__in=set(transfer_ids), kind=EntrySetKind.SETTLEMENT)
    return list(rows.values_list("id", flat=True))


def returns_of(transfer_ids: Iterable[str]) -> dict[str, Move]:
    """Return how transfers came back, by the transfers, in three queries."""
    rows = EntrySet.objects.filter(transfer__in=set(transfer_ids), kind=EntrySetKind.REVERSAL)
    return {move.transfer.pk: move for _, move in _moves(rows) if move.transfer}


def _moves(rows: Rows) -> list[tuple[EntrySet, Move]]:
    along = rows.select_related("transfer__source", "transfer__destination", "transfer__api_key")
    unread = [*(f"transfer__{column}" for column in _UNREAD), "transfer__api_key__digest"]
    entry_sets = list(along.annotate(run=run_of("transfer__rule_execution_id")).defer(*unread).order_by("id"))
    bought = {row.entry_set_id: row for row in _purchases(entry_sets)}
    legs = _legs(entry_sets)
    return [
        (
            entry_set,
            Move(entry_set, entry_set.transfer, bought.get(entry_set.pk), legs[entry_set.pk], _cause(entry_set)),
        )
        for entry_set in entry_sets
    ]


def _cause(entry_set: EntrySet) -> Cause | None:
    transfer = entry_set.transfer
    if transfer is None:
        return None
    return cause_of_transfer(
        {
            "run": entry_set.run,  # type: ignore[attr-defined]
            "execution_id": transfer.rule_execution_id,
            "key_id": transfer.api_key_id,
            "key_name": transfer.api_key.name if transfer.api_key else None,
            "origin": transfer.origin,
            "decided_by": transfer.decided_by,
        }
    )


def _purchases(entry_sets: list[EntrySet]) -> Iterable[CardTransaction]:
    ids = [entry_set.pk for entry_set in entry_sets if entry_set.kind == EntrySetKind.CARD]
    return CardTransaction.objects.filter(entry_set__in=ids).select_related("card", "purchase")


def _legs(entry_sets: list[EntrySet]) -> dict[int, list[Leg]]:
    """Return the accounts' sides, each with what the account held afterwards."""
    rows = Posting.objects.filter(entry_set__in=[entry_set.pk for entry_set in entry_sets], account__isnull=False)
    found: dict[int, list[Leg]] = defaultdict(list)
    for row in rows.order_by("id").annotate(
        name=F("account__name"), after=BalanceAfter(F("organization"), F("account"), F("posted_at"), F("id"))
    ):
        found[row.entry_set_id].append(Leg(row.pk, str(row.account_id), row.name, row.amount_cents, row.after))
    return found


def runs_set_off_by(transfer_ids: Iterable[str]) -> dict[str, Run]:
    """Return the runs that arrivals set off, by the arrivals, in two queries."""
    rows = RuleExecution.objects.filter(trigger_transfer__in=set(transfer_ids))
    return {str(run.execution.trigger_transfer_id): run for run in _runs(rows)}


def runs_of(execution_ids: Iterable[str]) -> dict[str, Run]:
    """Return the runs by their ids, in two queries."""
    rows = RuleExecution.objects.filter(id__in=set(execution_ids))
    return {run.execution.pk: run for run in _runs(rows)}


def _runs(rows: Rows) -> list[Run]:
    executions = list(rows.select_related("version").defer("trace", "version__definition"))
    made: dict[str, list[tuple[str, int]]] = defaultdict(list)
    moves = RuleMove.objects.filter(execution__in=executions).order_by("id")
    for execution_id, transfer_id, cents in moves.values_list("execution", "transfer", "transfer__amount_cents"):
        made[execution_id].append((transfer_id, cents))
    return [
        Run(execution, [id for id, _ in made[execution.pk]], sum(cents for _, cents in made[execution.pk]))
        for execution in executions
    ]
