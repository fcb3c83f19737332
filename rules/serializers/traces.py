"""Shapes of what answers tell of a run: why it began, and its trace, as ``rules.readable_traces`` lets it be read.

The engine writes traces (``rules.engine.plan``, ``rules.engine.conditions``). An amount that belongs to an account
which the reading key may not READ is null, so that every amount here may be.
"""

from rest_framework import serializers

from rules.engine.plan import LineStatus
from rules.engine.vocabulary import Fact, LimitPeriod, Operator, ValueFact
from rules.serializers.shapes import ComparisonParams, ShownActionType
from sequence.core.api.fields import Constant, Id, Shown, StoredCents, Word
from sequence.core.api.schemas import Named, Variants, object_of, ref, union
from transfers.models import ErrorCode


class ManualTriggerDetails(serializers.Serializer):
    """Somebody ran the rule."""

    type = Constant("manual")
    amount_in_cents = StoredCents(allow_null=True, help_text="What took the place of an incoming amount.")


class OnFundsTransferredTriggerDetails(serializers.Serializer):
    """Money arrived."""

    type = Constant("on_funds_transferred")
    amount_in_cents = StoredCents(help_text="How much arrived.")


class ScheduledTriggerDetails(serializers.Serializer):
    """The time had come."""

    type = Constant("scheduled")
    scheduled_time = serializers.DateTimeField(help_text="The slot, however late the run.")


TRIGGER_DETAILS = Variants(
    "TriggerDetails",
    {
        "manual": ManualTriggerDetails,
        "scheduled": ScheduledTriggerDetails,
        "on_funds_transferred": OnFundsTransferredTriggerDetails,
    },
    description="Why a run began.",
)

# A whole number, or a fraction with all its digits as text.
_EXACT_NUMBER = {"type": ["integer", "string", "null"]}


class ComparisonTrace(serializers.Serializer):
    """A comparison as it was made."""

    fact = Word(Fact)
    operator = Word(Operator)
    value = Shown(_EXACT_NUMBER, help_text="A fraction is text, with all its digits.")
    value_fact = Word(ValueFact, allow_null=True)
    params = ComparisonParams(allow_null=True)
    account_name = serializers.CharField(allow_null=True, help_text="Of the account that it looked at.")


class SingleConditionTrace(serializers.Serializer):
    """A comparison, what it saw and whether it held. Null where it is not known, or not for this key to read."""

    condition = ComparisonTrace()
    saw = serializers.IntegerField(allow_null=True)
    compared_with = Shown(_EXACT_NUMBER, help_text="A fraction is text, with all its digits.")
    holds = serializers.BooleanField()


_HOLDS = {"type": "boolean"}
_TRACES = {"type": "array", "minItems": 1, "items": ref("ConditionTrace")}
CONDITION_TRACE = union(
    "ConditionTrace",
    SingleConditionTrace,
    Named("AllConditionsTrace", object_of({"all": _TRACES, "holds": _HOLDS}, description="Whether all held.")),
    Named("AnyConditionsTrace", object_of({"any": _TRACES, "holds": _HOLDS}, description="Whether one held.")),
    description="A condition of the rule with the values that it saw and its verdict, at every level.",
)


class StepTrace(serializers.Serializer):
    """A step that was tried."""

    step_index = serializers.IntegerField()
    holds = serializers.BooleanField()
    conditions = Shown(CONDITION_TRACE, allow_null=True, help_text="Null: it has none.")


class ShareTrace(serializers.Serializer):
    """A percentage's part of the incoming amount. Floors and extra cents add up to the total, rounded down."""

    exact = serializers.CharField(allow_null=True, help_text="In cents, with all its digits.")
    floor_in_cents = StoredCents(allow_null=True)
    remainder = serializers.CharField(allow_null=True, help_text="What the floor leaves over.")
    rank = serializers.IntegerField(help_text="Its place in the queue for the cents that are left.")
    got_extra_cent = serializers.BooleanField()


class LimitTrace(serializers.Serializer):
    """The limit that cut an action."""

    period = Word(LimitPeriod)
    limit_in_cents = StoredCents(allow_null=True)
    used_in_cents = StoredCents(allow_null=True, help_text="What the period had seen before.")


class MovementTrace(serializers.Serializer):
    """One movement of an action, and the transfer that it became."""

    destination = serializers.CharField(allow_null=True, help_text="The account's name.")
    amount_cents = StoredCents(allow_null=True)
    result = Word(LineStatus, name="MovementResult")
    reason = Word(ErrorCode, name="TransferErrorCode", allow_null=True)
    transfer_id = Id("txr", allow_null=True)


class _ActionTrace(serializers.Serializer):
    action_index = serializers.IntegerField()
    type = ShownActionType()
    source = serializers.CharField(help_text="The account's name.")  # type: ignore[assignment]


class SkippedActionTrace(_ActionTrace):
    """An action that was not tried, since one before it had failed."""

    result = Constant("skipped")
    reason = serializers.CharField()
    share = ShareTrace(required=False)


class PlannedActionTrace(_ActionTrace):
    """An action that was tried. An amount is missing where it failed, or nothing was taken away, before that."""

    result = serializers.ChoiceField(choices=["moved", "nothing to move", "failed"])
    base_cents = StoredCents(required=False, allow_null=True, help_text="What the amount is computed from.")
    computed_cents = StoredCents(required=False, allow_null=True)
    share = ShareTrace(required=False)
    limit_took_cents = StoredCents(required=False, allow_null=True)
    limit = LimitTrace(required=False)
    wanted_cents = StoredCents(required=False, allow_null=True, help_text="What the limit has left of it.")
    source_available_cents = StoredCents(required=False, allow_null=True)
    balance_took_cents = StoredCents(required=False, allow_null=True)
    movements = MovementTrace(many=True)


ACTION_TRACE = Variants(
    "ActionTrace",
    {
        "moved": PlannedActionTrace,
        "nothing to move": PlannedActionTrace,
        "failed": PlannedActionTrace,
        "skipped": SkippedActionTrace,
    },
    told_by="result",
    description="An action with the amounts that it came from, and the movements that it made.",
)


class ExecutionTrace(serializers.Serializer):
    """What the rule saw and did. Empty lists: it has not decided yet, or was refused before it could."""

    steps = StepTrace(many=True)
    actions = serializers.ListField(child=Shown(ACTION_TRACE))
    nothing_to_move = serializers.IntegerField(required=False, help_text="How many movements had nothing to move.")
    would_move = serializers.IntegerField(required=False, help_text="Of a simulation: how many would move something.")
