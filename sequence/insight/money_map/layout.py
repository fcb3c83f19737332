"""Layout of the money map, in whole pixels. Pure arithmetic; the same input gives the same picture.

Columns of boxes from left to right. An arrow leaves a box at its right side and enters one at its left; each has a
place of its own there, so that arrows, and the labels right before their tips, never lie on each other or on a box.
What does not lead to the right, such as an arrow that closes a cycle, runs around below.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sequence.insight.money_map.layers import Edge, Layers, Slot, sort_into_layers

BOX_WIDTH = 138
BOX_HEIGHT = 46
# Between two arrows at one side of a box: room for the widest one, and for a label of two lines.
PLACE_HEIGHT = 28
PASSAGE_HEIGHT = 22
ROW_GAP = 14
# Between columns: a bend, then a straight piece that carries the label, then the tip. The higher the picture, the wider
# the bends: else the lines stand upright, one on the other.
NARROWEST_BEND, WIDEST_BEND = 46, 166
HEIGHT_FOR_ONE_OF_BEND = 12
STRAIGHT = 72
TIP = 10
MARGIN = 12
# Arrows that run around: how far apart below, and how far apart where they go down and up, within the bends.
LANE_HEIGHT = 16
TRACK_WIDTH = 5
CORNER = 8

Point = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A node's rectangle."""

    x: int
    y: int
    height: int
    width: int = BOX_WIDTH

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True)
class Arrow:
    """An edge's line as an SVG path that ends ``TIP`` before ``end``, which touches the target's box."""

    start: Point
    end: Point
    path: str
    is_back: bool

    @property
    def label(self) -> Point:
        """The middle of the label, on the straight piece before the tip."""
        return self.end[0] - TIP - (STRAIGHT - TIP) // 2, self.end[1]


@dataclass(frozen=True)
class Layout:
    """The picture: its size, a box for every node, an arrow for every edge, in their orders."""

    width: int
    height: int
    boxes: dict[str, Box]
    arrows: list[Arrow]


def lay_out(nodes: Sequence[str], edges: Sequence[Edge]) -> Layout:
    """Return where the nodes and edges stand."""
    return _Drawing(edges, sort_into_layers(nodes, edges)).layout(nodes)


