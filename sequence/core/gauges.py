"""Gauge: a figure that monitors read. Apps say theirs as functions of an instant; ``wiring.GAUGES`` lists them.

All figures come from the database, so that each process gives the same ones, and one that ends takes none with it.
They hold no ids, names or amounts of money.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Gauge:
    """A figure, or several told apart by one label: ``values`` has them by its value, ``""`` where there is none.

    ``name`` ends in its unit where it has one, as in ``…_seconds``.
    """

    name: str
    help: str
    values: Mapping[str, float] = field(default_factory=dict)
    label: str = ""


ReadGauges = Callable[[datetime], Iterable[Gauge]]


def seconds_since(moment: datetime | None, now: datetime) -> float:
    """Return how old something is, in seconds; 0 where there is nothing, or the clock was set back."""
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
