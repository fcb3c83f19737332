"""Trigger of a rule's body."""

from typing import Any

from rest_framework import serializers

from rules.serializers.fields import StartDate
from rules.serializers.parts import object_schema
from rules.vocabulary import ScheduleType, TriggerType
from sequence.core.api.fields import IdText, StrictSerializer


class TriggerField(serializers.Field):
    """What sets a rule off; which fields it has depends on its type."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in _TRIGGERS:
            fault = f"Give one of {', '.join(_TRIGGERS)}."
            raise serializers.ValidationError({"type": [fault]}, "required" if kind is None else "invalid_choice")
        reader = _TRIGGERS[kind](data=data)
        reader.is_valid(raise_exception=True)
        return {str(name): reader.validated_data.get(name) for name in reader.fields}

    def json_schema(self) -> dict[str, object]:
        account = {"account_id": IdText().json_schema()}
        schedule = {
            "schedule_type": {"type": "string", "enum": ScheduleType.values()},
            "start_date": StartDate().json_schema(),
            "account_id": {"type": ["string", "null"]},
        }
        return {
            "oneOf": [
                object_schema({"type": {"const": "MANUAL"}, **account}, ["type", "account_id"]),
                object_schema({"type": {"const": "ON_FUNDS_TRANSFERRED"}, **account}, ["type", "account_id"]),
                object_schema({"type": {"const": "SCHEDULED"}, **schedule}, ["type", "schedule_type", "start_date"]),
            ]
        }


class _AccountTrigger(StrictSerializer):
    type = serializers.ChoiceField(choices=TriggerType.choices())
    account_id = IdText()


class _ScheduledTrigger(StrictSerializer):
    type = serializers.ChoiceField(choices=TriggerType.choices())
    schedule_type = serializers.ChoiceField(choices=ScheduleType.choices())
    start_date = StartDate()
    account_id = IdText(required=False)


_TRIGGERS: dict[str, type[StrictSerializer]] = {
    TriggerType.MANUAL: _AccountTrigger,
    TriggerType.ON_FUNDS_TRANSFERRED: _AccountTrigger,
    TriggerType.SCHEDULED: _ScheduledTrigger,
}
