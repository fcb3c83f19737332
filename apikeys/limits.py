"""Limits of a permission entry: what each counts, in which period, and its words. A new kind of limit is a class here.

POST /transfers and its dry run, approvals, GET /key, the staff's bars and the details of a refusal all ask these, so
that no two of them count differently. Amounts are cents; periods are of the calendar, in UTC.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db.models import TextChoices

from sequence.core.periods import day_of, first_day, midnight, next_first_day


class SpendPeriod(TextChoices):
    """The calendar periods of caps, in UTC. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Used:
    """What has gone through an entry in a period: cents, and how many transfers."""

    cents: int = 0
    count: int = 0


# What went through entries, by their spend id, in periods around one instant. What is missing is nothing.
Usage = Mapping[tuple[UUID, SpendPeriod], Used]
NOTHING = Used()


def starts_on(period: SpendPeriod, at: datetime) -> date:
    """Return the first day (UTC) of the period that holds the instant."""
    return first_day(period.value, day_of(at))


def ends_on(period: SpendPeriod, at: datetime) -> date:
    """Return the first day (UTC) after the period that holds the instant: on it the cap begins anew."""
    return next_first_day(period.value, day_of(at))


def resets_at(period: SpendPeriod, at: datetime) -> datetime:
    """Return the first instant after the period that holds ``at``."""
    return midnight(ends_on(period, at))


class Limited(Protocol):
    """What has limits: a permission (``apikeys.entries``), as far as limits know it."""

    @property
    def source(self) -> str | None: ...
    @property
    def target(self) -> str | None: ...
    @property
    def requires_reason(self) -> bool: ...
    @property
    def spend_id(self) -> UUID | None:
        """The id that its counters hang on."""
        ...


class Verdict(StrEnum):
    """What a check says of what was asked."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    APPROVAL = "approval"  # A person must decide.
    UNKNOWN = "unknown"  # The caller may not know.


@dataclass(frozen=True)
class Ask:
    """What a key wants an entry to let through: cents, when it is due (UTC), and whether the caller says why."""

    amount_cents: int
    at: datetime
    has_reason: bool = True


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A field of a permission that bounds it. ``name`` is the field's, ``short`` is that of the command line.

    ``words`` take the limit, in dollars or as a number; ``counts_money`` says which. ``low`` is the least that it may
    be set to.
    """

    name: str
    short: str
    words: str
    low: int = 1
    counts_money: bool = True

    def of(self, entry: Limited) -> int | None:
        """Return the entry's limit, or None where it has none."""
        limit: int | None = getattr(entry, self.name)
        return limit

    def in_words(self, most: int) -> str:
        """Return the limit as a refusal tells it, such as ``50000 cents a day``."""
        return self.words.format(f"{most} cents" if self.counts_money else most)

    @property
    def column(self) -> str:
        """The column of a stored entry that holds it."""
        return f"{self.name}_cents" if self.counts_money else self.name


# What checks call the want of a reason, which is no limit of an amount.
REASON = "reason"


@dataclass(frozen=True)
class Check:
    """A limit that was held against what was asked, with what is used of it and when it begins anew."""

    limit: "TransferLimit"
    entry: Limited
    ask: Ask
    verdict: Verdict
    most: int
    used: int | None
    resets_at: datetime | None

    @property
    def sentence(self) -> str:
        """What the limit is, what is used and left of it and until when, in words."""
        return self.limit.sentence(self)


@dataclass(frozen=True, kw_only=True)
class TransferLimit(Limit, ABC):
    """A limit of what goes from one account to another. ``code`` is what checks and refusals call it."""

    code: str
    period: SpendPeriod | None = None
    beyond: Verdict = Verdict.FAIL

    def used(self, entry: Limited, usage: Usage) -> int | None:
        """Return what is used of it; None where nothing is counted."""
        return None

    @abstractmethod
    def room(self, entry: Limited, usage: Usage) -> int | None:
        """Return the largest single amount that it lets through now, in cents; None where that is any."""

    def passes(self, entry: Limited, ask: Ask, usage: Usage) -> bool:
        """Say whether it lets through what is asked."""
        room = self.room(entry, usage)
        return room is None or ask.amount_cents <= room

    def least(self, entry: Limited, ask: Ask, usage: Usage) -> int:
        """Return the least value with which it would let through what is asked."""
        return (self.used(entry, usage) or 0) + ask.amount_cents

    @abstractmethod
    def sentence(self, check: Check) -> str:
        """Return the check in words."""

    def check(self, entry: Limited, ask: Ask, usage: Usage) -> Check | None:
        """Return how it stands with what is asked, or None where the entry has no such limit."""
        most = self.of(entry)
        if most is None:
            return None
        verdict = Verdict.PASS if self.passes(entry, ask, usage) else self.beyond
        reset = resets_at(self.period, ask.at) if self.period is not None else None
        return Check(self, entry, ask, verdict, most, self.used(entry, usage), reset)


