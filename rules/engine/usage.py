"""Usage of limits: what rules have moved by each of their actions in the periods around their runs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.engine.definition import Definition
from rules.engine.vocabulary import LimitPeriod
from sequence.core.periods import bounds

_UNITS = {LimitPeriod.PER_WEEK: "week", LimitPeriod.PER_MONTH: "month", LimitPeriod.PER_YEAR: "year"}


@dataclass(frozen=True)
class Window:
    """A time in which a version of a rule counts what the rule has moved: from ``begins_at`` on, before ``ends_at``.

    ``version_id`` is None of what is no version yet.
    """

    rule_id: str
    version_id: int | None
    begins_at: datetime
    ends_at: datetime


Windows = Mapping[LimitPeriod, Window]
# A window, what an action is (its key and its group; None where another version moved it), and cents.
Sum = tuple[Window, str, int | None, int]


def period_around(period: LimitPeriod, at: datetime) -> tuple[datetime, datetime]:
    """Return where the week (from Monday), month or year that holds ``at`` begins, and where the next does. UTC."""
    return bounds(_UNITS[period], at)


def windows_of(definition: Definition, *, rule_id: str, version_id: int | None, due_at: datetime) -> Windows:
    """Return the windows in which a run that is due at the instant has limits."""
    return {
        period: Window(rule_id, version_id, *period_around(period, due_at))
        for period in sorted(definition.limit_periods - {LimitPeriod.PER_TRANSFER})
    }


class Usage:
    """What was moved in the windows that were opened. What failed does not count.

    The action counts, not its place in the rule or the limit that it had then: rewriting a rule must not fill its
    limits up again. So of what another version moved, the group does not count either.
    """

    def __init__(self) -> None:
        self._moved: dict[Window, dict[tuple[str, int | None], int]] = {}
        self._of_rule: defaultdict[str, list[Window]] = defaultdict(list)

    def open(self, windows: Iterable[Window], sums: Iterable[Sum] = ()) -> None:
        """Count in these windows from now on; the sums are what was moved in them before."""
        for window in windows:
            if window not in self._moved:
                self._moved[window] = {}
                self._of_rule[window.rule_id].append(window)
        for window, key, group, cents in sums:
            self._add(window, key, group, cents)

    def has(self, window: Window) -> bool:
        """Say whether the window was opened."""
        return window in self._moved

    def note(
        self, *, rule_id: str, version_id: int | None, counted_at: datetime, key: str, group: int, cents: int
    ) -> None:
        """Count what a run has moved by an action."""
        for window in self._of_rule[rule_id]:
            if window.begins_at <= counted_at < window.ends_at:
                self._add(window, key, group if version_id == window.version_id else None, cents)

    def moved_cents(self, windows: Windows) -> dict[tuple[str, int | None, str], int]:
        """Return what the rule has moved by each action in these windows, as a snapshot has it."""
        return {
            (key, group, period.value): cents
            for period, window in windows.items()
            for (key, group), cents in self._moved[window].items()
        }

    def _add(self, window: Window, key: str, group: int | None, cents: int) -> None:
        moved = self._moved[window]
        moved[key, group] = moved.get((key, group), 0) + cents
