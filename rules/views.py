"""The endpoints of rules and their executions."""

from typing import Any

from django.http import HttpResponse

from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet, Operation
from rules import services
from rules.errors import RuleDisabled, RuleExecutionNotFound, RuleNotFound
from rules.models import ExecutionMode, Rule, RuleExecution
from rules.serializers import (
    ExecutionDetail,
    ExecutionListQuery,
    ExecutionStarted,
    ExecutionSummary,
    ModeFilter,
    RuleBody,
    RuleDetail,
    RuleListQuery,
    RuleSummary,
    TriggerRuleBody,
)
from sequence.api.envelope import no_content
from sequence.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.api.request_ids import request_id_of
from sequence.errors import Forbidden

_MODES = {
    ModeFilter.LIVE.value: [ExecutionMode.LIVE],
    ModeFilter.SIMULATION.value: [ExecutionMode.SIMULATION],
    ModeFilter.ALL.value: list(ExecutionMode),
}


class RuleViewSet(KeyedViewSet):
    """Rules are written by programs and enabled by people."""

    operations = {
        "list": Operation(
            scope=Scope.LIST_RULES,
            summary="List all rules of the organization",
            query=RuleListQuery,
            response=RuleSummary,
            is_list=True,
        ),
        "retrieve": Operation(
            scope=Scope.READ_RULES,
            summary="Read a rule with its trigger, steps, conditions and actions",
            resource="rule_id",
            response=RuleDetail,
            refusals=(RuleNotFound,),
        ),
        "create": Operation(
            scope=Scope.CREATE_AND_EDIT_RULES,
            summary="Create a rule, disabled until a person enables it",
            body=RuleBody,
            response=RuleDetail,
            status=201,
        ),
        "replace": Operation(
            scope=Scope.CREATE_AND_EDIT_RULES,
            summary="Replace a whole rule, which disables it",
            body=RuleBody,
            response=RuleDetail,
            refusals=(RuleNotFound,),
        ),
        "destroy": Operation(
            scope=Scope.CREATE_AND_EDIT_RULES, summary="Delete a rule", status=204, refusals=(RuleNotFound,)
        ),
        "trigger": Operation(
            scope=Scope.TRIGGER_RULES,
            summary="Run a rule now, or simulate it",
            body=TriggerRuleBody,
            resource="rule_id",
            response=ExecutionStarted,
            status=202,
            refusals=(RuleNotFound, RuleDisabled),
        ),
    }

    def list(self) -> Page:
        rules = Rule.objects.of(self.caller.organization_id).kept().select_related("trigger_account")
        if "source_id" in self.query:
            rules = rules.filter(trigger_account_id=self.query["source_id"])
        return paginate(
            rules,
            show=RuleSummary().to_representation,
            list_name="rules",
            newest_first=False,
            first=self.query.get("first"),
            after=self.query.get("after"),
        )

    def retrieve(self, rule_id: str) -> dict[str, Any]:
        return _show(services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id))

    def create(self) -> dict[str, Any]:
        return _show(services.create_rule(**self._written()))

    def replace(self, rule_id: str) -> dict[str, Any]:
        return _show(services.replace_rule(rule_id=rule_id, **self._written()))

    def _written(self) -> dict[str, Any]:
        body = {name: value for name, value in self.body.items() if name != "status"}
        return {"organization_id": self.caller.organization_id, "by": f"key:{self.caller.id}", **body}

    def destroy(self, rule_id: str) -> HttpResponse:
        services.delete_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        return no_content()

    def trigger(self, rule_id: str) -> dict[str, Any]:
        execution = services.trigger_rule(
            organization_id=self.caller.organization_id,
            rule_id=rule_id,
            by=f"key:{self.caller.id}",
            request_id=request_id_of(self.http),
            **self.body,
        )
        return {"execution_id": execution.id}


class RuleExecutionViewSet(KeyedViewSet):
    """What rules did, and why."""

    operations = {
        "list": Operation(
            scope=Scope.READ_RULE_EXECUTIONS,
            summary="List the executions of a rule, newest first",
            query=ExecutionListQuery,
            resource="rule_id",
            response=ExecutionSummary,
            is_list=True,
            has_pages=True,
            refusals=(RuleNotFound,),
        ),
        "retrieve": Operation(
            scope=Scope.READ_RULE_EXECUTIONS,
            summary="Read an execution with its trace and transfers",
            response=ExecutionDetail,
            refusals=(RuleExecutionNotFound,),
        ),
    }

    def list(self) -> Page:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=self.query["rule_id"])
        executions = RuleExecution.objects.filter(rule=rule, mode__in=_MODES[self.query["mode"]])
        return paginate(
            executions.filter(**self._filters()),
            show=ExecutionSummary().to_representation,
            list_name="rule-executions",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )

    def _filters(self) -> dict[str, Any]:
        columns = {"status": "status", "from": "created_at__gte", "to": "created_at__lte"}
        filters = {column: self.query[name] for name, column in columns.items() if name in self.query}
        if "trigger_type" in self.query:
            filters["trigger_type"] = self.query["trigger_type"].upper()
        return filters

    def retrieve(self, rule_execution_id: str) -> dict[str, Any]:
        """Whose key names no ``*`` gets the same refusal for an execution that is missing as for another rule's."""
        try:
            execution = services.get_execution(
                organization_id=self.caller.organization_id, execution_id=rule_execution_id
            )
        except RuleExecutionNotFound:
            if self.caller.reaches_everything(Scope.READ_RULE_EXECUTIONS):
                raise
            raise Forbidden() from None
        self.caller.require(Scope.READ_RULE_EXECUTIONS, execution.rule_id)
        return ExecutionDetail().to_representation(execution)


def _show(rule: Rule) -> dict[str, Any]:
    return RuleDetail().to_representation(rule, services.account_names(rule))
