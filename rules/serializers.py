"""Rules on the wire: bodies in, rules and executions out. Fields stand in the order of the contract."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from rest_framework import serializers

from rules.actions import ACTIONS
from rules.engine.conditions import Fact, Operator, ValueFact
from rules.fields import ConditionNumber, Flag, StartDate, one_of
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleStatus, ScheduleType, TriggerType
from rules.readable_traces import MayRead, readable_trace
from sequence.core.api.fields import (
    BoundedList,
    Cents,
    Id,
    IdText,
    PageQuery,
    StrictSerializer,
    Text,
    Time,
    show_time,
    unknown_fields,
)
from sequence.core.errors import MAX_DETAILS

MAX_CONDITION_DEPTH = 10
# Bounds on what one rule makes the engine do; far beyond what a person could review.
MAX_STEPS = 50
MAX_ACTIONS = 50
MAX_CHILDREN = 100
# Conditions and actions of one rule, all together: each costs a millisecond or two.
MAX_PARTS = 500


class TriggerField(serializers.Field):
    """What sets a rule off; which fields it has depends on its type."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in _TRIGGERS:
            fault = f"Give one of {', '.join(_TRIGGERS)}."
            raise serializers.ValidationError({"type": [fault]}, "required" if kind is None else "invalid_choice")
        reader = _TRIGGERS[kind](data=data)
        reader.is_valid(raise_exception=True)
        return {str(name): reader.validated_data.get(name) for name in reader.fields}

    def json_schema(self) -> dict[str, Any]:
        account = {"account_id": IdText().json_schema()}
        schedule = {
            "schedule_type": {"type": "string", "enum": ScheduleType.values},
            "start_date": StartDate().json_schema(),
            "account_id": {"type": ["string", "null"]},
        }
        return {
            "oneOf": [
                _object_schema({"type": {"const": "MANUAL"}, **account}, ["type", "account_id"]),
                _object_schema({"type": {"const": "ON_FUNDS_TRANSFERRED"}, **account}, ["type", "account_id"]),
                _object_schema({"type": {"const": "SCHEDULED"}, **schedule}, ["type", "schedule_type", "start_date"]),
            ]
        }


class _AccountTrigger(StrictSerializer):
    type = serializers.ChoiceField(choices=TriggerType.choices)
    account_id = IdText()


class _ScheduledTrigger(StrictSerializer):
    type = serializers.ChoiceField(choices=TriggerType.choices)
    schedule_type = serializers.ChoiceField(choices=ScheduleType.choices)
    start_date = StartDate()
    account_id = IdText(required=False)


_TRIGGERS: dict[str, type[StrictSerializer]] = {
    TriggerType.MANUAL: _AccountTrigger,
    TriggerType.ON_FUNDS_TRANSFERRED: _AccountTrigger,
    TriggerType.SCHEDULED: _ScheduledTrigger,
}


class _ConditionParams(StrictSerializer):
    account_id = IdText(required=False)


