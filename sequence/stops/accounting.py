"""Accounting of a stop: what was cancelled, what went too far, what was given back, and what may still start."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Count, Q, Sum

from apikeys.limits import SpendPeriod
from apikeys.models import PermissionEntry
from rules.models import Rule
from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from transfers.models import Transfer
from transfers.stopping import not_stopped

# A row, or what tells of one.
Row = TypeVar("Row")

# Lists hold no more than this; counts and sums are whole.
LISTED = 100


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some of the rows of a part of the accounting, and how many cents and rows it is in all."""

    count: int = 0
    amount_cents: int = 0
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Accounting:
    """What one stop did, as the API, the commands and the staff's page tell it. Cents, UTC."""

    stopped: list[dict[str, str]]
    at: datetime
    cancelled: Part[Transfer] = field(default_factory=Part)
    not_stopped: Part[Transfer] = field(default_factory=Part)
    executions_ended: Part[str] = field(default_factory=Part)
    given_back: list[JsonObject] = field(default_factory=list)
    rules: Sequence[Rule] = ()

    def as_json(self) -> JsonObject:
        """Return it as it goes over the wire."""
        ends, late = self.executions_ended, self.not_stopped
        return {
            "stopped": self.stopped[:LISTED],
            "at": show_time(self.at),
            "cancelled": {
                "count": self.cancelled.count,
                "amount_in_cents": self.cancelled.amount_cents,
                "transfer_ids": [transfer.id for transfer in self.cancelled.rows],
            },
            "not_stopped": {
                "count": late.count,
                "amount_in_cents": late.amount_cents,
                "transfers": [_late_transfer(transfer) for transfer in late.rows],
            },
            "executions_ended": {"count": ends.count, "ids": list(ends.rows)},
            "given_back": self.given_back[:LISTED],
            "rules": [{"id": rule.id, "name": rule.nickname, "status": rule.status} for rule in self.rules[:LISTED]],
        }


def _late_transfer(transfer: Transfer) -> JsonObject:
    return {
        "id": transfer.id,
        "status": transfer.status,
        "amount_in_cents": transfer.amount_cents,
        "rail": transfer.rail,
    }


def part_of(transfers: Sequence[Transfer]) -> Part[Transfer]:
    """Return the transfers as a part."""
    return Part(len(transfers), sum(transfer.amount_cents for transfer in transfers), transfers[:LISTED])


def count_not_stopped(which: Q, *, at: datetime) -> Part[Transfer]:
    """Return those of the transfers that went too far to be stopped."""
    rows = not_stopped(which, at=at)
    sums = rows.order_by().aggregate(number=Count("id"), cents=Sum("amount_cents"))
    return Part(sums["number"], sums["cents"] or 0, list(rows[:LISTED]) if sums["number"] else ())


def tell_given_back(transfers: Iterable[Transfer]) -> list[JsonObject]:
    """Return what the caps have got back, by entry and period. An entry that is gone has no source and target."""
    sums: defaultdict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for transfer in transfers:
        if transfer.spend_id is not None:
            sums[transfer.spend_id][0] += transfer.amount_cents
            sums[transfer.spend_id][1] += 1
    entries = PermissionEntry.objects.filter(spend_id__in=list(sums)).order_by("id")
    pairs = {
        spend_id: (source, target) for spend_id, source, target in entries.values_list("spend_id", "source", "target")
    }
    rows = []
    for spend_id, (cents, count) in sums.items():
        source, target = pairs.get(spend_id, (None, None))
        for period in SpendPeriod:
            row = {"source": source, "target": target, "period": period.value}
            rows.append({**row, "amount_in_cents": cents, "count": count})
    return rows
