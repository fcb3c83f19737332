"""A replay's result in sentences, for people who decide about a rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rules.engine.definition import Trigger
from sequence.core.money import dollars
from sequence.core.typing import JsonObject

Names = Mapping[str, str]


def difference_in_words(difference: JsonObject, names: Names) -> str:
    """Return what the rule would have done there, and what was done."""
    would, did = _paid(difference["replay"], names), _paid(difference["actual"], names)
    return (
        f"{_moment(difference['at'])}: {cause_in_words(difference['trigger'])} would have paid {would}; it paid {did}."
    )


def cause_in_words(trigger: JsonObject) -> str:
    """Return what set the rule off."""
    if "scheduled_at" in trigger:
        return f"the slot of {_moment(trigger['scheduled_at'])}"
    if "rule_execution_id" in trigger:
        return "the run that somebody asked for"
    return "the deposit" if trigger["transfer_id"] else "a payment that the rule would have made itself"


def missed_in_words(missed: JsonObject) -> str:
    """Return what would not have happened, and how much was lacking for it."""
    what = "purchase" if "card_transaction_id" in missed else "payment"
    if not missed["short_by_in_cents"]:
        return f"{_moment(missed['at'])}: a refund of one of these would not have come."
    return f"{_moment(missed['at'])}: a {what} would have been {dollars(missed['short_by_in_cents'])} short."


def beginning_in_words(trigger: Trigger, *, since: datetime) -> str | None:
    """Return that the schedule begins within the time that was looked at, or after it: so long nothing sets it off."""
    if trigger.schedule is None or trigger.schedule.start <= since:
        return None
    return f"Its schedule begins at {trigger.schedule.start:%Y-%m-%d %H:%M} UTC: nothing set it off before that."


def assumption_in_words(code: str) -> str:
    """Return what had to be supposed."""
    return _ASSUMPTIONS.get(code, code)


_ASSUMPTIONS = {
    "other_rules_as_recorded": "What other rules did is taken as it was; they are not asked again.",
    "liability_facts_as_of_now": "What debts demand and cost is taken as it is now.",
    "ach_limits_ignored": "Limits of the payment network are left out.",
}


def _paid(payments: Sequence[JsonObject], names: Names) -> str:
    parts = [f"{dollars(each['amount_in_cents'])} to {names.get(each['destination'], '?')}" for each in payments]
    return " and ".join(parts) or "nothing"


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
