"""Rules as sentences that a person can review, and what changed between two versions of one."""

import difflib
from typing import Any

from rules.actions import ACTIONS, dollars
from rules.engine.conditions import Fact, Operator, ValueFact
from rules.fields import LimitPeriod
from rules.models import ScheduleType, TriggerType
from rules.schedules import start_of

OPERATORS = {
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


def sentences_of(definition: dict[str, Any], names: dict[str, str]) -> list[str]:
    """Return the rule in words: what sets it off, then each step. ``names`` gives the accounts' names by id."""
    words = _Words(definition, names)
    return [words.trigger(), *(words.step(index) for index in range(len(definition["steps"])))]


def changes_between(before: dict[str, Any], after: dict[str, Any], names: dict[str, str]) -> list[tuple[str, str]]:
    """Return the sentences that went ("-") and came ("+") from one definition to another."""
    lines = difflib.ndiff(sentences_of(before, names), sentences_of(after, names))
    return [(line[0], line[2:]) for line in lines if line[0] in "+-"]


class _Words:
    def __init__(self, definition: dict[str, Any], names: dict[str, str]) -> None:
        self.definition = definition
        self.names = names

    def trigger(self) -> str:
        trigger = self.definition["trigger"]
        if trigger["type"] == TriggerType.ON_FUNDS_TRANSFERRED:
            return f"When money arrives in {self._name(trigger['account_id'])}:"
        if trigger["type"] == TriggerType.MANUAL:
            return f"When somebody asks for it, on {self._name(trigger['account_id'])}:"
        start = start_of(trigger)
        facts = {
            "date": f"{start:%Y-%m-%d}",
            "time": f"{start:%H:%M} UTC",
            "weekday": f"{start:%A}",
            "day": start.day,
        }
        return _SCHEDULES[trigger["schedule_type"]].format(**facts) + ":"

    def step(self, index: int) -> str:
        step = self.definition["steps"][index]
        actions = "; then ".join(self._action(spec) for spec in step["actions"])
        if step["conditions"] is None:
            return f"otherwise, {actions}." if index else f"{actions[0].upper()}{actions[1:]}."
        head = "otherwise, if" if index else "if"
        return f"{head} {self._condition(step['conditions'])}: {actions}."

    def _action(self, spec: dict[str, Any]) -> str:
        action = ACTIONS[spec["type"]](spec)
        source = self._name(spec["source"]["id"])
        sentence = f"move {action.amount_in_words(self.names)} from {source}"
        if action.destination_id is not None:
            sentence += f" to {self._name(action.destination_id)}"
        if spec["up_to_enabled"]:
            sentence += ", or as much of it as there is"
        if spec["limit"]:
            cap = dollars(spec["limit"]["amount_in_cents"])
            sentence += f", at most {cap} {_PERIODS[spec['limit']['period']]}"
            if spec["group_index"]:
                sentence += f" (shared by group {spec['group_index']})"
        return sentence

    def _condition(self, tree: dict[str, Any]) -> str:
        [(kind, value)] = tree.items()
        if kind == "condition":
            return self._leaf(value)
        parts = [self._condition(child) for child in value]
        joined = f" {'and' if kind == 'all' else 'or'} ".join(parts)
        return joined if len(parts) == 1 else f"({joined})"

    def _leaf(self, leaf: dict[str, Any]) -> str:
        account_id = (leaf["params"] or {}).get("account_id") or self.definition["trigger"]["account_id"]
        left = self._fact(leaf["fact"], account_id)
        right = self._fact(leaf["value_fact"], account_id) if leaf["value_fact"] else self._value(leaf)
        return f"{left} {OPERATORS[leaf['operator']]} {right}"

    def _fact(self, fact: str, account_id: str | None) -> str:
        account = self._name(account_id) if account_id else "the account"
        return {
            ValueFact.TRANSFER_AMOUNT: "the amount that arrived",
            ValueFact.DATE: "the day of the month",
            ValueFact.LAST_DAY_OF_MONTH: "the month's last day",
            ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT: f"the minimum payment of {account}",
            ValueFact.LAST_STATEMENT_BALANCE: f"the last statement balance of {account}",
            ValueFact.BALANCE: f"the balance of {account}",
        }[ValueFact(fact)]

    def _value(self, leaf: dict[str, Any]) -> str:
        value = leaf["value"]
        return str(value) if leaf["fact"] == Fact.DATE or not isinstance(value, int) else dollars(value)

    def _name(self, account_id: str) -> str:
        return self.names.get(account_id, account_id)
