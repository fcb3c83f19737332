"""Definition of a rule as a value: trigger, steps, conditions and actions, read once from the JSON that is stored.

Knows neither framework nor database. Whoever goes through a rule asks ``walk``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal

from rules.engine.actions import ACTIONS, Action
from rules.engine.parameters import AccountRef, Reference, Role, Stored
from rules.engine.vocabulary import (
    FACTS_OF_LIABILITIES,
    Fact,
    LimitPeriod,
    Operator,
    ScheduleType,
    TriggerType,
    ValueFact,
)

Number = int | Decimal


@dataclass(frozen=True)
class Schedule:
    """When a scheduled rule is due. ``start_date`` is the stored text of its first instant."""

    type: ScheduleType
    start_date: str

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.start_date.replace("Z", "+00:00")).astimezone(UTC)


@dataclass(frozen=True)
class Trigger:
    """What sets the rule off."""

    type: TriggerType
    account_id: str | None
    schedule: Schedule | None = None

    @classmethod
    def read(cls, stored: Stored) -> "Trigger":
        kind = TriggerType(stored["type"])
        is_scheduled = kind is TriggerType.SCHEDULED
        schedule = Schedule(ScheduleType(stored["schedule_type"]), stored["start_date"]) if is_scheduled else None
        return cls(kind, stored.get("account_id"), schedule)

    def as_dict(self) -> dict[str, str | None]:
        if self.schedule is None:
            return {"type": self.type.value, "account_id": self.account_id}
        when = {"schedule_type": self.schedule.type.value, "start_date": self.schedule.start_date}
        return {"type": self.type.value, **when, "account_id": self.account_id}

    def references(self) -> Iterator[Reference]:
        if self.account_id:
            yield Reference("account_id", AccountRef(self.account_id), Role.TRIGGER)


@dataclass(frozen=True)
class Comparison:
    """One condition. Without an account of its own it looks at the trigger's."""

    fact: Fact
    operator: Operator
    value: Number | None = None
    value_fact: ValueFact | None = None
    account_id: str | None = None

    @classmethod
    def read(cls, stored: Stored) -> "Comparison":
        value, value_fact = stored["value"], stored["value_fact"]
        return cls(
            Fact(stored["fact"]),
            Operator(stored["operator"]),
            Decimal(value) if isinstance(value, str) else value,
            ValueFact(value_fact) if value_fact else None,
            (stored["params"] or {}).get("account_id"),
        )

    def as_dict(self) -> dict[str, object]:
        return {
            "fact": self.fact.value,
            "operator": self.operator.value,
            "value": f"{self.value:f}" if isinstance(self.value, Decimal) else self.value,
            "value_fact": self.value_fact.value if self.value_fact else None,
            "params": {"account_id": self.account_id} if self.account_id else None,
        }

    @property
    def needs_account(self) -> bool:
        return self.fact is Fact.BALANCE or self.value_fact is ValueFact.BALANCE or self.needs_liability

    @property
    def needs_liability(self) -> bool:
        return self.value_fact in FACTS_OF_LIABILITIES

    def references(self) -> Iterator[Reference]:
        if self.account_id:
            yield Reference("params.account_id", AccountRef(self.account_id), Role.COMPARED)


@dataclass(frozen=True)
class Group:
    """Conditions of which all must hold, or any."""

    kind: Literal["all", "any"]
    children: tuple["Condition", ...]

    @property
    def needs_all(self) -> bool:
        return self.kind == "all"


Condition = Comparison | Group


@dataclass(frozen=True)
class Step:
    """Conditions, and the actions that are done when they hold."""

    condition: Condition | None
    actions: tuple[Action, ...]

    @classmethod
    def read(cls, stored: Stored) -> "Step":
        conditions = stored["conditions"]
        actions = tuple(ACTIONS[spec["type"]].read(spec) for spec in stored["actions"])
        return cls(_read_condition(conditions) if conditions else None, actions)

    def as_dict(self) -> dict[str, object]:
        conditions = _condition_as_dict(self.condition) if self.condition else None
        return {"conditions": conditions, "actions": [action.as_dict() for action in self.actions]}


Part = Trigger | Comparison | Action


@dataclass(frozen=True)
class Definition:
    """What a rule does, and when."""

    trigger: Trigger
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, stored: Stored) -> "Definition":
        """Return the value of a validated ``{"trigger", "steps"}``."""
        return cls(Trigger.read(stored["trigger"]), tuple(Step.read(step) for step in stored["steps"]))

    def as_dict(self) -> dict[str, object]:
        """Return it as it is stored."""
        return {"trigger": self.trigger.as_dict(), "steps": [step.as_dict() for step in self.steps]}

    def walk(self) -> Iterator[tuple[str, Part]]:
        """Yield the trigger, and of each step its conditions and actions, each with its path in the JSON."""
        yield "trigger", self.trigger
        for index, step in enumerate(self.steps):
            if step.condition is not None:
                yield from _comparisons(step.condition, f"steps[{index}].conditions")
            for number, action in enumerate(step.actions):
                yield f"steps[{index}].actions[{number}]", action

    # Asked at every run, of a definition that does not change.

    @cached_property
    def limit_periods(self) -> frozenset[LimitPeriod]:
        """The periods in which some action has a limit."""
        return frozenset(action.limit.period for action in self.actions() if action.limit)

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(reference.account.id for _, reference in self.references())

    def actions(self) -> Iterator[Action]:
        return (part for _, part in self.walk() if isinstance(part, Action))

    def references(self) -> Iterator[tuple[str, Reference]]:
        """Yield every account that is named, with the path of the part that names it."""
        for path, part in self.walk():
            for reference in part.references():
                yield path, reference

    def account_ids(self) -> frozenset[str]:
        return self._named

    def with_types(self, types: Mapping[str, str]) -> "Definition":
        """Return it with the types of the accounts that its actions name, by their ids."""
        steps = (
            replace(step, actions=tuple(action.with_types(types) for action in step.actions)) for step in self.steps
        )
        return replace(self, steps=tuple(steps))


def _read_condition(stored: Stored) -> Condition:
    [(kind, value)] = stored.items()
    if kind == "condition":
        return Comparison.read(value)
    return Group("all" if kind == "all" else "any", tuple(_read_condition(child) for child in value))


def _condition_as_dict(condition: Condition) -> dict[str, object]:
    if isinstance(condition, Comparison):
        return {"condition": condition.as_dict()}
    return {condition.kind: [_condition_as_dict(child) for child in condition.children]}


def _comparisons(condition: Condition, path: str) -> Iterator[tuple[str, Comparison]]:
    if isinstance(condition, Comparison):
        yield f"{path}.condition", condition
        return
    for index, child in enumerate(condition.children):
        yield from _comparisons(child, f"{path}.{condition.kind}[{index}]")
