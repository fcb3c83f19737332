"""Rounds: workers that go from one organization to the next, where the rows of each are on a machine of their own.

On one machine a batch takes what is due, whosever it is. Spread over many, its statements would go to all of them: so
each sweep is asked once more for each organization that has something due, and names that one alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.conf import settings

from sequence.core.sweeps import Sweep, name_of, only_for, swept_organization
from sequence.core.typing import Rows

Done = TypeVar("Done")

# Of what is due, so many rows are looked at, the first in the order in which the sweep takes them: an organization
# behind them has its turn when they are done.
LOOKED_AT = 1000


@dataclass(frozen=True)
class ForOrganization:
    """A sweep that works for one organization. Equal to another one of the same two: one that broke is known again."""

    sweep: Sweep
    organization_id: str

    def __call__(self, now: datetime) -> int:
        with only_for(self.organization_id):
            return self.sweep(now)

    @property
    def __name__(self) -> str:
        return name_of(self.sweep)


def in_rounds(sweeps: Sequence[Sweep], now: datetime) -> Sequence[Sweep]:
    """Return the sweeps as they are, or with WORK_BY_ORGANIZATION one for each organization that it has work for.

    What belongs to nobody, or tells of no organization, is done by the sweep itself.
    """
    if not _go_round():
        return sweeps
    return [turn for sweep in sweeps for turn in _turns(sweep, now)]


def do_in_turns(owned: Sequence[tuple[str, str]], work: Callable[[list[str]], list[Done]]) -> list[Done]:
    """Work on rows that are given as (organization's id, id), and return what that brings.

    On all at once, or with WORK_BY_ORGANIZATION on those of one organization after the other, for it alone.
    """
    if not _go_round():
        return work([id for _, id in owned]) if owned else []
    done: list[Done] = []
    for organization_id in dict.fromkeys(owner for owner, _ in owned):
        with only_for(organization_id):
            done += work([id for owner, id in owned if owner == organization_id])
    return done


def _go_round() -> bool:
    """Who works for one organization already, as the demo does, goes to no other."""
    return settings.WORK_BY_ORGANIZATION and swept_organization() is None


def _turns(sweep: Sweep, now: datetime) -> Iterator[Sweep]:
    due_rows = getattr(sweep, "due_rows", None)
    due = due_rows(now) if due_rows else None
    if due is None:
        yield sweep
        return
    owners: dict[str | None, None] = {}  # A set that keeps its order.
    for rows in due:
        owners |= dict.fromkeys(_owners(rows))
    for owner in owners:
        yield sweep if owner is None else ForOrganization(sweep, owner)


def _owners(rows: Rows) -> list[str | None]:
    if not any(field.name == "organization" for field in rows.model._meta.get_fields()):
        return [None] if rows.exists() else []
    first = rows.values_list("organization_id", flat=True)[:LOOKED_AT]
    return list(first)
