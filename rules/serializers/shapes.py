"""Shapes of what answers tell of a rule: its trigger, conditions and actions, as the document describes them.

``rules.serializers.answers`` fills them in.
"""

from functools import cache, singledispatch
from typing import Any

from rest_framework import serializers

from accounts.models import AccountType
from rules.engine.actions import ACTIONS, Action
from rules.engine.parameters import (
    AccountParameter,
    AccountsParameter,
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
from sequence.core.api.fields import Constant, Id, Shown, StoredCents, Word
from sequence.core.api.schemas import Named, Variants, object_of, ref, union


class RuleAccount(serializers.Serializer):
    """An account as a rule names it."""

    id = Id("acc")
    type = Word(AccountType)
    name = serializers.CharField()


class ManualTrigger(serializers.Serializer):
    """Somebody runs the rule."""

    type = Constant(TriggerType.MANUAL.value)
    account_id = Id("acc")


class OnFundsTransferredTrigger(serializers.Serializer):
    """Money arrives in the account."""

    type = Constant(TriggerType.ON_FUNDS_TRANSFERRED.value)
    account_id = Id("acc")


class ScheduledTrigger(serializers.Serializer):
    """The time comes. The account is the one whose balance conditions look at."""

    type = Constant(TriggerType.SCHEDULED.value)
    schedule_type = Word(ScheduleType)
    start_date = serializers.DateTimeField(help_text="Its time of day is that of every slot.")
    account_id = Id("acc", allow_null=True)


TRIGGER = Variants(
    "Trigger",
    {
        TriggerType.MANUAL.value: ManualTrigger,
        TriggerType.ON_FUNDS_TRANSFERRED.value: OnFundsTransferredTrigger,
        TriggerType.SCHEDULED.value: ScheduledTrigger,
    },
    description="What sets a rule off.",
)


class ComparisonParams(serializers.Serializer):
    """Where a comparison looks."""

    account_id = Id("acc")


class Comparison(serializers.Serializer):
    """A fact compared with a number or, where ``value`` is null, with another fact."""

    fact = Word(Fact)
    operator = Word(Operator)
    value = serializers.FloatField(allow_null=True)
    value_fact = Word(ValueFact, allow_null=True)
    params = ComparisonParams(allow_null=True, help_text="Null: the trigger's account.")


_CONDITIONS = {"type": "array", "minItems": 1, "items": ref("Condition")}
CONDITION = union(
    "Condition",
    Named("SingleCondition", object_of({"condition": Comparison}, description="One comparison.")),
    Named("AllConditions", object_of({"all": _CONDITIONS}, description="All of these must hold.")),
    Named("AnyConditions", object_of({"any": _CONDITIONS}, description="One of these must hold.")),
    description="One comparison, or several of which all or any must hold.",
)


class Limit(serializers.Serializer):
    """The most that an action moves in a period."""

    period = Word(LimitPeriod)
    amount_in_cents = StoredCents()


@singledispatch
def _shape_of(declared: Parameter[Any], **options: Any) -> serializers.Field:
    """Return the field that describes the parameter in an answer."""
    raise TypeError(f"No field describes {declared!r}.")


@_shape_of.register
def _(declared: CentsParameter, **options: Any) -> serializers.Field:
    return StoredCents(allow_null=not declared.required, **options)


@_shape_of.register
def _(declared: CountParameter, **options: Any) -> serializers.Field:
    return serializers.IntegerField(**options)


@_shape_of.register
def _(declared: FlagParameter, **options: Any) -> serializers.Field:
    return serializers.BooleanField(**options)


@_shape_of.register
def _(declared: StatementTextParameter, **options: Any) -> serializers.Field:
    return serializers.CharField(allow_null=True, **options)


@_shape_of.register
def _(declared: PercentParameter, **options: Any) -> serializers.Field:
    return serializers.FloatField(allow_null=not declared.required, **options)


@_shape_of.register
def _(declared: ChoiceParameter, **options: Any) -> serializers.Field:
    return Word(declared.of, allow_null=not declared.required, **options)


@_shape_of.register
def _(declared: LimitParameter, **options: Any) -> serializers.Field:
    return Limit(allow_null=True, **options)


@_shape_of.register
def _(declared: AccountParameter, **options: Any) -> serializers.Field:
    return RuleAccount(allow_null=not declared.required, **options)


@_shape_of.register
def _(declared: AccountsParameter, **options: Any) -> serializers.Field:
    return RuleAccount(many=True, **options)


@cache
def _action(action: type[Action]) -> type[serializers.Serializer]:
    # Fields stand in the order in which they are made.
    kind = Constant(action.type)
    shapes = {name: _shape_of(declared, help_text=declared.help_text) for name, declared in action.parameters().items()}
    told = {"type": kind, **shapes, "__doc__": action.sentence}
    return type(f"{action.__name__}Action", (serializers.Serializer,), told)


class ShownAction(serializers.Field):
    """An action; which fields it has depends on its type."""

    def json_schema(self) -> Variants:
        shapes = {kind: _action(action) for kind, action in ACTIONS.items()}
        return Variants("Action", shapes, description="What is moved, from where and to where.")


class ShownActionType(serializers.Field):
    """Of which type an action is."""

    def json_schema(self) -> Named:
        return Named("ActionType", {"type": "string", "enum": list(ACTIONS)})


class RuleStep(serializers.Serializer):
    """Conditions, and what is done when they hold. Steps are tried in order; the first that holds ends the rule."""

    conditions = Shown(CONDITION, allow_null=True, help_text="Null: always.")
    actions = serializers.ListField(child=ShownAction())
