"""Bodies of rules in this dialect: put into our spelling, and read by our own readers, which decide what is allowed."""

from collections.abc import Callable, Collection, Mapping

from accounts.models import AccountType
from rules.engine.actions import ACTIONS
from rules.engine.parameters import AccountParameter, AccountsParameter, LimitParameter
from rules.engine.vocabulary import TriggerType
from rules.serializers.bodies import DefinitionInput
from sequence.core import clock
from sequence.core.api.fields import Shown, Text, show_time
from sequence.core.typing import JsonObject
from sequence.platform.enums import ACTION_TYPES, own_word
from sequence.platform.errors import UnknownRuleType
from sequence.platform.ids import own_id
from sequence.platform.names import OpenBody, camel
from sequence.platform.rule_shapes import STEPS_INPUT, TRIGGER_INPUT

_TRIGGER_NAMES = ("type", "account_id", "schedule_type", "start_date")
_COMPARISON_NAMES = ("fact", "operator", "value", "value_fact")


class _Part(Shown):
    """A part of a rule, taken as it was sent until the whole is put into our spelling."""

    def to_internal_value(self, data: object) -> object:
        return data


class CreateRule(OpenBody):
    """Body of ``POST /rules``."""

    name = Text(max_length=100, required=False, source="nickname", help_text="Display name.")
    trigger = _Part(TRIGGER_INPUT)
    steps = _Part(STEPS_INPUT)

    def validate(self, attrs: JsonObject) -> JsonObject:
        return {**attrs, **_read_definition(attrs)}


class UpdateRule(OpenBody):
    """Body of ``PATCH /rules/{id}``: what is left out stays."""

    name = Text(max_length=100, required=False, source="nickname", help_text="Display name; null removes it.")
    trigger = _Part(TRIGGER_INPUT, required=False)
    steps = _Part(STEPS_INPUT, required=False)

    def to_internal_value(self, data: object) -> JsonObject:
        values: JsonObject = super().to_internal_value(data)
        is_removed = isinstance(data, dict) and "name" in data and data["name"] is None
        return {**values, "nickname": None} if is_removed else values

    def validate(self, attrs: JsonObject) -> JsonObject:
        return {**attrs, **_read_definition(attrs)}


def _read_definition(attrs: JsonObject) -> JsonObject:
    """Return trigger and steps as they are stored. Raises ValidationError, UnknownRuleType."""
    own: JsonObject = {}
    if "trigger" in attrs:
        own["trigger"] = own_trigger(attrs["trigger"])
    if "steps" in attrs:
        own["steps"] = own_steps(attrs["steps"])
    return DefinitionInput.read(own)


# What is of the wrong kind goes through as it is: our readers refuse it with its place.


def own_trigger(data: object) -> object:
    """Return a trigger in our spelling. Raises UnknownRuleType."""
    if not isinstance(data, dict):
        return data
    _check_type(data, TriggerType.values(), "trigger.type")
    own = _renamed(data, _TRIGGER_NAMES)
    if own.get("type") == TriggerType.SCHEDULED and own.get("start_date") is None:
        own["start_date"] = show_time(clock.now())
    if own.get("type") != TriggerType.SCHEDULED:
        own = {name: value for name, value in own.items() if name in ("type", "account_id")}
    return {**own, **({"account_id": _own_account_id(own["account_id"])} if "account_id" in own else {})}


def own_steps(data: object) -> object:
    """Return steps in our spelling. Raises UnknownRuleType."""
    if not isinstance(data, list):
        return data
    return [_own_step(step, f"steps[{index}]") for index, step in enumerate(data)]


def _own_step(data: object, place: str) -> object:
    if not isinstance(data, dict):
        return data
    own: JsonObject = {"conditions": _own_condition(data.get("conditions"))}
    if "actions" in data:
        own["actions"] = _each(data["actions"], lambda action, index: _own_action(action, f"{place}.actions[{index}]"))
    return own


def _each(data: object, read: Callable[[object, int], object]) -> object:
    return [read(part, index) for index, part in enumerate(data)] if isinstance(data, list) else data


def _own_action(data: object, place: str) -> object:
    if not isinstance(data, dict):
        return data
    _check_type(data, ACTION_TYPES, f"{place}.type")
    kind = ACTION_TYPES.get(data["type"]) if isinstance(data.get("type"), str) else None
    if kind is None:
        return {"type": data.get("type")}
    own: JsonObject = {"type": kind}
    for name, declared in ACTIONS[kind].parameters().items():
        if camel(name) in data:
            own[name] = _own_value(declared, data[camel(name)])
    return own


def _own_value(declared: object, value: object) -> object:
    if isinstance(declared, AccountParameter):
        return _own_account(value)
    if isinstance(declared, AccountsParameter):
        return _each(value, lambda account, _: _own_account(account))
    if isinstance(declared, LimitParameter) and isinstance(value, dict):
        return _renamed(value, ("period", "amount_in_cents"))
    return value


def _own_account(data: object) -> object:
    if not isinstance(data, dict):
        return data
    own = _renamed(data, ("id", "type"))
    if "id" in own:
        own["id"] = _own_account_id(own["id"])
    if isinstance(own.get("type"), str):
        own["type"] = own_word(AccountType, own["type"]) or own["type"]
    return own


def _own_account_id(value: object) -> object:
    return own_id("acc", value) if isinstance(value, str) else value


def _own_condition(data: object) -> object:
    if not isinstance(data, dict):
        return data
    own: JsonObject = {}
    if "condition" in data:
        own["condition"] = _own_comparison(data["condition"])
    for kind in ("all", "any"):
        if kind in data:
            own[kind] = _each(data[kind], lambda child, _: _own_condition(child))
    return own


def _own_comparison(data: object) -> object:
    if not isinstance(data, dict):
        return data
    own = _renamed(data, _COMPARISON_NAMES)
    params = data.get("params")
    if isinstance(params, dict):
        params = {"account_id": _own_account_id(params["accountId"])} if "accountId" in params else {}
    return {**own, "params": params}


def _renamed(data: Mapping[str, object], names: Collection[str]) -> JsonObject:
    """Return what stands under these names of ours; what we do not know is ignored."""
    return {name: data[camel(name)] for name in names if camel(name) in data}


def _check_type(data: Mapping[str, object], known: Collection[str], place: str) -> None:
    """Raise UnknownRuleType for a type that is none of ours; one that is missing or no text is a fault of the body."""
    kind = data.get("type")
    if isinstance(kind, str) and kind not in known:
        raise UnknownRuleType(place=place)
