"""Approval page of a transfer: who asked, why them, what it leaves, and whether it can be paid."""

from collections.abc import Iterator

from accounts.descriptions import quoted
from apikeys.entries import Permission
from apikeys.limits import PERIOD_LIMITS, Check, SpendPeriod
from sequence.core.admin.display import dollars, shorten
from transfers.foresight import Foresight, foresee
from transfers.models import APPROVAL_LIFETIME, Direction, Transfer

_WHERE = {
    Direction.MONEY_OUT: "leaves the house",
    Direction.MONEY_IN: "comes into the house",
    Direction.INTERNAL: "stays in the house",
}
_PERIODS = {
    SpendPeriod.DAY: "a day (UTC)",
    SpendPeriod.WEEK: "a week (from Monday, UTC)",
    SpendPeriod.MONTH: "a calendar month (UTC)",
}


def approval_in_words(transfer: Transfer) -> list[str]:
    """Return what approving the transfer would do now, a sentence each: the verdict first."""
    foresight = foresee(transfer)
    return [
        _verdict(foresight),
        f"{dollars(transfer.amount_cents)} {_WHERE[Direction(transfer.direction)]}, {_when(transfer)}.",
        *_balances(transfer),
        *_asked(transfer, foresight),
        f"Why, in its own words: {quoted(transfer.called_reason)}."
        if transfer.called_reason
        else "It does not say why.",
        *_caps(transfer, foresight),
        f"On the statement: {quoted(transfer.description)}." if transfer.description else "It has no description.",
        f"Undecided it is cancelled on {transfer.created_at + APPROVAL_LIFETIME:%Y-%m-%d at %H:%M} UTC.",
        "All of this is checked again when you approve, and the balance when a worker takes it.",
    ]


def _when(transfer: Transfer) -> str:
    if transfer.not_before is None:
        return "as soon as a worker takes it"
    return f"not before {transfer.not_before:%Y-%m-%d at %H:%M} UTC"


def _verdict(foresight: Foresight) -> str:
    if foresight.can_be_paid:
        return "It can be paid as things stand now."
    if foresight.refusal is not None:
        return f"It cannot be approved: {foresight.refusal}"
    if foresight.shortfall_cents:
        return f"It cannot be paid: {dollars(foresight.shortfall_cents)} short now."
    assert foresight.rail_limit is not None  # noqa: S101 - tells the type checker
    return f"It cannot be paid now: {foresight.rail_limit.label}."


def _why(transfer: Transfer) -> str:
    reason = transfer.called_reason
    return f"Why, in its own words: {quoted(reason)}." if reason else "It does not say why."


def _balances(transfer: Transfer) -> Iterator[str]:
    if transfer.source is None:
        return
    available = transfer.source.available_cents
    if available is None:
        yield "What the source has available is not known; its institution decides."
        return
    held = (
        f", with {dollars(transfer.source.held_cents)} held for payments under way"
        if transfer.source.held_cents
        else ""
    )
    after = available - transfer.amount_cents
    yield f"Available in the source now: {dollars(available)}{held}. After: {dollars(after)}."


def _asked(transfer: Transfer, foresight: Foresight) -> Iterator[str]:
    asking = transfer.api_key
    if asking is None:
        return
    entry = foresight.weighed.deciding if foresight.weighed else None
    why = ""
    if entry is not None and entry.approval_above is not None:
        why = f", and above {dollars(entry.approval_above)} a person decides"
    yield f"Key {quoted(asking.name)} ({asking.prefix}…) asked on {transfer.created_at:%Y-%m-%d at %H:%M} UTC{why}."
    if foresight.key is not None and foresight.key.id != asking.id:
        yield f"It was rotated since: its successor is {quoted(foresight.key.name)} ({foresight.key.prefix}…)."


def _caps(transfer: Transfer, foresight: Foresight) -> Iterator[str]:
    entry = foresight.weighed.deciding if foresight.weighed else None
    if foresight.weighed is None or entry is None:
        return
    reach = f"{shorten(entry.source or '')} → {shorten(entry.target or '')}"
    yield f"It goes by the key's entry {reach}, which allows {_most(entry)} a transfer."
    for check in period_checks(foresight):
        yield cap_in_words(check)


def period_checks(foresight: Foresight) -> list[Check]:
    """Return how the caps of the entry that decides stand with the transfer."""
    weighed = foresight.weighed
    if weighed is None or weighed.deciding is None:
        return []
    checks = (limit.check(weighed.deciding, weighed.ask, weighed.usage) for limit in PERIOD_LIMITS)
    return [check for check in checks if check is not None]


def cap_in_words(check: Check) -> str:
    """Return what is used of a cap by others and by this, and what that leaves."""
    show = dollars if check.limit.counts_money else _times
    period = SpendPeriod(check.limit.period or "")
    left = left_of(check)
    rest = f"{show(left)} left" if left >= 0 else f"{show(-left)} too much"
    return (
        f"Of {show(check.most)} {_PERIODS[period]}: {show(check.used or 0)} used by others, "
        f"{show(taken(check))} by this, {rest}; it begins anew on {check.resets_at:%Y-%m-%d}."
    )


def taken(check: Check) -> int:
    """Return what the transfer itself takes of a cap: cents, or one transfer."""
    return check.ask.amount_cents if check.limit.counts_money else 1


def left_of(check: Check) -> int:
    """Return what is left of a cap after the transfer; below zero it is too much."""
    return check.most - (check.used or 0) - taken(check)


def _times(number: int) -> str:
    return f"{number:,} transfer{'' if number == 1 else 's'}"


def _most(entry: Permission) -> str:
    return "any amount" if entry.max_amount is None else f"at most {dollars(entry.max_amount)}"
