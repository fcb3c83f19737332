"""Allowance of a MANUAL_TRANSFER entry: what is used and left of its limits, and the largest amount that goes now.

GET /key, the bars of the staff's page of a key and ``show_api_key`` tell the same figures, from the same limits that
the door asks. Limits alone are looked at, never a balance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apikeys.caps import read_usage
from apikeys.entries import Permission
from apikeys.limits import (
    NOTHING,
    PERIOD_LIMITS,
    TRANSFER_LIMITS,
    SpendPeriod,
    TransferLimit,
    Usage,
    Used,
    Verdict,
    resets_at,
)
from apikeys.scopes import Scope
from sequence.core.money import MIN_TRANSFER_CENTS


@dataclass(frozen=True)
class PeriodUse:
    """What is used of a period, and left where there is a limit. Cents, and transfers."""

    period: SpendPeriod
    used: Used
    remaining_cents: int | None
    remaining_count: int | None
    resets_at: datetime


@dataclass(frozen=True)
class Allowance:
    """What an entry lets through at one instant. None where nothing limits it.

    ``now_cents`` is the largest single amount that goes without a person, ``with_approval_cents`` with one, and 0 where
    it is less than a transfer moves. ``limited_by`` is the first limit that gives ``now_cents``.
    """

    entry: Permission
    periods: tuple[PeriodUse, ...]
    now_cents: int | None
    with_approval_cents: int | None
    limited_by: TransferLimit | None


def allowances(organization_id: str, permissions: Sequence[Permission], at: datetime) -> dict[Permission, Allowance]:
    """Return the allowance of each of these entries of the organization that moves money, as of the instant."""
    entries = [entry for entry in permissions if entry.scope is Scope.MANUAL_TRANSFER]
    spend_ids = [entry.spend_id for entry in entries if entry.spend_id]
    usage = read_usage(organization_id, spend_ids, at) if entries else {}
    return {entry: allowance_of(entry, usage, at) for entry in entries}


def allowance_of(entry: Permission, usage: Usage, at: datetime) -> Allowance:
    """Return what the entry lets through at the instant, after what went through it in the periods around that."""
    rooms = [(limit, _payable(limit.room(entry, usage))) for limit in TRANSFER_LIMITS]
    bounds = [(limit, room) for limit, room in rooms if room is not None]
    with_approval = [room for limit, room in bounds if limit.beyond is not Verdict.APPROVAL]
    limited_by, now_cents = min(bounds, key=lambda bound: bound[1]) if bounds else (None, None)
    return Allowance(
        entry,
        tuple(_use(entry, period, usage, at) for period in SpendPeriod),
        now_cents,
        min(with_approval, default=None),
        limited_by,
    )


def _payable(room: int | None) -> int | None:
    return 0 if room is not None and room < MIN_TRANSFER_CENTS else room


def _use(entry: Permission, period: SpendPeriod, usage: Usage, at: datetime) -> PeriodUse:
    used = usage.get((entry.spend_id, period), NOTHING) if entry.spend_id else NOTHING
    left = {
        limit.counts_money: max(0, most - (limit.used(entry, usage) or 0))
        for limit in PERIOD_LIMITS
        if limit.period is period and (most := limit.of(entry)) is not None
    }
    return PeriodUse(period, used, left.get(True), left.get(False), resets_at(period, at))
