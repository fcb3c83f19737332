"""Shapes of a rule's trigger, conditions and actions, as this dialect's document describes them."""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from rules.engine.actions import ACTIONS
from rules.engine.parameters import (
    AccountParameter,
    CentsParameter,
    ChoiceParameter,
    CountParameter,
    FlagParameter,
    LimitParameter,
    Parameter,
    PercentParameter,
    StatementTextParameter,
)
from rules.engine.vocabulary import Fact, LimitPeriod, Operator, ScheduleType, TriggerType, ValueFact
from sequence.core.api.schemas import NULL, Named, object_of, ref, union
from sequence.core.typing import JsonObject
from sequence.platform.enums import ACTION_TYPES, upper
from sequence.platform.names import camel

_ID: JsonObject = {"type": "string", "format": "uuid"}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_CENTS: JsonObject = {"type": "integer", "format": "int64"}
_ACCOUNT_TYPES = ("income_source", "pod", "external_account")
_ACCOUNT_TYPE = Named("AccountType", {"type": "string", "enum": [upper(kind) for kind in _ACCOUNT_TYPES]})


def _or_null(schema: object) -> JsonObject:
    return {"oneOf": [schema, NULL]}


def _words(words: type[Any]) -> JsonObject:
    return {"type": "string", "enum": words.values()}


def _object(required: Mapping[str, object], optional: Mapping[str, object] | None = None) -> JsonObject:
    made = object_of({**required, **(optional or {})})
    return {**made, "required": list(required)}


ACCOUNT_NODE = Named("AccountNode", _object({"id": _ID, "type": _ACCOUNT_TYPE, "name": {"type": ["string", "null"]}}))
_ACCOUNT_NODE_INPUT = Named("AccountNodeInput", _object({"id": {"type": "string"}}, {"type": _ACCOUNT_TYPE}))
_CAP = Named("TransferCap", _object({"period": _words(LimitPeriod), "amountInCents": _CENTS}))


def _triggers(suffix: str, account_id: JsonObject, scheduled: JsonObject) -> Named:
    kinds = {kind: {"type": "string", "const": kind.value} for kind in TriggerType}
    return union(
        f"Trigger{suffix}",
        Named(f"ManualTrigger{suffix}", _object({"type": kinds[TriggerType.MANUAL], "accountId": account_id})),
        Named(
            f"OnFundsTransferredTrigger{suffix}",
            _object({"type": kinds[TriggerType.ON_FUNDS_TRANSFERRED], "accountId": account_id}),
        ),
        Named(f"ScheduledTrigger{suffix}", scheduled),
        description="What sets a rule off.",
    )


_SCHEDULED = {"type": "string", "const": TriggerType.SCHEDULED.value}
TRIGGER = _triggers(
    "",
    _ID,
    _object(
        {
            "type": _SCHEDULED,
            "scheduleType": _words(ScheduleType),
            "startDate": _TIME,
            "accountId": {**_ID, "type": ["string", "null"]},
        }
    ),
)
TRIGGER_INPUT = _triggers(
    "Input",
    {"type": "string"},
    _object(
        {"type": _SCHEDULED, "scheduleType": _words(ScheduleType)},
        {"startDate": {"type": "string"}, "accountId": {"type": ["string", "null"]}},
    ),
)


def _conditions(suffix: str, account_id: JsonObject, *, all_are_there: bool) -> Named:
    told = {"fact": _words(Fact), "operator": _words(Operator)}
    value = {"value": {"type": ["number", "null"]}, "valueFact": _or_null(_words(ValueFact))}
    params = _or_null(_object({"accountId": account_id}) if all_are_there else _object({}, {"accountId": account_id}))
    rest = {**value, "params": params}
    comparison = _object({**told, **rest}) if all_are_there else _object(told, rest)
    children = {"type": "array", "minItems": 1, "items": ref(f"Condition{suffix}")}
    return union(
        f"Condition{suffix}",
        Named(f"SingleCondition{suffix}", _object({"condition": comparison})),
        Named(f"AllConditions{suffix}", _object({"all": children})),
        Named(f"AnyConditions{suffix}", _object({"any": children})),
        description="One comparison, or several of which all or any must hold.",
    )


@singledispatch
def _shape_of(declared: Parameter[Any], account: Named) -> JsonObject:
    """Return the schema of a parameter of an action."""
    raise TypeError(f"No schema describes {declared!r}.")


@_shape_of.register
def _(declared: CentsParameter, account: Named) -> JsonObject:
    return _CENTS if declared.required else {**_CENTS, "type": ["integer", "null"]}


@_shape_of.register
def _(declared: CountParameter, account: Named) -> JsonObject:
    return {"type": "integer"}


@_shape_of.register
def _(declared: FlagParameter, account: Named) -> JsonObject:
    return {"type": "boolean"}


@_shape_of.register
def _(declared: StatementTextParameter, account: Named) -> JsonObject:
    return {"type": ["string", "null"]}


@_shape_of.register
def _(declared: PercentParameter, account: Named) -> JsonObject:
    return {"type": "number", "minimum": 0, "maximum": 100}


@_shape_of.register
def _(declared: ChoiceParameter, account: Named) -> JsonObject:
    return _words(declared.of)


@_shape_of.register
def _(declared: LimitParameter, account: Named) -> JsonObject:
    return _or_null(_CAP)


@_shape_of.register
def _(declared: AccountParameter, account: Named) -> JsonObject:
    return {"allOf": [account]} if declared.required else _or_null(account)


def _actions(suffix: str, account: Named, *, all_are_there: bool) -> Named:
    options = []
    for spelled, kind in ACTION_TYPES.items():
        parameters = ACTIONS[kind].parameters()
        fields = {camel(name): _shape_of(declared, account) for name, declared in parameters.items()}
        required = [camel(name) for name, declared in parameters.items() if declared.required or all_are_there]
        shape = object_of({"type": {"type": "string", "const": spelled}, **fields})
        options.append(Named(f"{ACTIONS[kind].__name__}Action{suffix}", {**shape, "required": ["type", *required]}))
    return union(f"Action{suffix}", *options, description="What is moved, from where and to where.")


def _steps(suffix: str, account: Named, account_id: JsonObject, *, all_are_there: bool) -> JsonObject:
    actions = _actions(suffix, account, all_are_there=all_are_there)
    conditions = {"conditions": _or_null(_conditions(suffix, account_id, all_are_there=all_are_there))}
    done = {"actions": {"type": "array", "minItems": 1, "items": actions}}
    step = _object({**conditions, **done}) if all_are_there else _object(done, conditions)
    return {"type": "array", "minItems": 1, "items": Named(f"Step{suffix}", step)}


STEPS = _steps("", ACCOUNT_NODE, _ID, all_are_there=True)
STEPS_INPUT = _steps("Input", _ACCOUNT_NODE_INPUT, {"type": "string"}, all_are_there=False)
