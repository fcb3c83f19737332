"""Executions of rules in this dialect."""

from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request

from apikeys.resolvers import Named
from apikeys.scopes import Scope
from rules import services
from rules.engine.vocabulary import TriggerType
from rules.errors import RuleExecutionNotFound, RuleNotFound
from rules.models import ExecutionMode, ExecutionStatus, RuleExecution
from rules.views import EXECUTION, MODES
from sequence.core.api.fields import Constant, Shown, StoredCents, show_time
from sequence.core.api.schemas import Variants
from sequence.core.typing import JsonObject
from sequence.platform.enums import UpperWord, upper
from sequence.platform.ids import PlainId, plain_id
from sequence.platform.names import Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import Pagination, PeriodQuery, newest_first
from sequence.platform.viewsets import PlatformViewSet
from transfers.serializers import ModeFilter

_BY_KEY, _BY_HAND = "SEQUENCE_API", TriggerType.MANUAL.value
_STARTED_BY_KEY = Q(started_by__startswith="key:")
# What set an execution off, as a filter spells it: a person and a program both do so by hand.
_TRIGGERS = {
    _BY_HAND: Q(trigger_type=TriggerType.MANUAL) & ~(_STARTED_BY_KEY & Q(started_by__isnull=False)),
    _BY_KEY: Q(trigger_type=TriggerType.MANUAL) & _STARTED_BY_KEY,
    TriggerType.SCHEDULED.value: Q(trigger_type=TriggerType.SCHEDULED),
    TriggerType.ON_FUNDS_TRANSFERRED.value: Q(trigger_type=TriggerType.ON_FUNDS_TRANSFERRED),
    # The vendor's older way, which does not exist here.
    "REMOTE_API": Q(pk__in=[]),
}
_FILTERS = {"status": "status", "from": "created_at__gte", "to": "created_at__lte"}


class ExecutionListQuery(PeriodQuery):
    """Query of ``GET /rules/{ruleId}/executions``."""

    status = UpperWord(ExecutionStatus, name="RuleExecutionStatus", required=False)
    trigger_type = serializers.ChoiceField(choices=list(_TRIGGERS), required=False)
    execution_mode = UpperWord(
        ModeFilter, name="ExecutionModeFilter", default="LIVE", help_text="Whether simulations are listed."
    )


class ManualDetails(Spelled):
    """Staff asked for it."""

    type = Constant(_BY_HAND)
    amount_in_cents = StoredCents(allow_null=True)


class SequenceApiDetails(Spelled):
    """A program asked for it."""

    type = Constant(_BY_KEY)
    amount_in_cents = StoredCents(allow_null=True)


class OnFundsTransferredDetails(Spelled):
    """Money arrived."""

    type = Constant(TriggerType.ON_FUNDS_TRANSFERRED.value)
    amount_in_cents = StoredCents(allow_null=True)


class ScheduledDetails(Spelled):
    """The time came."""

    type = Constant(TriggerType.SCHEDULED.value)
    scheduled_time = serializers.DateTimeField(allow_null=True)


_DETAILS = {
    _BY_HAND: ManualDetails,
    _BY_KEY: SequenceApiDetails,
    TriggerType.ON_FUNDS_TRANSFERRED.value: OnFundsTransferredDetails,
    TriggerType.SCHEDULED.value: ScheduledDetails,
}


class ExecutionSummary(Spelled):
    """An execution in a list."""

    id = PlainId()
    rule_id = PlainId()
    status = UpperWord(ExecutionStatus, name="RuleExecutionStatus")
    execution_mode = UpperWord(ExecutionMode, name="ExecutionMode")
    created_at = serializers.DateTimeField()


class ExecutionDetail(ExecutionSummary):
    """An execution with its outcome."""

    trigger_details = Shown(Variants("TriggerDetails", _DETAILS, description="What set it off."))
    step_index_matched = serializers.IntegerField(allow_null=True)
    conditions_not_met = serializers.BooleanField()
    transfers_attempted = serializers.IntegerField()
    transfers_completed = serializers.IntegerField()
    transfers_failed = serializers.IntegerField()
    transfers_pending = serializers.IntegerField()
    transfer_ids = serializers.ListField(child=PlainId())
    error_message = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class ExecutionPage(Spelled):
    """Some executions."""

    items = ExecutionSummary(many=True)
    pagination = Pagination()


def show_summary(execution: RuleExecution) -> JsonObject:
    """Return a run as the dialect lists it."""
    return {
        "id": plain_id(execution.id),
        "ruleId": plain_id(execution.rule_id),
        "status": upper(execution.status),
        "executionMode": upper(execution.mode),
        "createdAt": show_time(execution.created_at),
    }


def show_execution(execution: RuleExecution) -> JsonObject:
    """Return a run as the dialect shows one: the summary, what set it off, its transfers by status."""
    counts = execution.transfer_counts()
    next_attempt_at = execution.next_attempt_at
    return {
        **show_summary(execution),
        "triggerDetails": _show_trigger(execution),
        "stepIndexMatched": execution.step_index_matched,
        "conditionsNotMet": execution.conditions_not_met,
        "transfersAttempted": counts["transfers_attempted"],
        "transfersCompleted": counts["transfers_completed"],
        "transfersFailed": counts["transfers_failed"],
        "transfersPending": counts["transfers_pending"],
        "transferIds": [plain_id(id) for id in execution.transfer_ids()],
        "errorMessage": execution.error_message,
        "nextAttemptAt": show_time(next_attempt_at) if next_attempt_at else None,
    }


def _show_trigger(execution: RuleExecution) -> JsonObject:
    kind = execution.trigger_type
    if kind == TriggerType.SCHEDULED:
        slot = execution.scheduled_at
        return {"type": kind, "scheduledTime": show_time(slot) if slot else None}
    if kind == TriggerType.MANUAL:
        kind = _BY_KEY if (execution.started_by or "").startswith("key:") else _BY_HAND
    return {"type": kind, "amountInCents": execution.incoming_cents}


class RuleExecutionViewSet(PlatformViewSet):
    """What rules did."""

    @platform_operation(
        name="listRuleExecutions",
        method="GET",
        path="/rules/{ruleId}/executions",
        variables={"ruleId": "rule_id"},
        scope=Scope.READ_RULE_EXECUTIONS,
        summary="List the executions of a rule, newest first",
        query=ExecutionListQuery,
        resource=Named("rule_id"),
        response=ExecutionPage,
        refusals=(RuleNotFound,),
    )
    def list_rule_executions(self, request: Request, rule_id: str) -> JsonObject:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        filters = {column: self.query[name] for name, column in _FILTERS.items() if name in self.query}
        rows = RuleExecution.objects.filter(rule=rule, mode__in=MODES[self.query["execution_mode"]], **filters)
        if "trigger_type" in self.query:
            rows = rows.filter(_TRIGGERS[self.query["trigger_type"]])
        return newest_first(rows, self.query).as_json(show_summary, self.query)

    @platform_operation(
        name="getRuleExecution",
        method="GET",
        path="/rules/{ruleId}/executions/{id}",
        variables={"ruleId": "rule_id", "id": "rule_execution_id"},
        scope=Scope.READ_RULE_EXECUTIONS,
        summary="Read an execution with its outcome",
        resource=EXECUTION,
        response=ExecutionDetail,
        refusals=(RuleExecutionNotFound,),
    )
    def get_rule_execution(self, request: Request, rule_id: str, rule_execution_id: str) -> JsonObject:
        execution: RuleExecution = self.found
        if execution.rule_id != rule_id:
            raise RuleExecutionNotFound()
        return show_execution(execution)