class _MaxAmount(TransferLimit):
    def room(self, entry: Limited, usage: Usage) -> int | None:
        return self.of(entry)

    def sentence(self, check: Check) -> str:
        return f"At most {check.most:,} cents go in one transfer."


class _ApprovalAbove(TransferLimit):
    def room(self, entry: Limited, usage: Usage) -> int | None:
        return self.of(entry)

    def sentence(self, check: Check) -> str:
        return f"Above {check.most:,} cents a person decides."


class _PeriodLimit(TransferLimit):
    """A cap on what goes through in a day, a week or a month, of which a counter holds what is used."""

    def _counted(self, entry: Limited, usage: Usage) -> Used:
        if entry.spend_id is None or self.period is None:
            return NOTHING
        return usage.get((entry.spend_id, self.period), NOTHING)


class _MaxAmountPerPeriod(_PeriodLimit):
    def used(self, entry: Limited, usage: Usage) -> int:
        return self._counted(entry, usage).cents

    def room(self, entry: Limited, usage: Usage) -> int | None:
        limit = self.of(entry)
        return None if limit is None else max(0, limit - self.used(entry, usage))

    def sentence(self, check: Check) -> str:
        left = max(0, check.most - (check.used or 0))
        rest = f"so at most {left:,} more" if left else "so none are left"
        return f"{check.used:,} of {check.most:,} cents a {self.period} are used, {rest} until {_until(check)}."


class _MaxCountPerPeriod(_PeriodLimit):
    def used(self, entry: Limited, usage: Usage) -> int:
        return self._counted(entry, usage).count

    def room(self, entry: Limited, usage: Usage) -> int | None:
        limit = self.of(entry)
        return None if limit is None or self.used(entry, usage) < limit else 0

    def least(self, entry: Limited, ask: Ask, usage: Usage) -> int:
        return self.used(entry, usage) + 1

    def sentence(self, check: Check) -> str:
        left = max(0, check.most - (check.used or 0))
        rest = f"so {left:,} more may go" if left else "so none may go"
        return f"{check.used:,} of {check.most:,} transfers a {self.period} are used, {rest} until {_until(check)}."


class _RequiresReason(TransferLimit):
    def of(self, entry: Limited) -> int | None:
        return True if entry.requires_reason else None

    def room(self, entry: Limited, usage: Usage) -> int | None:
        return None

    def passes(self, entry: Limited, ask: Ask, usage: Usage) -> bool:
        return ask.has_reason

    def least(self, entry: Limited, ask: Ask, usage: Usage) -> int:
        return False

    def sentence(self, check: Check) -> str:
        return "The caller must say why, in the header X-Called-Reason."


def _until(check: Check) -> str:
    return f"{check.resets_at:%Y-%m-%dT%H:%M:%SZ}"


def _amount_a(period: SpendPeriod) -> TransferLimit:
    name = f"max_amount_per_{period}"
    return _MaxAmountPerPeriod(
        name=name, code=period.value, short=period.value, period=period, words=f"{{}} a {period}"
    )


def _count_a(period: SpendPeriod) -> TransferLimit:
    return _MaxCountPerPeriod(
        name=f"max_count_per_{period}",
        code=f"count_{period}",
        short=f"count_{period}",
        period=period,
        words=f"{{}} transfers a {period}",
        counts_money=False,
    )


# In the order in which they are looked at and told.
TRANSFER_LIMITS: tuple[TransferLimit, ...] = (
    _MaxAmount(name="max_amount", code="max_amount", short="", words="{} a transfer"),
    *map(_amount_a, SpendPeriod),
    *map(_count_a, SpendPeriod),
    _ApprovalAbove(
        # Nothing to approve below zero: 0 sends every transfer to a person.
        name="approval_above",
        code="approval",
        short="approval",
        words="approval above {}",
        low=0,
        beyond=Verdict.APPROVAL,
    ),
    _RequiresReason(name="requires_reason", code=REASON, short="reason", words="a reason", counts_money=False),
)
TRIGGER_LIMITS: tuple[Limit, ...] = (
    # 0: none may be given.
    Limit(name="max_execute_amount", short="execute", words="arrived at most {}", low=0),
    *(
        Limit(name=f"max_count_per_{one}", short=f"count_{one}", words=f"{{}} a {one}", counts_money=False)
        for one in SpendPeriod
    ),
)
# By name; transfers and triggers share the names of what they count.
EVERY_LIMIT: dict[str, Limit] = {limit.name: limit for limit in (*TRANSFER_LIMITS, *TRIGGER_LIMITS)}
PERIOD_LIMITS = tuple(limit for limit in TRANSFER_LIMITS if limit.period is not None)


def has_period_limit(entry: Limited) -> bool:
    """Say whether the entry has a limit that its counters are looked at for."""
    return any(limit.of(entry) is not None for limit in PERIOD_LIMITS)