class _Condition(StrictSerializer):
    fact = serializers.ChoiceField(choices=Fact.choices)
    operator = serializers.ChoiceField(choices=Operator.choices)
    value = ConditionNumber(required=False)
    value_fact = serializers.ChoiceField(choices=ValueFact.choices, required=False)
    params = _ConditionParams(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        one_of(attrs, ("value", "value_fact"))
        return attrs

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        normal = {str(name): values.get(name) for name in self.fields}
        normal["params"] = normal["params"] or None
        return normal


class _Part(serializers.Field):
    """A condition or an action of a rule. After too many parts, or faults, nothing more of the body is looked at."""

    def read_part(self, reader: Callable[..., StrictSerializer], data: Any) -> dict[str, Any]:
        """Return the validated part. Raises ValidationError."""
        body: Any = self.root
        body.parts = getattr(body, "parts", 0) + 1
        if body.parts > MAX_PARTS:
            fault = f"A rule may have {MAX_PARTS:,} conditions and actions, all together."
            raise serializers.ValidationError(fault, "max_length")
        if self.is_enough():
            raise serializers.ValidationError("This was not looked at: there is enough to mend before it.", "unchecked")
        part = reader(data=data)
        if not part.is_valid():
            raise self.faulty(part.errors)
        return dict(part.validated_data)

    def faulty(self, faults: Any, code: str | None = None) -> serializers.ValidationError:
        """Return the refusal of a part, which is counted."""
        body: Any = self.root
        body.faulty_parts = getattr(body, "faulty_parts", 0) + 1
        return serializers.ValidationError(faults, code)

    def is_enough(self) -> bool:
        """Say whether to look no further: what was seen is refused already."""
        body: Any = self.root
        return getattr(body, "parts", 0) > MAX_PARTS or getattr(body, "faulty_parts", 0) >= MAX_DETAILS


class ConditionField(_Part):
    """A tree of conditions: ``{"condition": …}``, ``{"all": […]}`` or ``{"any": […]}``."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        return self._read(data, depth=1)

    def _read(self, data: Any, depth: int) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self.faulty("This must be an object.", "invalid")
        if depth > MAX_CONDITION_DEPTH:
            raise self.faulty(f"Conditions may be nested {MAX_CONDITION_DEPTH} levels deep.", "max_depth")
        given = {name: value for name, value in data.items() if value is not None}
        unknown = [name for name in given if name not in ("condition", "all", "any")]
        if unknown:
            raise self.faulty(unknown_fields(unknown))
        one_of(given, ("condition", "all", "any"))
        [(kind, value)] = given.items()
        if kind == "condition":
            return {kind: self._read_leaf(value)}
        return {kind: self._read_children(kind, value, depth)}

    def _read_leaf(self, value: Any) -> dict[str, Any]:
        try:
            return self.read_part(_Condition, value)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"condition": error.detail}) from None

    def _read_children(self, kind: str, value: Any, depth: int) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHILDREN:
            raise self.faulty({kind: [f"Give a list of 1 to {MAX_CHILDREN} conditions."]}, "invalid")
        children: list[dict[str, Any]] = []
        faults: dict[Any, Any] = {}
        for index, child in enumerate(value):
            try:
                children.append(self._read(child, depth + 1))
            except serializers.ValidationError as error:
                faults[index] = error.detail
                if self.is_enough():
                    break
        if faults:
            raise serializers.ValidationError({kind: faults})
        return children

    def json_schema(self) -> dict[str, Any]:
        leaf = _object_schema(
            {
                "fact": {"type": "string", "enum": Fact.values},
                "operator": {"type": "string", "enum": Operator.values},
                "value": ConditionNumber().json_schema(),
                "value_fact": {"type": ["string", "null"], "enum": [*ValueFact.values, None]},
                "params": {"type": ["object", "null"], "properties": {"account_id": {"type": ["string", "null"]}}},
            },
            ["fact", "operator"],
        )
        children = {"type": "array", "minItems": 1, "maxItems": MAX_CHILDREN, "items": {"type": "object"}}
        return {
            "type": ["object", "null"],
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"condition": leaf, "all": children, "any": children},
        }


class ActionField(_Part):
    """An action; which fields it has depends on its type."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.", "invalid")
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in ACTIONS:
            fault = f"Give one of {', '.join(ACTIONS)}."
            raise serializers.ValidationError({"type": [fault]}, "required" if kind is None else "invalid_choice")
        return self.read_part(ACTIONS[kind].Parameters, data)

    def json_schema(self) -> dict[str, Any]:
        return {"oneOf": [_action_schema(kind) for kind in ACTIONS]}


def _action_schema(kind: str) -> dict[str, Any]:
    """Return the schema of one action type, made from its parameters."""
    fields = ACTIONS[kind].Parameters().fields
    properties = {name: _field_schema(field) for name, field in fields.items()} | {"type": {"const": kind}}
    required = [name for name, field in fields.items() if field.required]
    return {**_object_schema(properties, required), "title": kind, "description": ACTIONS[kind].sentence}


