"""Where everything of the money map stands: pure arithmetic, over all kinds of graphs."""

import re
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sequence.core.money import brief_dollars
from sequence.insight.money_map.layers import Edge, sort_into_layers
from sequence.insight.money_map.layout import MARGIN, PLACE_HEIGHT, STRAIGHT, TIP, lay_out
from sequence.insight.money_map.picture import THICKEST, THINNEST, shorten, stroke_width


@st.composite
def graphs(draw, most_nodes=12, most_edges=30):
    """Any nodes and edges: cycles, loops, twins of one edge, islands."""
    nodes = [f"n{number}" for number in range(draw(st.integers(1, most_nodes)))]
    ends = st.sampled_from(nodes)
    edges = draw(st.lists(st.builds(Edge, ends, ends, st.booleans()), max_size=most_edges))
    return nodes, edges


def overlap(one, other) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def label_rectangle(arrow):
    """Left, top, right and bottom of what a label of two lines may take, on the straight piece before the tip."""
    x, y = arrow.label
    half = (STRAIGHT - TIP) // 2
    return x - half, y - PLACE_HEIGHT // 2, x + half, y + PLACE_HEIGHT // 2


def points_of(path: str) -> list[tuple[int, int]]:
    """Every point that an SVG path names."""
    x = y = 0
    points = []
    for letter, numbers in re.findall(r"([MCQHV])([-\d ]+)", path):
        values = [int(number) for number in numbers.split()]
        if letter == "H":
            x = values[0]
        elif letter == "V":
            y = values[0]
        else:
            points += list(zip(values[::2], values[1::2], strict=True))
            x, y = values[-2:]
        points.append((x, y))
    return points


class TestLayOut:
    @given(graphs())
    def test_no_two_boxes_overlap(self, graph):
        layout = lay_out(*graph)

        assert list(layout.boxes) == graph[0]
        assert not any(overlap(one, other) for one, other in combinations(layout.boxes.values(), 2))

    @given(graphs())
    def test_every_arrow_leaves_its_source_at_the_right_and_touches_its_target_at_the_left(self, graph):
        layout = lay_out(*graph)

        for edge, arrow in zip(graph[1], layout.arrows, strict=True):
            source, target = layout.boxes[edge.source], layout.boxes[edge.target]
            assert arrow.start[0] == source.right
            assert source.y < arrow.start[1] < source.bottom
            assert arrow.end[0] == target.x
            assert target.y < arrow.end[1] < target.bottom
            points = points_of(arrow.path)
            assert points[0] == arrow.start
            assert points[-1] == (arrow.end[0] - TIP, arrow.end[1])

    @given(graphs())
    def test_no_two_arrows_share_a_place_and_each_has_room_for_the_widest(self, graph):
        layout = lay_out(*graph)

        for ends in ([arrow.start for arrow in layout.arrows], [arrow.end for arrow in layout.arrows]):
            for one, other in combinations(ends, 2):
                assert one[0] != other[0] or abs(one[1] - other[1]) >= PLACE_HEIGHT > THICKEST

    @given(graphs())
    def test_no_label_lies_on_a_box_or_on_another_label(self, graph):
        layout = lay_out(*graph)
        labels = [label_rectangle(arrow) for arrow in layout.arrows]
        boxes = [(box.x, box.y, box.right, box.bottom) for box in layout.boxes.values()]

        for left, top, right, bottom in labels:
            for x, y, x2, y2 in boxes:
                assert left >= x2 or right <= x or top >= y2 or bottom <= y
        for one, other in combinations(labels, 2):
            assert one[0] >= other[2] or one[2] <= other[0] or one[1] >= other[3] or one[3] <= other[1]

    @given(graphs())
    def test_everything_is_inside_the_picture(self, graph):
        layout = lay_out(*graph)

        for box in layout.boxes.values():
            assert box.x >= MARGIN
            assert box.y >= MARGIN
            assert box.right <= layout.width - MARGIN
            assert box.bottom <= layout.height - MARGIN
        for arrow in layout.arrows:
            for x, y in points_of(arrow.path):
                assert 0 <= x <= layout.width
                assert 0 <= y <= layout.height

    @given(graphs())
    def test_a_passing_arrow_keeps_off_the_boxes_between_its_ends(self, graph):
        layout = lay_out(*graph)
        boxes = layout.boxes.values()

        for arrow in layout.arrows:
            inner = [point for point in points_of(arrow.path) if arrow.start != point]
            assert not any(box.x < x < box.right and box.y < y < box.bottom for x, y in inner for box in boxes)

    @given(graphs())
    def test_the_same_graph_gives_the_same_picture(self, graph):
        assert lay_out(*graph) == lay_out(*graph)

    @settings(deadline=None, max_examples=20)
    @given(graphs(most_nodes=80, most_edges=200))
    def test_large_graphs_too_come_to_an_end(self, graph):
        assert len(lay_out(*graph).arrows) == len(graph[1])

    def test_a_chain_longer_than_pythons_own_stack(self):
        nodes = [str(number) for number in range(3000)]
        edges = [Edge(one, other) for one, other in pairwise(nodes)]

        assert len(lay_out(nodes, edges).boxes) == 3000

    def test_nothing_at_all(self):
        assert lay_out([], []).arrows == []