class _Drawing:
    def __init__(self, edges: Sequence[Edge], layers: Layers) -> None:
        self.edges = edges
        self.layers = layers
        self.leaving, self.entering = self._edges_by_side()
        self.rows = self._stack()
        self.bottom = max((y + height for y, height in self.rows.values()), default=MARGIN)
        self.bend = min(max(NARROWEST_BEND, self.bottom // HEIGHT_FOR_ONE_OF_BEND), WIDEST_BEND)
        self.tracks = (self.bend - 2 * CORNER) // TRACK_WIDTH
        reaches_left = any(Slot(0, node=edges[number].target) in layers.columns[0] for number in layers.back)
        self.left = MARGIN + (STRAIGHT + self.bend if reaches_left else 0)

    def layout(self, nodes: Sequence[str]) -> Layout:
        boxes = {slot.node: self._box(slot) for slot in self.rows if slot.node is not None}
        starts, ends = self._places(boxes)
        lanes = {number: lane for lane, number in enumerate(self.layers.back)}
        arrows = [
            self._around(lanes[number], starts[number], ends[number])
            if number in lanes
            else self._forward(self.layers.ways[number], starts[number], ends[number])
            for number in range(len(self.edges))
        ]
        right = max((box.right for box in boxes.values()), default=self.left)
        return Layout(
            width=right + MARGIN + (self.bend if lanes else 0),
            height=self.bottom + MARGIN + LANE_HEIGHT * len(lanes),
            boxes={node: boxes[node] for node in nodes},
            arrows=arrows,
        )

    def _edges_by_side(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """Return the edges at the right and at the left side of each node, from top to bottom: in the order of where
        they come from or go to, so that they do not cross right at the box; those that run around are the lowest."""
        place = {slot: place for column in self.layers.columns for place, slot in enumerate(column)}
        around = len(place)
        leaving, entering = defaultdict(list), defaultdict(list)
        for number, edge in enumerate(self.edges):
            way = self.layers.ways.get(number)
            leaving[edge.source].append((place[way[1]] if way else around, number))
            entering[edge.target].append((place[way[-2]] if way else around, number))
        return _in_order(leaving), _in_order(entering)

    def _stack(self) -> dict[Slot, tuple[int, int]]:
        """Return the top and the height of every slot: each column one below the other, all centred on one line."""
        columns = [[(slot, self._height(slot)) for slot in column] for column in self.layers.columns]
        totals = [sum(height + ROW_GAP for _, height in column) - ROW_GAP for column in columns]
        rows = {}
        for column, total in zip(columns, totals, strict=True):
            y = MARGIN + (max(totals) - total) // 2
            for slot, height in column:
                rows[slot] = (y, height)
                y += height + ROW_GAP
        return rows

    def _height(self, slot: Slot) -> int:
        if slot.node is None:
            return PASSAGE_HEIGHT
        places = max(len(side.get(slot.node, [])) for side in (self.leaving, self.entering))
        return max(BOX_HEIGHT, places * PLACE_HEIGHT)

    def _x(self, layer: int) -> int:
        return self.left + layer * (BOX_WIDTH + self.bend + STRAIGHT)

    def _box(self, slot: Slot) -> Box:
        y, height = self.rows[slot]
        return Box(self._x(slot.layer), y, height)

    def _places(self, boxes: dict[str, Box]) -> tuple[dict[int, Point], dict[int, Point]]:
        """Return where each edge leaves its source and enters its target."""
        starts = {
            number: (boxes[node].right, y)
            for node, numbers in self.leaving.items()
            for number, y in zip(numbers, _spread(boxes[node], len(numbers)), strict=True)
        }
        ends = {
            number: (boxes[node].x, y)
            for node, numbers in self.entering.items()
            for number, y in zip(numbers, _spread(boxes[node], len(numbers)), strict=True)
        }
        return starts, ends

    def _forward(self, way: Sequence[Slot], start: Point, end: Point) -> Arrow:
        x, y = start
        path = f"M{x} {y}"
        for slot in way[1:]:
            top, height = self.rows[slot]
            next_y = end[1] if slot is way[-1] else top + height // 2
            middle, end_of_bend = x + self.bend // 2, x + self.bend
            path += f" C{middle} {y} {middle} {next_y} {end_of_bend} {next_y}"
            x, y = self._x(slot.layer) + BOX_WIDTH, next_y
            path += f" H{end[0] - TIP if slot is way[-1] else x}"
        return Arrow(start, end, path, is_back=False)

    def _around(self, lane: int, start: Point, end: Point) -> Arrow:
        """Out, down, back below everything, up, and in, with rounded corners."""
        track = lane % self.tracks * TRACK_WIDTH
        down, up = start[0] + CORNER + track, end[0] - STRAIGHT - track
        below = self.bottom + LANE_HEIGHT * (lane + 1) - LANE_HEIGHT // 2
        path = (
            f"M{start[0]} {start[1]} H{down - CORNER} Q{down} {start[1]} {down} {start[1] + CORNER}"
            f" V{below - CORNER} Q{down} {below} {down - CORNER} {below}"
            f" H{up + CORNER} Q{up} {below} {up} {below - CORNER}"
            f" V{end[1] + CORNER} Q{up} {end[1]} {up + CORNER} {end[1]} H{end[0] - TIP}"
        )
        return Arrow(start, end, path, is_back=True)


def _in_order(side: dict[str, list[tuple[int, int]]]) -> dict[str, list[int]]:
    return {node: [number for _, number in sorted(found)] for node, found in side.items()}


def _spread(box: Box, number: int) -> list[int]:
    """Return evenly spread heights along the box's side."""
    top = box.y + (box.height - number * PLACE_HEIGHT) // 2
    return [top + index * PLACE_HEIGHT + PLACE_HEIGHT // 2 for index in range(number)]
