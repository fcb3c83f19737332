"""Walks along the money, level by level: forwards to where it went, backwards to where it came from.

Each level asks the same number of questions however many lines it has. What a page shows already is not told again
below itself, so that money that goes round in circles is followed once; depth, width and lines are bounded, and where a
walk stops at a bound it leads on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.urls import reverse

from cards.models import CardDirection
from sequence.core.admin.display import dollars
from sequence.insight.following.hops import Hop, hop_of_move, hop_of_run
from sequence.insight.following.moves import (
    Leg,
    Move,
    Run,
    moves_of_entry_sets,
    moves_of_transfers,
    returns_of,
    runs_of,
    runs_set_off_by,
    settlements_of,
)
from sequence.insight.following.shares import REACH, Split, brought_by, carried_away
from sequence.insight.sight import Sight
from transfers.models import Status

# Lines below one line, and on a whole page in one direction: more than that nobody reads.
WIDTH = 5
MAX_HOPS = 120

Subject = Move | Run


@dataclass
class Walk:
    """One direction from one subject. ``hop`` is the line that it begins with."""

    hop: Hop
    sight: Sight
    frontier: list[tuple[Hop, Subject]]
    seen: set[object]
    left: int = field(default_factory=lambda: MAX_HOPS)
    ahead: list[tuple[Hop, Subject]] = field(default_factory=list)

    @classmethod
    def begin(cls, subject: Subject, sight: Sight) -> "Walk":
        hop = hop_of(subject, sight)
        return cls(hop, sight, [(hop, subject)], {_key(subject)})

    def add(self, below: Hop, subject: Subject, note: str = "") -> None:
        """Put a line below another one; the next level goes on from it, unless the page has it already."""
        if self.left <= 0:
            below.further = below.further or followed_at(subject)
            return
        self.left -= 1
        hop = hop_of(subject, self.sight)
        hop.note = " · ".join(part for part in (note, hop.note) if part)
        below.onwards.append(hop)
        if _key(subject) in self.seen:
            hop.note = " · ".join(part for part in (hop.note, "followed elsewhere on this page") if part)
            return
        self.seen.add(_key(subject))
        self.ahead.append((hop, subject))

    def moves(self) -> list[tuple[Hop, Move]]:
        return [(hop, subject) for hop, subject in self.frontier if isinstance(subject, Move)]

    def runs(self) -> list[tuple[Hop, Run]]:
        return [(hop, subject) for hop, subject in self.frontier if isinstance(subject, Run)]

    def go_on(self) -> None:
        self.frontier, self.ahead = self.ahead, []


def hop_of(subject: Subject, sight: Sight) -> Hop:
    """Return the line of a subject."""
    return hop_of_run(subject, sight) if isinstance(subject, Run) else hop_of_move(subject, sight)


def _key(subject: Subject) -> object:
    return subject.execution.pk if isinstance(subject, Run) else subject.key


def followed_at(subject: Subject) -> str:
    """Return the page that follows money from here on; empty where there is none."""
    if isinstance(subject, Run):
        id = subject.execution.pk
    elif subject.bought is not None:
        id = subject.bought.pk
    elif subject.transfer is not None:
        id = subject.transfer.pk
    else:
        return ""
    return reverse("admin:transfers_posting_followed", args=[id])


def forwards(subject: Subject, sight: Sight, *, depth: int) -> Hop:
    """Return the subject's line with those of where its money went."""
    walk = Walk.begin(subject, sight)
    for _ in range(depth):
        _step_forwards(walk)
        walk.go_on()
    for hop, ahead in walk.frontier:
        hop.further = followed_at(ahead) if isinstance(ahead, Run) or ahead.gained else ""
    return walk.hop


def _step_forwards(walk: Walk) -> None:
    moves = walk.moves()
    settled = [move.transfer.pk for _, move in moves if move.is_settled and move.transfer]
    set_off = runs_set_off_by(settled) if settled else {}
    back = returns_of(_lost_again(moves))
    free = []
    for hop, move in moves:
        run = set_off.get(move.transfer.pk) if move.transfer and move.is_settled else None
        if run is not None:
            walk.add(hop, run)
        if move.transfer and move.transfer.pk in back and move.is_settled:
            walk.add(hop, back[move.transfer.pk])
        free += [(hop, leg) for leg in move.gained]
    _add_runs(walk)
    # A rule's transfers stand below its run, whatever money they took; what it left goes on from the arrival itself.
    known = settlements_of(id for run in set_off.values() for id in run.transfer_ids) if set_off else []
    _add_shares(walk, free, carried_away([leg.posting_id for _, leg in free], width=WIDTH, known=known), _ONWARDS)


def _lost_again(moves: Iterable[tuple[Hop, Move]]) -> list[str]:
    """Return the transfers that left the ledger and came back; what is still in it is found by its account."""
    return [
        move.transfer.pk
        for _, move in moves
        if move.transfer and move.is_settled and not move.gained and move.transfer.status == Status.ERROR
    ]