def _field_schema(field: Any) -> dict[str, Any]:
    if isinstance(field, serializers.ChoiceField):
        schema: dict[str, Any] = {"type": "string", "enum": list(field.choices)}
    elif isinstance(field, serializers.ListField):
        schema = {"type": "array", "items": _field_schema(field.child), "minItems": field.min_length or 0}
    elif isinstance(field, serializers.Serializer):
        properties = {name: _field_schema(inner) for name, inner in field.fields.items()}
        schema = _object_schema(properties, [name for name, inner in field.fields.items() if inner.required])
    else:
        schema = field.json_schema()
    if not field.required:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": field.help_text} if field.help_text else schema


def _object_schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class Step(StrictSerializer):
    """Conditions, and what is done when they hold."""

    conditions = ConditionField(required=False, help_text="Null: always.")
    actions = BoundedList(child=ActionField(), min_length=1, max_length=MAX_ACTIONS)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        return {"conditions": values.get("conditions"), "actions": values["actions"]}


class RuleBody(StrictSerializer):
    """Body of ``POST /rules`` and ``PUT /rules/{id}``."""

    nickname = Text(max_length=100, required=False, help_text="Display name.")
    description = Text(max_length=500, multiline=True, required=False, help_text="A note for people.")
    status = serializers.ChoiceField(
        choices=RuleStatus.choices, required=False, help_text="Ignored: a person enables the rule in the admin."
    )
    trigger = TriggerField()
    steps = BoundedList(child=Step(), min_length=1, max_length=MAX_STEPS)


class TriggerRuleBody(StrictSerializer):
    """Body of ``POST /rules/{id}/trigger``."""

    manual_execute_amount = Cents(required=False, help_text="Takes the place of the incoming amount, in cents.")
    simulation = Flag(default=False, required=False, help_text="Run the same engine and move nothing.")


class RuleListQuery(PageQuery):
    """Query of ``GET /rules``."""

    source_id = IdText(required=False, help_text="Only rules whose trigger has this account.")


class ModeFilter(TextChoices):
    """Which executions a list shows."""

    LIVE = "live"
    SIMULATION = "simulation"
    ALL = "all"


