"""Answers on rules in this dialect."""

from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch
from typing import Any

from rest_framework import serializers

from rules.engine.actions import Action
from rules.engine.definition import Comparison, Condition, Definition, Step, Trigger
from rules.engine.parameters import AccountParameter, AccountRef, Limit, LimitParameter, Parameter, PercentParameter
from rules.models import Rule, RuleStatus
from rules.serializers.parameters import show_number
from sequence.core.api.fields import Shown, show_time
from sequence.core.typing import JsonObject
from sequence.platform.enums import UNSPOKEN_ACTIONS, UpperWord, upper
from sequence.platform.errors import UnspokenRule
from sequence.platform.ids import PlainId, plain_id, plain_id_or_none
from sequence.platform.names import Spelled, camel
from sequence.platform.pages import Pagination
from sequence.platform.rule_shapes import STEPS, TRIGGER

Names = Mapping[str, str]


class RuleIdentity(Spelled):
    """What every form of a rule begins with."""

    id = PlainId()
    name = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    status = UpperWord(RuleStatus, name="RuleStatus")


class RuleSummary(RuleIdentity):
    """A rule in a list."""

    is_supported = serializers.BooleanField(help_text="Whether it can be read here.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)


class RuleDetail(RuleIdentity):
    """A full rule."""

    trigger = Shown(TRIGGER)
    steps = Shown(STEPS)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)


class WrittenRule(RuleDetail):
    """A rule that was written just now."""

    activation_url = serializers.URLField(help_text="Where a person reviews and enables it.")


class RulePage(Spelled):
    """Some rules."""

    items = RuleSummary(many=True)
    pagination = Pagination()


def show_summary(rule: Rule) -> JsonObject:
    """Return a rule as the dialect lists it."""
    return {**_identity(rule), "isSupported": not unspoken_actions(rule.parsed()), **_times(rule)}


def show_rule(rule: Rule, names: Names) -> JsonObject:
    """Return ``RuleDetail``; ``names`` are those of the accounts. Raises UnspokenRule."""
    definition = rule.parsed()
    if unspoken := unspoken_actions(definition):
        raise UnspokenRule(kinds=", ".join(sorted(unspoken)))
    return {
        **_identity(rule),
        "trigger": _show_trigger(definition.trigger),
        "steps": [_show_step(step, names) for step in definition.steps],
        **_times(rule),
    }


def unspoken_actions(definition: Definition) -> set[str]:
    """Return the types of the rule's actions that the dialect has no words for."""
    return {action.type for action in definition.actions() if action.type in UNSPOKEN_ACTIONS}


def _identity(rule: Rule) -> JsonObject:
    return {
        "id": plain_id(rule.id),
        "name": rule.nickname,
        "description": rule.description,
        "status": upper(rule.status),
    }


def _times(rule: Rule) -> JsonObject:
    return {
        "createdAt": show_time(rule.created_at),
        "updatedAt": show_time(rule.updated_at),
        "deletedAt": show_time(rule.deleted_at) if rule.deleted_at else None,
    }


def _show_trigger(trigger: Trigger) -> JsonObject:
    account_id = plain_id_or_none(trigger.account_id)
    shown = {camel(name): value for name, value in trigger.as_dict().items()}
    return {**shown, "accountId": account_id}


def _show_step(step: Step, names: Names) -> JsonObject:
    conditions = _show_condition(step.condition) if step.condition else None
    return {"conditions": conditions, "actions": [_show_action(action, names) for action in step.actions]}


def _show_condition(condition: Condition) -> JsonObject:
    if not isinstance(condition, Comparison):
        return {condition.kind: [_show_condition(child) for child in condition.children]}
    params = {"accountId": plain_id(condition.account_id)} if condition.account_id else None
    shown = {camel(name): value for name, value in condition.as_dict().items()}
    return {"condition": {**shown, "value": show_number(condition.value), "params": params}}


def _show_action(action: Action, names: Names) -> JsonObject:
    shown = {camel(name): _show(each, getattr(action, name), names) for name, each in action.parameters().items()}
    return {"type": upper(action.type), **shown}


@singledispatch
def _show(declared: Parameter[Any], value: object, names: Names) -> object:
    """Return a parameter's value in the dialect's spelling."""
    return declared.write(value)


@_show.register
def _(declared: PercentParameter, value: Decimal | None, names: Names) -> object:
    return show_number(value)


@_show.register
def _(declared: LimitParameter, value: Limit | None, names: Names) -> object:
    stored = declared.write(value)
    return stored and {camel(name): part for name, part in stored.items()}


@_show.register
def _(declared: AccountParameter, value: AccountRef | None, names: Names) -> object:
    return None if value is None else _show_node(value, names)


def _show_node(account: AccountRef, names: Names) -> JsonObject:
    return {"id": plain_id(account.id), "type": upper(account.type or ""), "name": names.get(account.id)}
