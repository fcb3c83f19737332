"""What tests of rules do all the time: write a rule, let a person enable it, set it off, look at what came of it."""

import copy
import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from rules.models import Rule, RuleExecution
from rules.services import disable_rule, enable_rule
from rules.sweeps import notice_deposits
from sequence.core.events.numbering import number_events
from sequence.core.worker import run_once
from tests.client import Api
from tests.rules.definitions import action, manual, rule, step
from transfers.models import EntrySet, Transfer

ABSENT = object()


def write(api: Api, body: dict[str, Any]) -> Rule:
    """Return the rule that the API made of the body: disabled."""
    response = api.post("/rules", body)
    assert response.status_code == 201, response.content
    return Rule.objects.get(id=response.json()["data"]["id"])


def enable(rule: Rule) -> Rule:
    """Let a person enable it."""
    rule.refresh_from_db()
    enable_rule(rule_id=rule.id, version=rule.version, by="staff:ada")
    rule.refresh_from_db()
    return rule


def disable(rule: Rule) -> None:
    disable_rule(rule_id=rule.id)


def write_enabled(api: Api, body: dict[str, Any]) -> Rule:
    return enable(write(api, body))


def trigger(api: Api, rule: Rule, **body: Any) -> str:
    """Return the id of the execution that the API started."""
    response = api.post(f"/rules/{rule.id}/trigger", body)
    assert response.status_code == 202, response.content
    return response.json()["data"]["execution_id"]


def execution(api: Api, execution_id: str) -> dict[str, Any]:
    response = api.get(f"/rule-executions/{execution_id}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def run_now(api: Api, rule: Rule, **body: Any) -> dict[str, Any]:
    """Trigger the rule, let a worker do what is due, and return the execution."""
    id = trigger(api, rule, **body)
    run_once()
    return execution(api, id)


def notice(at: datetime | None = None) -> int:
    """Let a worker number what was told and notice one batch of deposits; return how many events it read for that."""
    number_events(at or timezone.now())
    return notice_deposits(at or timezone.now())


def runs_of(rule: Rule) -> list[RuleExecution]:
    return list(RuleExecution.objects.filter(rule=rule).order_by("created_at", "id"))


def counts(told: dict[str, Any]) -> list[int]:
    """Return how many transfers were attempted, completed, failed and are pending."""
    return [told[f"transfers_{name}"] for name in ("attempted", "completed", "failed", "pending")]


def move(source, destination, cents: int, **own: Any) -> dict[str, Any]:
    """An action that moves a fixed amount between two accounts."""
    return action("fixed_amount", source.id, destination.id, amount_in_cents=cents, **own)


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the body with another value at a path such as ``steps[0].actions[1].limit``; ABSENT takes it out."""
    result = copy.deepcopy(body)
    steps = [int(index) if index else name for name, index in re.findall(r"(\w+)|\[(\d+)\]", path)]
    holder: Any = result
    for part in steps[:-1]:
        holder = holder[part]
    if value is ABSENT:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = value
    return result


def faults(response) -> list[tuple[str, str]]:
    """Return where the faults of a refused body are, and their codes."""
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    return [(detail["field"], detail["code"]) for detail in error["details"]]


def assert_nothing_moved() -> None:
    """No rule has made a transfer, and the ledger holds deposits alone."""
    assert not Transfer.objects.filter(rule_id__isnull=False).exists()
    assert not EntrySet.objects.exclude(transfer__origin__in=["paycheck", "check_deposit", "cashback"]).exists()


def later(**span):
    return timezone.now() + timedelta(**span)


def arrive():
    """Let all that is under way arrive."""
    run_once(later(minutes=1))


def paying(api, income, card, type, **own):
    """A rule that pays the card this way."""
    if type in ("avalanche", "snowball"):
        spec = {"type": type, "source": {"id": income.id}, "accounts": [{"id": card.id}], **own}
    else:
        spec = action(type, income.id, card.id, **own)
    return write_enabled(api, rule(step(spec), trigger=manual(income.id)))