class ExecutionTrigger(TextChoices):
    """What set an execution off, as executions spell it."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    ON_FUNDS_TRANSFERRED = "on_funds_transferred"


class ExecutionListQuery(PageQuery):
    """Query of ``GET /rule-executions``."""

    rule_id = IdText(help_text="The rule whose executions are listed.")
    status = serializers.ChoiceField(choices=ExecutionStatus.choices, required=False)
    trigger_type = serializers.ChoiceField(choices=ExecutionTrigger.choices, required=False)
    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(required=False, help_text="Created at this time or later.")
    to = Time(required=False, help_text="Created at this time or earlier.")
    mode = serializers.ChoiceField(choices=ModeFilter.choices, default=ModeFilter.LIVE.value)


class AccountNode(serializers.Serializer):
    """An account as a rule names it."""

    id = Id("acc")
    type = serializers.CharField()
    name = serializers.CharField()


class RuleSummary(serializers.Serializer):
    """A rule in a list."""

    id = Id("rule")
    nickname = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=RuleStatus.choices)
    trigger_type = serializers.ChoiceField(choices=TriggerType.choices)
    source = AccountNode(allow_null=True)  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Rule) -> dict[str, Any]:
        account = instance.trigger_account
        return {
            "id": instance.id,
            "nickname": instance.nickname,
            "description": instance.description,
            "status": instance.status,
            "trigger_type": instance.trigger_type,
            "source": {"id": account.id, "type": account.type, "name": account.name} if account else None,
            "created_at": show_time(instance.created_at),
            "updated_at": show_time(instance.updated_at),
        }


class RuleDetail(serializers.Serializer):
    """A full rule."""

    id = Id("rule")
    nickname = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=RuleStatus.choices)
    trigger = serializers.JSONField()
    steps = serializers.JSONField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Rule, names: dict[str, str] | None = None) -> dict[str, Any]:
        return {
            "id": instance.id,
            "nickname": instance.nickname,
            "description": instance.description,
            "status": instance.status,
            "trigger": instance.definition["trigger"],
            "steps": [_show_step(step, names or {}) for step in instance.definition["steps"]],
            "created_at": show_time(instance.created_at),
            "updated_at": show_time(instance.updated_at),
        }


def _show_step(step: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    conditions = step["conditions"]
    return {
        "conditions": _show_condition(conditions) if conditions else None,
        "actions": [
            {name: _show_value(name, value, names) for name, value in spec.items()} for spec in step["actions"]
        ],
    }


def _show_condition(tree: dict[str, Any]) -> dict[str, Any]:
    [(kind, value)] = tree.items()
    if kind == "condition":
        return {kind: {**value, "value": _show_number(value["value"])}}
    return {kind: [_show_condition(child) for child in value]}


def _show_value(name: str, value: Any, names: dict[str, str]) -> Any:
    if name == "percentage_value":
        return _show_number(value)
    if name == "accounts":
        return [{**account, "name": names.get(account["id"])} for account in value]
    if isinstance(value, dict) and "id" in value:
        return {**value, "name": names.get(value["id"])}
    return value


def _show_number(value: int | str | None) -> Any:
    """Stored text becomes a JSON number again. A float only here, at the very edge, where JSON has nothing better."""
    if not isinstance(value, str):
        return value
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else float(number)


class ExecutionSummary(serializers.Serializer):
    """An execution in a list."""

    id = Id("rex")
    rule_id = Id("rule")
    rule_name = serializers.CharField(allow_null=True)
    trigger_type = serializers.ChoiceField(choices=ExecutionTrigger.choices)
    status = serializers.ChoiceField(choices=ExecutionStatus.choices)
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: RuleExecution) -> dict[str, Any]:
        return {
            "id": instance.id,
            "rule_id": instance.rule_id,
            "rule_name": instance.rule_name,
            "trigger_type": instance.trigger_type.lower(),
            "status": instance.status,
            "created_at": show_time(instance.created_at),
        }


class ExecutionDetail(ExecutionSummary):
    """An execution with its explanation, as far as the reader may read the accounts in it."""

    trigger_details = serializers.JSONField()
    step_index_matched = serializers.IntegerField(allow_null=True)
    conditions_not_met = serializers.BooleanField()
    transfers_attempted = serializers.IntegerField()
    transfers_completed = serializers.IntegerField()
    transfers_failed = serializers.IntegerField()
    transfers_pending = serializers.IntegerField()
    transfer_ids = serializers.ListField(child=Id("txr"))
    error_message = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    mode = serializers.ChoiceField(choices=ExecutionMode.choices)
    trace = serializers.JSONField()

    def to_representation(self, instance: RuleExecution) -> dict[str, Any]:
        may_read: MayRead = self.context["may_read"]
        next_attempt_at = instance.next_attempt_at
        return {
            **super().to_representation(instance),
            "trigger_details": _show_trigger(instance),
            "step_index_matched": instance.step_index_matched,
            "conditions_not_met": instance.conditions_not_met,
            **instance.transfer_counts(),
            "transfer_ids": instance.transfer_ids(),
            "error_message": instance.error_message,
            "next_attempt_at": show_time(next_attempt_at) if next_attempt_at else None,
            "mode": instance.mode,
            "trace": readable_trace(instance.trace, instance.version.definition, may_read),
        }


def _show_trigger(execution: RuleExecution) -> dict[str, Any]:
    kind = execution.trigger_type.lower()
    if execution.trigger_type == TriggerType.SCHEDULED:
        slot = execution.scheduled_at
        return {"type": kind, "scheduled_time": show_time(slot) if slot else None}
    return {"type": kind, "amount_in_cents": execution.incoming_cents}


class ExecutionStarted(serializers.Serializer):
    """What triggering a rule answers."""

    execution_id = Id("rex")
