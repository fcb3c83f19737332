"""Smallest changes: the least that would have helped a request that is refused, or that a person must approve.

At most one of each kind, each enough alone. They are found by asking the same verdict again with one thing changed, so
that they cannot promise what the door would not do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apikeys.entries import Permission
from apikeys.limits import TRANSFER_LIMITS, Usage, Verdict
from apikeys.verdicts import checks, choose_entry, verdict_of
from sequence.core.money import MAX_CENTS, MIN_TRANSFER_CENTS
from sequence.core.periods import day_of, midnight
from transfers.asking import Question
from transfers.models import LATEST

# Tells what has gone through the question's entries in the periods around an instant.
UsageAt = Callable[[datetime], Usage]
_RANK = {Verdict.PASS: 0, Verdict.APPROVAL: 1, Verdict.FAIL: 2}


@dataclass(frozen=True)
class Change:
    """A change that is enough alone: ``what`` becomes ``to``, and the verdict is then this one."""

    what: str
    to: int | datetime | dict[str, int] | None
    verdict: Verdict


def smallest_changes(question: Question, usage_at: UsageAt) -> list[Change]:
    """Return the changes that better the verdict on the question. None where it passes as it is.

    Of a refused one: what lets it through, if need be with a person. Of one that a person must approve: what does
    without.
    """
    _, verdict = choose_entry(question.entries, question.ask, question.usage)
    found = [
        _of_amount(question, verdict),
        _of_time(question, verdict, usage_at),
        Change("approval", None, Verdict.PASS) if verdict is Verdict.APPROVAL else None,
        _of_permission(question, verdict),
    ]
    return [change for change in found if change is not None]


def _betters(verdict: Verdict, now: Verdict) -> bool:
    return _RANK[verdict] < _RANK[now]


def _of_amount(question: Question, now: Verdict) -> Change | None:
    """Return the largest amount that passes: where the verdict turns, some limit has just as much room."""
    rooms = {limit.room(entry, question.usage) for entry in question.entries for limit in TRANSFER_LIMITS}
    fitting = (room for room in rooms if room is not None and MIN_TRANSFER_CENTS <= room < question.ask.amount_cents)
    for room in sorted(fitting, reverse=True):
        _, verdict = choose_entry(question.entries, replace(question.ask, amount_cents=room), question.usage)
        if _betters(verdict, now):
            return Change("amount_in_cents", room, verdict)
    return None


def _of_time(question: Question, now: Verdict, usage_at: UsageAt) -> Change | None:
    """Return the earliest reset at which the same would pass: counters begin anew at midnight, or not at all."""
    for at in _midnights(question.ask.at, question.now + LATEST):
        _, verdict = choose_entry(question.entries, replace(question.ask, at=at), usage_at(at))
        if _betters(verdict, now):
            return Change("not_before", at, verdict)
    return None


def _midnights(after: datetime, until: datetime) -> Iterator[datetime]:
    at = midnight(day_of(after) + timedelta(days=1))
    while at <= until:
        yield at
        at += timedelta(days=1)


def _of_permission(question: Question, now: Verdict) -> Change | None:
    """Return the least values with which one entry would let it through, of the entry that needs the fewest.

    None where every entry would need more than a limit can be.
    """
    wanted = [(entry, _least(entry, question, now)) for entry in question.entries]
    settable = [(entry, least) for entry, least in wanted if all(value <= MAX_CENTS for value in least.values())]
    if not settable:
        return None
    entry, least = min(settable, key=lambda pair: len(pair[1]))
    return Change("permission", least, verdict_of(entry.with_limits(least), question.ask, question.usage))


def _least(entry: Permission, question: Question, now: Verdict) -> dict[str, int]:
    in_the_way = [check for check in checks(entry, question.ask, question.usage) if not _betters(check.verdict, now)]
    return {check.limit.name: check.limit.least(entry, question.ask, question.usage) for check in in_the_way}
