"""Sorting a graph into columns: cycles broken, each node as far right as its longest way in, few crossings. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

# Sweeps from left to right and back. More change nothing that anybody sees.
SWEEPS = 8


class Edge(NamedTuple):
    """An arrow between two nodes. A loose one does not move its nodes, if others say where they stand."""

    source: str
    target: str
    is_loose: bool = False


class Slot(NamedTuple):
    """A place in a column: a node's, or, with the number of an edge, where that edge passes the column by."""

    layer: int
    node: str | None = None
    edge: int | None = None


@dataclass(frozen=True)
class Layers:
    """``columns`` from left to right, each from top to bottom; ``ways`` are the slots that an edge goes through, from
    its source to its target, for every edge but the ``back`` ones, which do not lead to the right."""

    columns: list[list[Slot]]
    ways: dict[int, list[Slot]]
    back: list[int]


def sort_into_layers(nodes: Sequence[str], edges: Sequence[Edge]) -> Layers:
    """Return the columns of the graph. The same input gives the same columns; earlier nodes tend to stand further left.

    Every end of an edge is one of ``nodes``.
    """
    firm = _firm(edges)
    closing, order = _search(nodes, firm)
    layer = _longest_ways(order, [edge for number, edge in enumerate(firm) if number not in closing])
    ways = {
        number: _way(number, edge, layer)
        for number, edge in enumerate(edges)
        if layer[edge.source] < layer[edge.target]
    }
    columns: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        columns[layer[node]].append(Slot(layer[node], node=node))
    for way in ways.values():
        for slot in way[1:-1]:
            columns[slot.layer].append(slot)
    _uncross(columns, ways.values())
    return Layers(columns, ways, [number for number in range(len(edges)) if number not in ways])


def _firm(edges: Sequence[Edge]) -> list[Edge]:
    """Return the edges that say where nodes stand: a loose one only for a node that has no other."""
    held = {node for edge in edges if not edge.is_loose for node in (edge.source, edge.target)}
    return [edge for edge in edges if not edge.is_loose or edge.source not in held or edge.target not in held]


def _search(nodes: Sequence[str], edges: Sequence[Edge]) -> tuple[set[int], list[str]]:
    """Return the edges that lead back to a node whose search has not ended, and the nodes in topological order without
    them. Depth first, on a stack of its own: a chain of accounts may be longer than Python's."""
    outgoing = defaultdict(list)
    for number, edge in enumerate(edges):
        outgoing[edge.source].append(number)
    back: set[int] = set()
    ended: list[str] = []
    is_open: dict[str, bool] = {}
    for root in nodes:
        if root in is_open:
            continue
        is_open[root] = True
        stack = [(root, iter(outgoing[root]))]
        while stack:
            node, rest = stack[-1]
            for number in rest:
                target = edges[number].target
                if target not in is_open:
                    is_open[target] = True
                    stack.append((target, iter(outgoing[target])))
                    break
                if is_open[target]:
                    back.add(number)
            else:
                is_open[node] = False
                ended.append(node)
                stack.pop()
    return back, ended[::-1]


def _longest_ways(order: Sequence[str], forward: Sequence[Edge]) -> dict[str, int]:
    """Return each node's column. One that nothing leads to stands right before the first that it leads to."""
    targets = defaultdict(list)
    for edge in forward:
        targets[edge.source].append(edge.target)
    layer = dict.fromkeys(order, 0)
    for node in order:
        for target in targets.get(node, ()):
            layer[target] = max(layer[target], layer[node] + 1)
    for node in targets.keys() - {edge.target for edge in forward}:
        layer[node] = min(layer[target] for target in targets[node]) - 1
    return layer


def _way(number: int, edge: Edge, layer: dict[str, int]) -> list[Slot]:
    first, last = layer[edge.source], layer[edge.target]
    passed = (Slot(between, edge=number) for between in range(first + 1, last))
    return [Slot(first, node=edge.source), *passed, Slot(last, node=edge.target)]


def _uncross(columns: list[list[Slot]], ways: Iterable[list[Slot]]) -> None:
    """Put each slot near the middle of its neighbours in the column before, then in the one after, and so on."""
    before, after = defaultdict(list), defaultdict(list)
    for way in ways:
        for left, right in pairwise(way):
            after[left].append(right)
            before[right].append(left)
    place = {slot: place for column in columns for place, slot in enumerate(column)}
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        neighbours = before if rightwards else after
        for column in columns if rightwards else reversed(columns):
            middles = {slot: _middle(neighbours[slot], place, place[slot]) for slot in column}
            column.sort(key=middles.__getitem__)
            place.update((slot, place) for place, slot in enumerate(column))


def _middle(neighbours: Sequence[Slot], place: dict[Slot, int], own: int) -> float:
    return fmean(place[slot] for slot in neighbours) if neighbours else own
