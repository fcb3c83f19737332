"""Trigger of a rule's body."""

from functools import cache

from rest_framework import serializers

from rules.engine.vocabulary import ScheduleType, TriggerType
from rules.serializers.fields import StartDate
from rules.serializers.parts import unknown_kind
from sequence.core.api.fields import Constant, IdText, StrictSerializer, Word
from sequence.core.api.schemas import Variants


class TriggerField(serializers.Field):
    """What sets a rule off; which fields it has depends on its type."""

    def to_internal_value(self, data: object) -> dict[str, object]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in _TRIGGERS:
            raise unknown_kind(data, _TRIGGERS, _names())
        reader = _TRIGGERS[kind](data=data)
        reader.is_valid(raise_exception=True)
        return {str(name): reader.validated_data.get(name) for name in reader.fields}

    def json_schema(self) -> Variants:
        return Variants("TriggerInput", _TRIGGERS, description="What sets a rule off.")


class ManualTriggerInput(StrictSerializer):
    """Somebody runs the rule."""

    type = Constant(TriggerType.MANUAL.value)
    account_id = IdText()


class OnFundsTransferredTriggerInput(StrictSerializer):
    """Money arrives in the account."""

    type = Constant(TriggerType.ON_FUNDS_TRANSFERRED.value)
    account_id = IdText()


class ScheduledTriggerInput(StrictSerializer):
    """The time comes. The account is the one whose balance conditions look at."""

    type = Constant(TriggerType.SCHEDULED.value)
    schedule_type = Word(ScheduleType)
    start_date = StartDate()
    account_id = IdText(required=False)


_TRIGGERS: dict[str, type[StrictSerializer]] = {
    TriggerType.MANUAL.value: ManualTriggerInput,
    TriggerType.ON_FUNDS_TRANSFERRED.value: OnFundsTransferredTriggerInput,
    TriggerType.SCHEDULED.value: ScheduledTriggerInput,
}


@cache
def _names() -> frozenset[str]:
    """Return the names that some trigger has."""
    return frozenset[str]().union(*(reader().fields for reader in _TRIGGERS.values()))
