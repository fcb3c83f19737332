"""What workers do: sweeps, each of which claims some due rows, finishes them in one transaction, and says how many.

Rows are the truth. A sweep that is killed has done nothing, or all of it; the next worker finds what is left. Apps
register their sweeps when they load, so that the worker knows none of them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from django.db import InterfaceError, OperationalError

log = structlog.get_logger("sequence.core.sweeps")

Sweep = Callable[[datetime], int]

# The database went away or wants the work again; no row is to blame.
DATABASE_TROUBLE = (OperationalError, InterfaceError)

_sweeps: list[Sweep] = []
_chores: list[Sweep] = []


def register_sweep(sweep: Sweep) -> None:
    """Let workers run ``sweep``: it takes the time, does one batch of what is due, and returns how many rows it was."""
    if sweep not in _sweeps:
        _sweeps.append(sweep)


def register_chore(chore: Sweep) -> None:
    """Let a worker that has nothing else to do run ``chore``, again and again: it knows itself when it is due.

    Chores look after the house and move no money: ``run_worker --once`` leaves them out.
    """
    if chore not in _chores:
        _chores.append(chore)


def registered_chores() -> Sequence[Sweep]:
    """Return the chores in the order in which they run."""
    return tuple(_chores)


def name_of(sweep: Sweep) -> str:
    """Return the name under which logs and pages show it."""
    return getattr(sweep, "__name__", repr(sweep))


def registered_sweeps() -> Sequence[Sweep]:
    """Return the sweeps in the order in which they run."""
    return tuple(_sweeps)


def sweep_all(now: datetime) -> int:
    """Run each sweep once and return how many rows were done. Repeat until it returns 0."""
    return sum(sweep(now) for sweep in _sweeps)


class Batch(Protocol):
    """Claims at most ``limit`` due rows, puts their ids into ``claimed``, and finishes them in one transaction."""

    def __call__(self, now: datetime, *, limit: int, claimed: list[str]) -> None: ...


def do_batch(batch: Batch, now: datetime, *, size: int, set_aside: Callable[[str, datetime], None]) -> int:
    """Do one batch of at most ``size`` rows, and return how many it was.

    If it breaks, nothing of it is done, and the rows follow one at a time; one that breaks alone is given to
    ``set_aside``, which sees to it that it is not due for a while. A defect of ours that a single row meets must stop
    neither the rows behind it nor the worker. What breaks before a row is claimed is raised.
    """
    claimed: list[str] = []
    try:
        batch(now, limit=size, claimed=claimed)
        return len(claimed)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        if not claimed:
            raise
        log.error("batch_broke", rows=len(claimed), exc_info=error)
    _do_one_by_one(batch, now, count=len(claimed), set_aside=set_aside)
    return len(claimed)


def _do_one_by_one(batch: Batch, now: datetime, *, count: int, set_aside: Callable[[str, datetime], None]) -> None:
    for _ in range(count):
        claimed: list[str] = []
        try:
            batch(now, limit=1, claimed=claimed)
        except DATABASE_TROUBLE:
            raise
        except Exception as error:
            if not claimed:
                raise
            log.error("row_set_aside", row=claimed[0], exc_info=error)
            set_aside(claimed[0], now)
