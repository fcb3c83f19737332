"""What becomes of the household's rules: who writes, reviews, changes and stops them."""

import json
from datetime import time
from typing import Any

from rules.serializers import RuleBody
from rules.services import create_rule, disable_rule, enable_rule, replace_rule, trigger_rule
from sequence.core.api.bodies import parse_object
from sequence.core.api.ids import new_id
from sequence.demo.household import REVIEWER, Event, Household
from sequence.demo.period import Period
from sequence.demo.rule_bodies import Body, pay_more_on_the_card, proposal_body, rule_bodies


def write_rules(household: Household, period: Period) -> None:
    """Write the rules that the household begins with, and let the reviewer enable them."""
    for name, body in rule_bodies(household.id_of, period).items():
        rule = create_rule(organization_id=household.organization.id, by=household.actor, **_checked(body))
        household.rules[name] = enable_rule(rule_id=rule.id, version=rule.version, by=REVIEWER)


def changes_of_rules(period: Period) -> list[Event]:
    """Return what becomes of the rules: the agent changes one, which a person disables; and proposes another."""
    return [
        Event(period.before_end(250, time(16)), _replace_by_less),
        Event(period.before_end(249, time(8, 10)), lambda household: _enable(household, "card")),
        Event(period.before_end(160, time(8, 20)), lambda household: disable_rule(rule_id=household.rules["card"].id)),
        Event(period.ago(hours=47), lambda household: _propose(household, period)),
        Event(period.ago(hours=46.9), _try_out),
    ]


def _replace_by_less(household: Household) -> None:
    """The agent rewrites a rule, exactly as ``PUT /rules/{id}`` would: it is disabled until a person has looked."""
    rule, key = household.rules["card"], household.agent()
    fields = _checked(pay_more_on_the_card(household.id_of, rule.definition["trigger"], percent=2))
    household.rules["card"] = replace_rule(
        organization_id=key.organization_id, rule_id=rule.id, by=f"key:{key.id}", **fields
    )


def _enable(household: Household, name: str) -> None:
    rule = household.rules[name]
    enable_rule(rule_id=rule.id, version=rule.version, by=REVIEWER)


def _propose(household: Household, period: Period) -> None:
    """The agent writes a rule, exactly as ``POST /rules`` would: it waits for a person."""
    key = household.agent()
    fields = _checked(proposal_body(household.id_of, period))
    household.rules["proposal"] = create_rule(organization_id=key.organization_id, by=f"key:{key.id}", **fields)


def _try_out(household: Household) -> None:
    trigger_rule(
        organization_id=household.organization.id,
        rule_id=household.rules["proposal"].id,
        simulation=True,
        request_id=new_id("req"),
    )


def _checked(body: Body) -> dict[str, Any]:
    """Return what a service takes of a body that came over the API. Raises ValidationError."""
    reader = RuleBody(data=parse_object(json.dumps(body).encode()))
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)
