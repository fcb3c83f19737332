"""Question of a replay: what a rule would have done to some accounts, from when to when, and how they stood then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.engine.definition import Definition
from rules.engine.snapshot import AccountState, CarrierFinder
from rules.engine.usage import Sum, Window


@dataclass(frozen=True)
class Question:
    """A definition, and the time after ``since``, up to and including ``until``.

    ``version_id`` is None of a draft. A payment over a rail arrives after ``rail_delay`` where no real one tells.
    """

    rule_id: str
    version_id: int | None
    definition: Definition
    since: datetime
    until: datetime
    rail_delay: timedelta


@dataclass(frozen=True)
class Opening:
    """How things stood at the beginning.

    ``accounts`` are those that the replay is about, with what was on its way; ``deleted_at`` has when some of them
    went. ``used`` tells what the rule had really moved in windows that had begun.
    """

    accounts: Mapping[str, AccountState]
    carrier_between: CarrierFinder
    deleted_at: Mapping[str, datetime]
    used: Callable[[list[Window]], list[Sum]]
