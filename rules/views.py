"""Endpoints of rules and their executions."""

from collections.abc import Sequence
from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.errors import TriggerLimitExceeded
from apikeys.operations import Need, operation
from apikeys.resolvers import Found, Named
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from rules import services
from rules.errors import RuleDisabled, RuleExecutionNotFound, RuleNotFound
from rules.history import last_enabled
from rules.models import ExecutionMode, Rule, RuleExecution, RuleVersion
from rules.serializers import (
    ExecutionDetail,
    ExecutionListQuery,
    ExecutionStarted,
    ExecutionSummary,
    RuleBody,
    RuleDetail,
    RuleListQuery,
    RuleReplacementBody,
    RuleSummary,
    TriggerRuleBody,
    VersionDetail,
    WhyNotAnswer,
    WhyNotQuery,
)
from rules.why_not import why_not
from sequence.core.api.envelope import no_content
from sequence.core.api.fields import PageQuery
from sequence.core.api.pagination import DEFAULT_SIZE, Page, find_page, paginate
from sequence.core.api.request_ids import request_id_of
from sequence.core.typing import JsonObject
from transfers.errors import TransferNotFound
from transfers.serializers import ModeFilter
from transfers.views import TRANSFER

# What a list of each mode holds.
MODES = {
    ModeFilter.LIVE.value: [ExecutionMode.LIVE],
    ModeFilter.SIMULATION.value: [ExecutionMode.SIMULATION],
    ModeFilter.ALL.value: list(ExecutionMode),
}

EXECUTION = Found("rule_execution_id", services.get_execution, lambda execution: (execution.rule_id,))

# What of a body is written; of the rest of what GET gives, the answer tells itself.
_WRITTEN = ("nickname", "description", "trigger", "steps")


class RuleViewSet(KeyedViewSet):
    """Rules are written by programs and enabled by people."""

    @operation(
        scope=Scope.LIST_RULES,
        action="LIST_RULES",
        summary="List all rules of the organization",
        query=RuleListQuery,
        response=RuleSummary,
        is_list=True,
    )
    def list(self, request: Request) -> Page:
        rules = (
            Rule.objects.for_organization(self.caller.organization_id).not_deleted().select_related("trigger_account")
        )
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

    @operation(
        scope=Scope.READ_RULES,
        action="GET_RULE",
        summary="Read a rule with its trigger, steps, conditions and actions",
        resource=Named("rule_id"),
        response=RuleDetail,
        refusals=(RuleNotFound,),
    )
    def retrieve(self, request: Request, rule_id: str) -> dict[str, object]:
        return _show(services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id))

    @operation(
        scope=Scope.READ_RULES,
        action="LIST_RULE_VERSIONS",
        summary="List the versions of a rule, newest first",
        resource=Named("rule_id"),
        query=PageQuery,
        response=VersionDetail,
        is_list=True,
        has_pages=True,
        refusals=(RuleNotFound,),
    )
    def versions(self, request: Request, rule_id: str) -> Page:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        versions, info = find_page(
            rule.kept_versions(),
            list_name="rule-versions",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )
        return Page(_show_versions(rule, versions), info)

    @operation(
        scope=Scope.READ_RULES,
        action="WHY_NOT_RULE",
        also=(Need(Scope.READ_TRANSFERS, TRANSFER),),
        summary="Ask why a transfer did not set a rule off",
        resource=Named("rule_id"),
        query=WhyNotQuery,
        response=WhyNotAnswer,
        refusals=(RuleNotFound, TransferNotFound),
    )
    def why_not(self, request: Request, rule_id: str) -> dict[str, object]:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        [transfer] = self.also_found
        answer = why_not(rule, transfer, may_read=partial(self.caller.can, Scope.READ_ACCOUNTS))
        return WhyNotAnswer().to_representation(answer)

    @operation(
        scope=Scope.CREATE_AND_EDIT_RULES,
        action="CREATE_RULE",
        summary="Create a rule, disabled until a person enables it",
        body=RuleBody,
        response=RuleDetail,
        status=201,
    )
    def create(self, request: Request) -> dict[str, object]:
        return _show(services.create_rule(**self._written()))

    @operation(
        scope=Scope.CREATE_AND_EDIT_RULES,
        action="UPDATE_RULE",
        summary="Replace a whole rule, which disables it",
        body=RuleReplacementBody,
        response=RuleDetail,
        refusals=(RuleNotFound,),
    )
    def replace(self, request: Request, rule_id: str) -> dict[str, object]:
        return _show(services.replace_rule(rule_id=rule_id, **self._written()))

    def _written(self) -> JsonObject:
        body = {name: self.body[name] for name in _WRITTEN if name in self.body}
        return {"organization_id": self.caller.organization_id, "by": self.actor, **body}

    @operation(
        scope=Scope.CREATE_AND_EDIT_RULES,
        action="DELETE_RULE",
        summary="Delete a rule",
        status=204,
        refusals=(RuleNotFound,),
    )
    def destroy(self, request: Request, rule_id: str) -> HttpResponse:
        services.delete_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        return no_content()

    @operation(
        scope=Scope.TRIGGER_RULES,
        action="TRIGGER_RULE",
        summary="Run a rule now, or simulate it",
        body=TriggerRuleBody,
        resource=Named("rule_id"),
        response=ExecutionStarted,
        status=202,
        refusals=(RuleNotFound, TriggerLimitExceeded, RuleDisabled),
    )
    def trigger(self, request: Request, rule_id: str) -> dict[str, object]:
        execution = services.trigger_rule(
            organization_id=self.caller.organization_id,
            rule_id=rule_id,
            by=self.actor,
            key=self.caller,
            request_id=request_id_of(self.http),
            **self.body,
        )
        return {"execution_id": execution.id}


