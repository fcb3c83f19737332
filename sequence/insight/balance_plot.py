"""Balance plot: where the points of a history stand, in whole pixels. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sequence.core.money import brief_dollars
from sequence.insight.balance_history import BalanceHistory

WIDTH, HEIGHT = 1200, 300
# Room for the labels around.
LEFT, RIGHT, TOP, BOTTOM = 92, 44, 16, 34
# About how many lines and dates are read with ease.
MOST_LINES, MOST_DATES = 5, 8


class Tick(NamedTuple):
    """A mark on an axis of the plot."""

    position: int
    label: str


class Bar(NamedTuple):
    """What came (upwards) or went (downwards) in a point's days."""

    x: int
    y: int
    width: int
    height: int
    classes: str


@dataclass(frozen=True)
class Plot:
    """What is drawn. There is a line where balances are known, else bars."""

    amounts: list[Tick]
    dates: list[Tick]
    zero: int
    line: str
    area: str
    bars: list[Bar]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def plot(history: BalanceHistory) -> Plot:
    """Return the history's plot: a line that steps where money moved, or bars where no balance is known."""
    if history.opening_cents is None:
        values = [cents for point in history.points for cents in (point.gained_cents, -point.lost_cents)]
    else:
        values = history.balances
    return _plot(history, _Scale(history, values))


def _plot(history: BalanceHistory, scale: "_Scale") -> Plot:
    line = _line(history, scale) if history.opening_cents is not None else ""
    return Plot(
        amounts=[Tick(scale.y(cents), brief_dollars(cents)) for cents in scale.lines],
        dates=scale.dates(),
        zero=scale.y(0),
        line=line,
        area=f"{line} V{scale.y(0)} H{LEFT} Z" if line else "",
        bars=[] if line else _bars(history, scale),
    )


def plots_together(histories: Sequence[BalanceHistory]) -> list[Plot]:
    """Return a plot of each of these histories of one period whose balances are known, all on one scale."""
    values = [cents for history in histories for cents in history.balances]
    return [_plot(history, _Scale(history, values)) for history in histories]


def lines_for(values: Sequence[int]) -> list[int]:
    """Return round amounts, evenly spaced, that enclose zero and all values."""
    low, high = min(0, *values), max(0, *values)
    step = _round_step(high - low)
    first, last = low // step, -(-high // step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _round_step(span: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … cents that divides the span into few parts."""
    unit = 1
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            if step * MOST_LINES >= max(span, 100):  # A scale finer than dollars tells nothing about nothing.
                return step
        unit *= 10


class _Scale:
    def __init__(self, history: BalanceHistory, values: Sequence[int]) -> None:
        self.period = history.period
        self.lines = lines_for(values or [0])

    def y(self, cents: int) -> int:
        low, high = self.lines[0], self.lines[-1]
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - cents) // (high - low)

    def x(self, day: date) -> int:
        """Return where the day begins."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - self.period.first).days // self.period.days

    def dates(self) -> list[Tick]:
        step = -(-self.period.days // MOST_DATES)
        days = (self.period.first + timedelta(days=number) for number in range(0, self.period.days, step))
        return [Tick(self.x(day), f"{day:%Y-%m-%d}") for day in days]


def _line(history: BalanceHistory, scale: _Scale) -> str:
    path = f"M{LEFT} {scale.y(history.opening_cents or 0)}"
    for point in history.points:
        path += f" H{_end(scale, point.last)} V{scale.y(point.balance_cents or 0)}"
    return f"{path} H{WIDTH - RIGHT}"


def _bars(history: BalanceHistory, scale: _Scale) -> list[Bar]:
    bars = []
    for point in history.points:
        x, zero = scale.x(point.first), scale.y(0)
        width = max(2, _end(scale, point.last) - x - 1)
        top, bottom = scale.y(point.gained_cents), scale.y(-point.lost_cents)
        bars += [Bar(x, top, width, zero - top, "gain"), Bar(x, zero, width, bottom - zero, "loss")]
    return [bar for bar in bars if bar.height]


def _end(scale: _Scale, last: date) -> int:
    return scale.x(last + timedelta(days=1))
