"""Findings of a replay: what it counts and lists while it walks. Cents, UTC."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# More of them nobody reads; the sums tell the rest.
MAX_DIFFERENCES = 100

# What a run paid: to whom, how much.
Paid = Sequence[tuple[str, int]]


class Ended(StrEnum):
    """How a run ended; one that is still under way as if all of it arrived."""

    EXECUTED = "executed"
    PARTIAL = "partial"
    FAILED = "failed"
    NO_MATCH = "no_match"


class Assumption(StrEnum):
    """What a replay has to suppose."""

    OTHER_RULES_AS_RECORDED = "other_rules_as_recorded"
    LIABILITY_FACTS_AS_OF_NOW = "liability_facts_as_of_now"
    ACH_LIMITS_IGNORED = "ach_limits_ignored"


@dataclass(frozen=True)
class Cause:
    """What set a run off: a transfer, a slot, or somebody who asked for the run.

    A transfer that there was only in the replay has no id.
    """

    transfer_id: str | None = None
    scheduled_at: datetime | None = None
    rule_execution_id: str | None = None


@dataclass(frozen=True)
class Missed:
    """A movement of history that the replayed accounts could not fund; or a refund of one, which lacks nothing."""

    at: datetime
    transfer_id: str | None
    card_transaction_id: str | None
    short_by_cents: int


@dataclass(frozen=True)
class Difference:
    """A cause of which the rule made something else in reality."""

    at: datetime
    cause: Cause
    actual: Paid
    replay: Paid


@dataclass
class Findings:
    """All that a replay tells beside the balances."""

    events_seen: int = 0
    ended_actual: Counter[Ended] = field(default_factory=Counter)
    ended_replay: Counter[Ended] = field(default_factory=Counter)
    moved_actual: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    moved_replay: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    missed: list[Missed] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    assumptions: set[Assumption] = field(default_factory=set)

    def compare(self, at: datetime, cause: Cause, actual: Paid, replay: Paid) -> None:
        """Keep what differs, the first so many of it."""
        if list(actual) != list(replay) and len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(Difference(at, cause, actual, replay))
