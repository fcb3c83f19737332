"""Answers of the endpoints of rules. Fields stand in the order of the contract."""

from datetime import datetime

from django.db.models import TextChoices
from rest_framework import serializers

from rules.engine.actions import Action
from rules.engine.definition import Comparison, Condition, Definition, Step
from rules.engine.vocabulary import TriggerType
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleStatus, RuleVersion
from rules.readable_traces import MayRead, readable_trace
from rules.serializers.bodies import ExecutionTrigger
from rules.serializers.parameters import Names, show, show_number
from rules.serializers.shapes import TRIGGER, RuleAccount, RuleStep
from rules.serializers.traces import TRIGGER_DETAILS, ExecutionTrace
from sequence.core.api.fields import Id, Shown, Word, show_time


class RuleSummary(serializers.Serializer):
    """A rule in a list."""

    id = Id("rule")
    nickname = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    status = Word(RuleStatus)
    trigger_type = Word(TriggerType)
    source = RuleAccount(allow_null=True)  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Rule) -> dict[str, object]:
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
    status = Word(RuleStatus)
    trigger = Shown(TRIGGER)
    steps = RuleStep(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Rule, names: Names | None = None) -> dict[str, object]:
        return {
            "id": instance.id,
            "nickname": instance.nickname,
            "description": instance.description,
            "status": instance.status,
            **_show_definition(instance.parsed(), names or {}),
            "created_at": show_time(instance.created_at),
            "updated_at": show_time(instance.updated_at),
        }


class Author(TextChoices):
    """Who wrote a version: a program, a member of staff, or an operator at the command line."""

    KEY = "key"
    STAFF = "staff"
    COMMAND = "command"


class VersionDetail(serializers.Serializer):
    """A rule as it was between two changes."""

    number = serializers.IntegerField()
    nickname = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    trigger = Shown(TRIGGER)
    steps = RuleStep(many=True)
    created_at = serializers.DateTimeField()
    created_by = Word(Author)
    enabled_at = serializers.DateTimeField(allow_null=True, help_text="When a person last enabled this version.")

    def to_representation(
        self, instance: RuleVersion, names: Names | None = None, enabled_at: datetime | None = None
    ) -> dict[str, object]:
        return {
            "number": instance.number,
            "nickname": instance.nickname,
            "description": instance.description,
            **_show_definition(instance.parsed(), names or {}),
            "created_at": show_time(instance.created_at),
            "created_by": instance.created_by.partition(":")[0],
            "enabled_at": show_time(enabled_at) if enabled_at else None,
        }


def _show_definition(definition: Definition, names: Names) -> dict[str, object]:
    steps = [_show_step(step, names) for step in definition.steps]
    return {"trigger": definition.trigger.as_dict(), "steps": steps}


def _show_step(step: Step, names: Names) -> dict[str, object]:
    conditions = _show_condition(step.condition) if step.condition else None
    return {"conditions": conditions, "actions": [_show_action(action, names) for action in step.actions]}


def _show_action(action: Action, names: Names) -> dict[str, object]:
    shown = {name: show(declared, getattr(action, name), names) for name, declared in action.parameters().items()}
    return {"type": action.type, **shown}


def _show_condition(condition: Condition) -> dict[str, object]:
    if isinstance(condition, Comparison):
        return {"condition": {**condition.as_dict(), "value": show_number(condition.value)}}
    return {condition.kind: [_show_condition(child) for child in condition.children]}


class ExecutionSummary(serializers.Serializer):
    """An execution in a list."""

    id = Id("rex")
    rule_id = Id("rule")
    rule_name = serializers.CharField(allow_null=True)
    trigger_type = Word(ExecutionTrigger)
    status = Word(ExecutionStatus)
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: RuleExecution) -> dict[str, object]:
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

    trigger_details = Shown(TRIGGER_DETAILS)
    step_index_matched = serializers.IntegerField(allow_null=True)
    conditions_not_met = serializers.BooleanField()
    transfers_attempted = serializers.IntegerField()
    transfers_completed = serializers.IntegerField()
    transfers_failed = serializers.IntegerField()
    transfers_pending = serializers.IntegerField()
    transfer_ids = serializers.ListField(child=Id("txr"))
    error_message = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    mode = Word(ExecutionMode)
    trace = ExecutionTrace()

    def to_representation(self, instance: RuleExecution) -> dict[str, object]:
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
            "trace": readable_trace(instance.trace, instance.version.parsed(), may_read),
        }


def _show_trigger(execution: RuleExecution) -> dict[str, object]:
    kind = execution.trigger_type.lower()
    if execution.trigger_type == TriggerType.SCHEDULED:
        slot = execution.scheduled_at
        return {"type": kind, "scheduled_time": show_time(slot) if slot else None}
    return {"type": kind, "amount_in_cents": execution.incoming_cents}


class ExecutionStarted(serializers.Serializer):
    """What triggering a rule answers."""

    execution_id = Id("rex")