def _add_runs(walk: Walk) -> None:
    runs = walk.runs()
    made = moves_of_transfers(id for _, run in runs for id in run.transfer_ids[:WIDTH]) if runs else {}
    for hop, run in runs:
        for id in run.transfer_ids[:WIDTH]:
            walk.add(hop, replace(made[id], cause=None))  # The line above says why.
        if run.number > WIDTH:
            more = reverse("admin:transfers_transfer_changelist") + "?" + urlencode({"q": run.execution.pk})
            hop.onwards.append(Hop(f"and {run.number - WIDTH} more", address=more))


def backwards(subject: Subject, sight: Sight, *, depth: int) -> Hop:
    """Return the subject's line with those of where its money came from."""
    walk = Walk.begin(subject, sight)
    for _ in range(depth):
        _step_backwards(walk)
        walk.go_on()
    for hop, ahead in walk.frontier:
        hop.further = followed_at(ahead) if isinstance(ahead, Run) or ahead.lost else ""
    return walk.hop


def _step_backwards(walk: Walk) -> None:
    moves, free = walk.moves(), []
    runs = _runs_behind(moves)
    before = _moves_before(moves, walk.runs())
    for hop, run in walk.runs():
        if run.execution.trigger_transfer_id:
            walk.add(hop, before[run.execution.trigger_transfer_id])
    for hop, move in moves:
        earlier = before.get(_earlier(move))
        behind = runs.get(move.transfer.rule_execution_id or "") if move.transfer and not move.came_back else None
        if earlier is not None:
            walk.add(hop, earlier)
        elif behind is not None and behind.execution.trigger_transfer_id:
            walk.add(hop, behind)
        else:
            free += [(hop, leg) for leg in move.lost]
    _add_shares(walk, free, brought_by([leg.posting_id for _, leg in free], width=WIDTH), _BACK)


def _runs_behind(moves: Iterable[tuple[Hop, Move]]) -> dict[str, Run]:
    ids = [move.transfer.rule_execution_id for _, move in moves if move.transfer and move.transfer.rule_execution_id]
    return runs_of(ids) if ids else {}


def _moves_before(moves: Iterable[tuple[Hop, Move]], runs: Iterable[tuple[Hop, Run]]) -> dict[object, Move]:
    """Return what is known to have come before without looking at balances, by transfer or by entry set."""
    transfer_ids = [run.execution.trigger_transfer_id for _, run in runs if run.execution.trigger_transfer_id]
    earlier = [_earlier(move) for _, move in moves]
    transfer_ids += [key for key in earlier if isinstance(key, str)]
    entry_set_ids = [key for key in earlier if isinstance(key, int)]
    by_transfer = moves_of_transfers(transfer_ids) if transfer_ids else {}
    by_entry_set = moves_of_entry_sets(entry_set_ids) if entry_set_ids else {}
    return {key: move for found in (by_transfer, by_entry_set) for key, move in found.items()}


def _earlier(move: Move) -> str | int | None:
    """Return what a move gives back: the transfer that came back, the entry set of the purchase of a refund."""
    if move.came_back and move.transfer:
        return move.transfer.pk
    if move.bought is not None and move.bought.direction == CardDirection.CREDIT and move.bought.purchase:
        return move.bought.purchase.entry_set_id
    return None


@dataclass(frozen=True)
class Words:
    """How one direction says what came of a line's money, and which side of an account's postings it looks at."""

    share: str
    rest: str
    beyond: str
    side: str
    bound: str


_ONWARDS = Words(
    share="took {} of it",
    rest="{} is still in {}",
    beyond="{} left {}, if at all, after its next {:,} movements",
    side="lost",
    bound="from",
)
_BACK = Words(
    share="brought {} of it",
    rest="{} was in {} before all of that",
    beyond="{} came to {} before its last {:,} movements",
    side="gained",
    bound="to",
)


def _add_shares(walk: Walk, free: list[tuple[Hop, Leg]], splits: dict[int, Split], words: Words) -> None:
    moves = moves_of_entry_sets(id for split in splits.values() for id in split.shares) if splits else {}
    for hop, leg in free:
        split = splits[leg.posting_id]
        for id, cents in split.shares.items():
            whole = "all" if cents == split.cents else dollars(cents)
            walk.add(hop, moves[id], words.share.format(whole))
        if split.number > len(split.shares):
            hop.onwards.append(Hop(f"and {split.number - len(split.shares)} more", address=_behind(hop, leg, words)))
        if split.rest_cents:
            hop.onwards.append(Hop(_rest(split, leg, words)))


def _rest(split: Split, leg: Leg, words: Words) -> str:
    if split.is_beyond_reach:
        return words.beyond.format(dollars(split.rest_cents), leg.account_name, REACH)
    return words.rest.format(dollars(split.rest_cents), leg.account_name)


def _behind(hop: Hop, leg: Leg, words: Words) -> str:
    """Return the list of the postings on that side of the line."""
    query = {"account": leg.account_id, "side": words.side}
    if hop.at is not None:
        query[words.bound] = f"{hop.at:%Y-%m-%d}"
    return reverse("admin:transfers_posting_changelist") + "?" + urlencode(query)
