"""Where the points of a balance's history stand: pure arithmetic."""

import re
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sequence.core.admin.periods import Period
from sequence.insight.balance_history import BalanceHistory, Point
from sequence.insight.balance_plot import HEIGHT, LEFT, MOST_DATES, RIGHT, TOP, WIDTH, lines_for, plot

FIRST = date(2026, 1, 1)
cents = st.integers(0, 2**53 - 1)


@st.composite
def histories(draw, knows_balance=True):
    days = draw(st.integers(1, 400))
    numbers = sorted(draw(st.sets(st.integers(0, days - 1), max_size=30)))
    points = [
        Point(
            FIRST + timedelta(days=number),
            FIRST + timedelta(days=number),
            draw(cents),
            draw(cents),
            1,
            draw(cents) if knows_balance else None,
        )
        for number in numbers
    ]
    period = Period(FIRST, FIRST + timedelta(days=days - 1))
    return BalanceHistory(period, "day", draw(cents) if knows_balance else None, points)


class TestLinesFor:
    @given(st.lists(st.integers(-(2**53), 2**53), min_size=1))
    def test_are_few_round_and_enclose_zero_and_everything(self, values):
        lines = lines_for(values)

        assert lines[0] <= min(0, *values)
        assert lines[-1] >= max(0, *values)
        assert 0 in lines
        assert 2 <= len(lines) <= 8
        step = lines[1] - lines[0]
        assert all(later - earlier == step for earlier, later in pairwise(lines))
        assert str(step).rstrip("0") in ("1", "2", "5")

    def test_for_amounts_that_people_have(self):
        assert lines_for([0, 6_991_24]) == [0, 2_000_00, 4_000_00, 6_000_00, 8_000_00]
        assert lines_for([-70_00, 0]) == [-80_00, -60_00, -40_00, -20_00, 0]
        assert lines_for([0]) == [0, 20]


class TestPlot:
    @given(histories())
    def test_the_line_goes_from_side_to_side_and_stays_inside(self, history):
        drawn = plot(history)

        numbers = re.findall(r"([MHV]) ?(-?\d+)(?: (-?\d+))?", drawn.line)
        xs = [int(x) for letter, x, _ in numbers if letter in "MH"]
        ys = [int(y) for letter, y, _ in numbers if letter == "V"] + [int(numbers[0][2])]
        assert (xs[0], xs[-1]) == (LEFT, WIDTH - RIGHT)
        assert xs == sorted(xs)
        assert all(TOP <= y <= drawn.bottom < HEIGHT for y in ys)
        assert len(ys) == len(history.points) + 1
        assert drawn.bars == []

    @given(histories(knows_balance=False))
    def test_bars_stand_on_the_zero_line_and_stay_inside(self, history):
        drawn = plot(history)

        assert drawn.line == drawn.area == ""
        for bar in drawn.bars:
            assert drawn.zero == (bar.y + bar.height if bar.classes == "gain" else bar.y)
            assert bar.y >= TOP
            assert bar.y + bar.height <= drawn.bottom
            assert bar.x >= LEFT
            assert bar.x + bar.width <= WIDTH - RIGHT + 2

    @given(histories())
    def test_the_dates_are_few_and_apart(self, history):
        dates = plot(history).dates

        assert 1 <= len(dates) <= MOST_DATES
        assert dates[0] == (LEFT, "2026-01-01")
        assert all(later.position - earlier.position > 100 for earlier, later in pairwise(dates))

    def test_more_money_stands_higher(self):
        day = FIRST + timedelta(days=4)
        drawn = plot(BalanceHistory(Period(FIRST, day), "day", 0, [Point(day, day, 500_00, 0, 1, 500_00)]))

        assert drawn.line == f"M{LEFT} {drawn.zero} H{WIDTH - RIGHT} V{TOP} H{WIDTH - RIGHT}"
        assert [tick.label for tick in drawn.amounts][::5] == ["$0.00", "$500.00"]
