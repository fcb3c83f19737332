"""Report of a replay: JSON as the API answers it, and its digest. Cents, UTC."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

import rfc8785

from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from sequence.replays.courses import Low
from sequence.replays.findings import Cause, Difference, Ended, Missed, Paid
from sequence.replays.walk import Walk

# What tells which replay it is, and not what came of it.
NOT_DIGESTED = ("id", "status", "digest")


def empty_result() -> JsonObject:
    """Return what is told of a replay that has none yet, or has failed."""
    nothing = {ended.value: 0 for ended in Ended}
    lists: JsonObject = {"accounts": [], "moved": [], "would_have_failed": [], "differences": [], "assumptions": []}
    return {"runs": {"replay": nothing, "actual": nothing}, **lists}


def result_of(walk: Walk) -> JsonObject:
    """Return what a replay has found, in the order of the contract."""
    findings = walk.findings
    return {
        "runs": {"replay": _counts(findings.ended_replay), "actual": _counts(findings.ended_actual)},
        "accounts": list(_accounts(walk)),
        "moved": list(_moved(walk)),
        "would_have_failed": [_show_missed(missed) for missed in findings.missed],
        "differences": [_show_difference(difference) for difference in findings.differences],
        "assumptions": sorted(findings.assumptions),
    }


def days_of(walk: Walk) -> JsonObject:
    """Return the balances at the end of the days on which they changed, by account and course, for a picture."""
    courses = {"actual": walk.actual, "replay": walk.replay}
    return {
        id: {
            name: [[day.isoformat(), cents] for day, cents in course.days[id].items()]
            for name, course in courses.items()
        }
        for id in walk.replay.accounts
    }


def digest_of(told: JsonObject) -> str:
    """Return the SHA-256 of the RFC 8785 JSON of what is told, in hexadecimal."""
    digested = {name: value for name, value in told.items() if name not in NOT_DIGESTED}
    return sha256(rfc8785.dumps(digested)).hexdigest()


def _counts(ended: Counter[Ended]) -> JsonObject:
    return {each.value: ended[each] for each in Ended}


def _accounts(walk: Walk) -> Iterator[JsonObject]:
    closing_actual, closing_replay = dict(walk.actual.balances()), dict(walk.replay.balances())
    for id, account in sorted(walk.replay.accounts.items()):
        yield {
            "id": id,
            "name": account.name,
            "opening_in_cents": walk.opening_cents[id],
            "closing_actual_in_cents": closing_actual[id],
            "closing_replay_in_cents": closing_replay[id],
            "lowest_actual": _show_low(walk.actual.lowest.get(id)),
            "lowest_replay": _show_low(walk.replay.lowest.get(id)),
        }


def _show_low(low: Low | None) -> JsonObject | None:
    return {"cents": low.cents, "at": show_time(low.at)} if low else None


def _moved(walk: Walk) -> Iterator[JsonObject]:
    actual, replay = walk.findings.moved_actual, walk.findings.moved_replay
    for way in sorted({*actual, *replay}):
        source, destination = way
        yield {
            "source": source,
            "destination": destination,
            "actual_in_cents": actual.get(way, 0),
            "replay_in_cents": replay.get(way, 0),
        }


def _show_missed(missed: Missed) -> JsonObject:
    is_card = missed.card_transaction_id is not None
    what = {"card_transaction_id": missed.card_transaction_id} if is_card else {"transfer_id": missed.transfer_id}
    return {**what, "at": show_time(missed.at), "short_by_in_cents": missed.short_by_cents}


def _show_difference(difference: Difference) -> JsonObject:
    return {
        "at": show_time(difference.at),
        "trigger": _show_cause(difference.cause),
        "actual": _show_paid(difference.actual),
        "replay": _show_paid(difference.replay),
    }


def _show_cause(cause: Cause) -> JsonObject:
    if cause.scheduled_at is not None:
        return {"scheduled_at": show_time(cause.scheduled_at)}
    if cause.rule_execution_id is not None:
        return {"rule_execution_id": cause.rule_execution_id}
    return {"transfer_id": cause.transfer_id}


def _show_paid(paid: Paid) -> list[JsonObject]:
    return [{"destination": destination, "amount_in_cents": cents} for destination, cents in paid]
