"""Grouping of the money map: what is too much for one picture stands in it together, kind by kind.

The accounts through which most flows stay on their own; the others of each kind share a box. Sums stay true: an arrow
to a group is the sum of those that it stands for, and what flows within one group is left to the table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from accounts.models import Account
from sequence.insight.money_map.flows import Flow, FlowKind

_PREFIX = "others-"


@dataclass(frozen=True)
class Grouped:
    """Flows between places of which some are groups. ``sizes`` counts the accounts of each group, by its key."""

    flows: list[Flow]
    sizes: dict[str, int]


def touching(flows: Iterable[Flow], account_id: str) -> list[Flow]:
    """Return what comes to one account or leaves it: the account with its neighbours."""
    return [flow for flow in flows if account_id in (flow.source, flow.target)]


def group(flows: Sequence[Flow], accounts: dict[str, Account], *, most: int, focus: str | None = None) -> Grouped:
    """Return the flows with at most so many accounts on their own, the one in focus always among them."""
    kept = _largest(flows, accounts, most, focus)
    groups = {id: f"{_PREFIX}{account.type}" for id, account in accounts.items() if id not in kept}
    present = {end for flow in flows for end in (flow.source, flow.target)}
    sizes: dict[str, int] = defaultdict(int)
    for id, key in groups.items():
        sizes[key] += id in present
    merged: dict[tuple[str, str], Flow] = {}
    shown: list[Flow] = []
    for flow in flows:
        ends = (groups.get(flow.source, flow.source), groups.get(flow.target, flow.target))
        if ends == (flow.source, flow.target):
            shown.append(flow)
        elif ends[0] != ends[1]:
            merged[ends] = _sum(merged.get(ends), flow, *ends)
    together = [*shown, *merged.values()]
    together.sort(key=lambda flow: (-flow.cents, -flow.number))
    return Grouped(together, {key: size for key, size in sizes.items() if size})


def kind_of_group(key: str) -> str:
    """Return the type of the accounts that share a group."""
    return key.removeprefix(_PREFIX)


def _largest(flows: Sequence[Flow], accounts: Collection[str], most: int, focus: str | None) -> set[str]:
    through: dict[str, int] = defaultdict(int)
    for flow in flows:
        for end in (flow.source, flow.target):
            if end in accounts:
                through[end] += flow.cents
    order = sorted(through, key=lambda id: (id != focus, -through[id], id))
    # A group of one would say less in the same room.
    return set(order if len(order) <= most + 1 else order[:most])


def _sum(before: Flow | None, flow: Flow, source: str, target: str) -> Flow:
    if before is None:
        return Flow(FlowKind.SEVERAL, source, target, flow.number, flow.cents)
    return replace(before, number=before.number + flow.number, cents=before.cents + flow.cents)
