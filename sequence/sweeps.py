"""What workers do: sweeps, each of which claims some due rows, finishes them in one transaction, and says how many.

Rows are the truth. A sweep that is killed has done nothing, or all of it; the next worker finds what is left. Apps
register their sweeps when they load, so that the worker knows none of them.
"""

from collections.abc import Callable
from datetime import datetime

Sweep = Callable[[datetime], int]

_sweeps: list[Sweep] = []


def register_sweep(sweep: Sweep) -> None:
    """Let workers run ``sweep``: it takes the time, does one batch of what is due, and returns how many rows it was."""
    if sweep not in _sweeps:
        _sweeps.append(sweep)


def sweep_all(now: datetime) -> int:
    """Run each sweep once and return how many rows were done. Repeat until it returns 0."""
    return sum(sweep(now) for sweep in _sweeps)