class TestLayers:
    @given(graphs())
    def test_every_edge_leads_to_the_right_or_is_told_to_run_around(self, graph):
        nodes, edges = graph
        layers = sort_into_layers(nodes, edges)
        column = {slot.node: number for number, slots in enumerate(layers.columns) for slot in slots if slot.node}

        assert sorted(column) == sorted(nodes)
        for number, edge in enumerate(edges):
            assert (number in layers.back) == (column[edge.source] >= column[edge.target])
        assert all(layers.columns)

    def columns_of(self, nodes: str, *edges: tuple[str, str]) -> list[str]:
        layers = sort_into_layers(list(nodes), [Edge(*ends) for ends in edges])
        return ["".join(sorted(slot.node for slot in column if slot.node)) for column in layers.columns]

    def test_the_longest_way_counts(self):
        assert self.columns_of("abc", ("a", "b"), ("b", "c"), ("a", "c")) == ["a", "b", "c"]

    def test_what_nothing_leads_to_stands_right_before_what_it_leads_to(self):
        assert self.columns_of("abcd", ("a", "b"), ("b", "c"), ("d", "c")) == ["a", "bd", "c"]

    def test_a_cycle_is_opened_where_money_comes_in(self):
        layers = sort_into_layers(["in", "a", "b"], [Edge("in", "a"), Edge("a", "b"), Edge("b", "a")])

        assert layers.back == [2]

    def test_a_loose_edge_moves_nobody_who_has_another(self):
        firm, loose = [Edge("in", "a"), Edge("in", "b")], Edge("a", "b", is_loose=True)

        assert sort_into_layers(["in", "a", "b"], [*firm, loose]).back == [2]
        assert sort_into_layers(["in", "a", "b"], [firm[0], loose]).back == []

    def test_arrows_that_need_not_cross_do_not(self):
        nodes = ["a", "b", "c", "x", "y", "z"]
        layout = lay_out(nodes, [Edge("a", "z"), Edge("b", "y"), Edge("c", "x")])

        lefts = sorted("abc", key=lambda node: layout.boxes[node].y)
        rights = sorted("xyz", key=lambda node: layout.boxes[node].y)
        assert list(zip(lefts, rights, strict=True)) in (
            [("a", "z"), ("b", "y"), ("c", "x")],
            [("c", "x"), ("b", "y"), ("a", "z")],
        )


class TestStrokeWidth:
    @given(st.integers(0, 2**53), st.integers(1, 2**53))
    def test_lies_between_the_thinnest_and_the_thickest(self, cents, largest):
        assert THINNEST <= stroke_width(min(cents, largest), largest) <= THICKEST

    def test_grows_with_the_root_of_the_amount(self):
        assert [stroke_width(cents, 100_00) for cents in (0, 1, 25_00, 100_00)] == [2, 2, 8, 14]


class TestWords:
    def test_long_names_are_shortened(self):
        assert shorten("Groceries", 9) == "Groceries"
        assert shorten("Groceries and more", 11) == "Groceries…"

    def test_amounts_fit_a_label(self):
        shown = [brief_dollars(cents) for cents in (0, 99_999_999, 100_000_000, 123_456_789_00, -(2**53) + 1)]

        assert shown == ["$0.00", "$999,999.99", "$1.00M", "$123.45M", "-$90.07T"]
