"""Sweeps, the work of workers: each claims some due rows, finishes them in one transaction, and says how many.

Rows are the truth. A sweep that is killed has done nothing, or all of it; the next worker finds what is left. Which
sweeps there are stands in the wiring.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Protocol, TypeVar

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

log = structlog.get_logger("sequence.core.sweeps")

# Takes the time, does one batch of what is due, and returns how many rows it was.
Sweep = Callable[[datetime], int]

# The database went away or wants the work again; no row is to blame.
DATABASE_TROUBLE = (OperationalError, InterfaceError)

Rows = TypeVar("Rows", bound=QuerySet)

_organization_id: ContextVar[str | None] = ContextVar("swept_organization_id", default=None)


@contextmanager
def only_for(organization_id: str) -> Iterator[None]:
    """Let sweeps work for one organization, in this thread alone, until the block ends.

    Whoever runs them inside a long transaction, or on a clock of its own, must neither lock anybody else's rows nor
    drag their money to another time.
    """
    token = _organization_id.set(organization_id)
    try:
        yield
    finally:
        _organization_id.reset(token)


def swept_organization() -> str | None:
    """Return the id of the one organization that sweeps work for; None where it is all of them."""
    return _organization_id.get()


def swept(rows: Rows) -> Rows:
    """Return those of the rows that sweeps may take: every sweep finds its work through this."""
    organization_id = swept_organization()
    return rows if organization_id is None else rows.filter(organization_id=organization_id)


def name_of(sweep: Sweep) -> str:
    """Return the name under which logs and pages show it."""
    return getattr(sweep, "__name__", repr(sweep))


class BatchJob(Protocol):
    """Claims at most ``limit`` due rows, puts their ids into ``claimed``, and finishes them in one transaction."""

    def __call__(self, now: datetime, *, limit: int, claimed: list[str]) -> None: ...


def do_batch(batch: BatchJob, now: datetime, *, size: int, defer: Callable[[str, datetime], None]) -> int:
    """Do one batch of at most ``size`` rows, and return how many it was.

    If it breaks, nothing of it is done, and the rows follow one at a time; one that breaks alone is given to
    ``defer``, which sees to it that it is not due for a while. A defect of ours that a single row meets must stop
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
    _do_one_by_one(batch, now, count=len(claimed), defer=defer)
    return len(claimed)


def _do_one_by_one(batch: BatchJob, now: datetime, *, count: int, defer: Callable[[str, datetime], None]) -> None:
    for _ in range(count):
        claimed: list[str] = []
        try:
            batch(now, limit=1, claimed=claimed)
        except DATABASE_TROUBLE:
            raise
        except Exception as error:
            if not claimed:
                raise
            log.error("row_deferred", row=claimed[0], exc_info=error)
            defer(claimed[0], now)
