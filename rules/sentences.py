"""Rules as sentences that a person can review, and what changed between two versions of one."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from rules.engine.actions import Action
from rules.engine.definition import Comparison, Condition, Definition, Step
from rules.engine.vocabulary import Fact, LimitPeriod, Operator, ScheduleType, TriggerType, ValueFact
from sequence.core.money import dollars

OPERATORS: Mapping[str, str] = {
    Operator.EQUALS: "is",
    Operator.NOT_EQUALS: "is not",
    Operator.GREATER_THAN: "is above",
    Operator.LESS_THAN: "is below",
    Operator.GREATER_THAN_OR_EQUAL: "is at least",
    Operator.LESS_THAN_OR_EQUAL: "is at most",
}
_PERIODS = {
    LimitPeriod.PER_TRANSFER: "at a time",
    LimitPeriod.PER_WEEK: "a week",
    LimitPeriod.PER_MONTH: "a month",
    LimitPeriod.PER_YEAR: "a year",
}
_SCHEDULES = {
    ScheduleType.ONE_TIME: "Once, on {date} at {time}",
    ScheduleType.DAILY: "Every day at {time}, from {date}",
    ScheduleType.WEEKLY: "Every {weekday} at {time}, from {date}",
    ScheduleType.EVERY_OTHER_WEEK: "Every other {weekday} at {time}, from {date}",
    ScheduleType.BI_WEEKLY: "On the 1st and the 15th of every month at {time}, from {date}",
    ScheduleType.MONTHLY: "On day {day} of every month (or its last) at {time}, from {date}",
}


def sentences_of(definition: Definition, names: Mapping[str, str]) -> list[str]:
    """Return the rule in words: what sets it off, then each step. ``names`` gives the accounts' names by id."""
    words = _Words(definition, names)
    return [words.trigger(), *(words.step(step, is_first=not index) for index, step in enumerate(definition.steps))]


def changes_between(before: Definition, after: Definition, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the sentences that went ("-") and came ("+") from one definition to another."""
    lines = difflib.ndiff(sentences_of(before, names), sentences_of(after, names))
    return [(line[0], line[2:]) for line in lines if line[0] in "+-"]


def literal_in_words(definition: Definition, path: str, literal: int, names: Mapping[str, str]) -> str:
    """Return the condition whose literal stands at the path, with another literal in its place."""
    [leaf] = [part for place, part in definition.walk() if isinstance(part, Comparison) and f"{place}.value" == path]
    return _Words(definition, names).comparison(replace(leaf, value=literal))


class _Words:
    def __init__(self, definition: Definition, names: Mapping[str, str]) -> None:
        self.set_off = definition.trigger
        self.names = names

    def trigger(self) -> str:
        if self.set_off.schedule is None:
            account = self._name(self.set_off.account_id or "")
            if self.set_off.type is TriggerType.ON_FUNDS_TRANSFERRED:
                return f"When money arrives in {account}:"
            return f"When somebody asks for it, on {account}:"
        start = self.set_off.schedule.start
        when = {
            "date": f"{start:%Y-%m-%d}",
            "time": f"{start:%H:%M} UTC",
            "weekday": f"{start:%A}",
            "day": start.day,
        }
        return _SCHEDULES[self.set_off.schedule.type].format(**when) + ":"

    def step(self, step: Step, *, is_first: bool) -> str:
        actions = "; then ".join(self._action(action) for action in step.actions)
        if step.condition is None:
            return f"{actions[0].upper()}{actions[1:]}." if is_first else f"otherwise, {actions}."
        head = "if" if is_first else "otherwise, if"
        return f"{head} {self._condition(step.condition)}: {actions}."

    def _action(self, action: Action) -> str:
        sentence = f"move {action.amount_in_words(self.names)} from {self._name(action.source.id)}"
        if action.destination is not None:
            sentence += f" to {self._name(action.destination.id)}"
        if action.up_to_enabled:
            sentence += ", or as much of it as there is"
        if action.limit:
            sentence += f", at most {dollars(action.limit.amount_cents)} {_PERIODS[action.limit.period]}"
            if action.group_index:
                sentence += f" (shared by group {action.group_index})"
        return sentence

    def _condition(self, condition: Condition) -> str:
        if isinstance(condition, Comparison):
            return self.comparison(condition)
        parts = [self._condition(child) for child in condition.children]
        joined = f" {'and' if condition.needs_all else 'or'} ".join(parts)
        return joined if len(parts) == 1 else f"({joined})"

    def comparison(self, leaf: Comparison) -> str:
        account_id = leaf.account_id or self.set_off.account_id
        left = self._fact(leaf.fact, account_id)
        right = self._fact(leaf.value_fact, account_id) if leaf.value_fact else _value(leaf)
        return f"{left} {OPERATORS[leaf.operator]} {right}"

    def _fact(self, fact: Fact | ValueFact, account_id: str | None) -> str:
        account = self._name(account_id) if account_id else "the account"
        return {
            ValueFact.TRANSFER_AMOUNT: "the amount that arrived",
            ValueFact.DATE: "the day of the month",
            ValueFact.LAST_DAY_OF_MONTH: "the month's last day",
            ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT: f"the minimum payment of {account}",
            ValueFact.LAST_STATEMENT_BALANCE: f"the last statement balance of {account}",
            ValueFact.BALANCE: f"the balance of {account}",
        }[ValueFact(fact)]

    def _name(self, account_id: str) -> str:
        return self.names.get(account_id, account_id)


def _value(leaf: Comparison) -> str:
    if isinstance(leaf.value, int) and leaf.fact is not Fact.DATE:
        return dollars(leaf.value)
    return f"{leaf.value:f}" if isinstance(leaf.value, Decimal) else str(leaf.value)