class RuleExecutionViewSet(KeyedViewSet):
    """What rules did, and why."""

    @operation(
        scope=Scope.READ_RULE_EXECUTIONS,
        action="LIST_RULE_EXECUTIONS",
        summary="List the executions of a rule, newest first",
        query=ExecutionListQuery,
        resource=Named("rule_id"),
        response=ExecutionSummary,
        is_list=True,
        has_pages=True,
        refusals=(RuleNotFound,),
    )
    def list(self, request: Request) -> Page:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=self.query["rule_id"])
        executions = RuleExecution.objects.filter(
            organization_id=rule.organization_id, rule=rule, mode__in=MODES[self.query["mode"]]
        )
        return paginate(
            executions.filter(**self._filters()),
            show=ExecutionSummary().to_representation,
            list_name="rule-executions",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )

    def _filters(self) -> JsonObject:
        columns = {"status": "status", "from": "created_at__gte", "to": "created_at__lte"}
        filters = {column: self.query[name] for name, column in columns.items() if name in self.query}
        if "trigger_type" in self.query:
            filters["trigger_type"] = self.query["trigger_type"].upper()
        return filters

    @operation(
        scope=Scope.READ_RULE_EXECUTIONS,
        action="GET_RULE_EXECUTION",
        summary="Read an execution with its trace and transfers",
        resource=EXECUTION,
        response=ExecutionDetail,
        refusals=(RuleExecutionNotFound,),
    )
    def retrieve(self, request: Request, rule_execution_id: str) -> dict[str, object]:
        may_read = partial(self.caller.can, Scope.READ_ACCOUNTS)
        return ExecutionDetail(context={"may_read": may_read}).to_representation(self.found)


def _show(rule: Rule) -> dict[str, object]:
    return RuleDetail().to_representation(rule, services.account_names(rule))


def _show_versions(rule: Rule, versions: Sequence[RuleVersion]) -> list[dict[str, object]]:
    named = {id for version in versions for id in version.parsed().account_ids()}
    names = services.account_names(rule, named)
    enabled = last_enabled(rule, [version.number for version in versions])
    show = VersionDetail().to_representation
    return [show(version, names, enabled.get(version.number)) for version in versions]
