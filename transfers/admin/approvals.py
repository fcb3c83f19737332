"""Approval page of a transfer: who asked, why them, what it leaves, and whether it can be paid."""

from collections.abc import Iterator

from accounts.descriptions import quoted
from apikeys.caps import ends_on, period_caps
from apikeys.entries import Permission
from apikeys.models import SpendPeriod
from sequence.core.admin.display import dollars, shorten
from transfers.approvals import Foresight, foresee
from transfers.models import Direction, Transfer
from transfers.settlement import APPROVAL_LIFETIME

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
        f"{dollars(transfer.amount_cents)} {_WHERE[Direction(transfer.direction)]}, as soon as a worker takes it.",
        *_balances(transfer),
        *_asked(transfer, foresight),
        *_caps(transfer, foresight),
        f"On the statement: {quoted(transfer.description)}." if transfer.description else "It has no description.",
        f"Undecided it is cancelled on {transfer.created_at + APPROVAL_LIFETIME:%Y-%m-%d at %H:%M} UTC.",
        "All of this is checked again when you approve, and the balance when a worker takes it.",
    ]


def _verdict(foresight: Foresight) -> str:
    if foresight.can_be_paid:
        return "It can be paid as things stand now."
    if foresight.refusal is not None:
        return f"It cannot be approved: {foresight.refusal}"
    if foresight.shortfall_cents:
        return f"It cannot be paid: {dollars(foresight.shortfall_cents)} short now."
    assert foresight.rail_limit is not None  # noqa: S101 - tells the type checker
    return f"It cannot be paid now: {foresight.rail_limit.label}."


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
    for period, cap in period_caps(entry).items():
        if cap is None or entry.spend_id is None:
            continue
        used = foresight.weighed.spent[entry.spend_id, period]
        left = cap - used - transfer.amount_cents
        rest = f"{dollars(left)} left" if left >= 0 else f"{dollars(-left)} too much"
        yield (
            f"Of {dollars(cap)} {_PERIODS[period]}: {dollars(used)} used by others, {dollars(transfer.amount_cents)} "
            f"by this, {rest}; it begins anew on {ends_on(period, transfer.created_at):%Y-%m-%d}."
        )


def _most(entry: Permission) -> str:
    return "any amount" if entry.max_amount is None else f"at most {dollars(entry.max_amount)}"
