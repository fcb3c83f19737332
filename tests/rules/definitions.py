"""Rules as JSON, as a client would write them, and as the server keeps them."""

import json
from typing import Any

from rules.definition import Definition
from rules.serializers import RuleBody
from sequence.core.api.bodies import parse_object


def action(type: str, source: str = "income", destination: str | None = "rent", **own: Any) -> dict[str, Any]:
    """An action between two account ids. ``up_to``, ``limit`` and the type's own fields come as keywords."""
    spec: dict[str, Any] = {"type": type, "source": {"id": source}}
    if destination is not None:
        spec["destination"] = {"id": destination}
    if "up_to" in own:
        spec["up_to_enabled"] = own.pop("up_to")
    return {**spec, **own}


def limit(period: str, cents: int) -> dict[str, Any]:
    return {"period": period, "amount_in_cents": cents}


def condition(fact: str, operator: str, value: Any = None, *, of: str | None = None, fact_value: str | None = None):
    """A leaf of a condition tree. ``of`` is the account it looks at, ``fact_value`` the ``value_fact``."""
    leaf: dict[str, Any] = {"fact": fact, "operator": operator, "value": value, "value_fact": fact_value}
    return {"condition": {**leaf, "params": {"account_id": of} if of else None}}


def step(*actions: dict[str, Any], conditions: Any = None) -> dict[str, Any]:
    return {"conditions": conditions, "actions": list(actions)}


def manual(account_id: str = "income") -> dict[str, Any]:
    return {"type": "MANUAL", "account_id": account_id}


def on_funds(account_id: str) -> dict[str, Any]:
    return {"type": "ON_FUNDS_TRANSFERRED", "account_id": account_id}


def scheduled(schedule_type: str, start_date: str, account_id: str | None = None) -> dict[str, Any]:
    return {"type": "SCHEDULED", "schedule_type": schedule_type, "start_date": start_date, "account_id": account_id}


def rule(*steps: dict[str, Any], trigger: dict[str, Any] | None = None, **own: Any) -> dict[str, Any]:
    """The body of ``POST /rules``."""
    return {**own, "trigger": trigger or manual(), "steps": list(steps)}


def kept(body: dict[str, Any]) -> dict[str, Any]:
    """Return the definition as the server keeps it: sent as JSON, checked, in its normal form."""
    reader = RuleBody(data=parse_object(json.dumps(body).encode()))
    reader.is_valid(raise_exception=True)
    return {"trigger": reader.validated_data["trigger"], "steps": reader.validated_data["steps"]}


def defined(body: dict[str, Any]) -> Definition:
    """Return the definition as the engine reads it."""
    return Definition.read(kept(body))
