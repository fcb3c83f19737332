"""Rules in this dialect."""

from django.urls import reverse
from rest_framework.request import Request

from apikeys.errors import TriggerLimitExceeded
from apikeys.resolvers import Named
from apikeys.scopes import Scope
from rules import services
from rules.errors import RuleDisabled, RuleNotFound
from rules.models import Rule
from rules.serializers.fields import Flag
from sequence.core.api.fields import Cents
from sequence.core.api.request_ids import request_id_of
from sequence.core.typing import JsonObject
from sequence.platform.errors import RuleExecutionInProgress, UnknownRuleType, UnspokenRule
from sequence.platform.ids import PlainId, PlainIdText, plain_id
from sequence.platform.names import ClosedBody, Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import ListQuery, oldest_first
from sequence.platform.rule_answers import RuleDetail, RulePage, WrittenRule, show_rule, show_summary
from sequence.platform.rule_bodies import CreateRule, UpdateRule
from sequence.platform.viewsets import PlatformViewSet


class RuleListQuery(ListQuery):
    """Query of ``GET /rules``."""

    source_id = PlainIdText("acc", required=False, help_text="Only rules whose trigger has this account.")


class TriggerRule(ClosedBody):
    """Body of ``POST /rules/{id}/trigger``."""

    execute_amount = Cents(
        required=False,
        help_text="Takes the place of the incoming amount and of what the trigger's account holds: in a simulation for "
        "everything, live as the base of percentages alone.",
    )
    simulation = Flag(default=False, required=False, help_text="Run the same engine and move nothing.")


class ExecutionStarted(Spelled):
    """What triggering a rule answers."""

    execution_id = PlainId()


class RuleViewSet(PlatformViewSet):
    """Rules are written by programs and enabled by people."""

    @platform_operation(
        name="listRules",
        method="GET",
        path="/rules",
        scope=Scope.LIST_RULES,
        named_by=Scope.READ_RULES,
        summary="List the rules that the key may list",
        description="A key without `LIST_RULES` is told of those rules alone that `READ_RULES` names.",
        query=RuleListQuery,
        response=RulePage,
    )
    def list_rules(self, request: Request) -> JsonObject:
        rules = Rule.objects.for_organization(self.caller.organization_id).not_deleted()
        if "source_id" in self.query:
            rules = rules.filter(trigger_account_id=self.query["source_id"])
        if self.narrowed_to is not None:
            rules = rules.filter(id__in=self.narrowed_to)
        return oldest_first(rules, self.query).as_json(show_summary, self.query)

    @platform_operation(
        name="getRule",
        method="GET",
        path="/rules/{id}",
        variables={"id": "rule_id"},
        scope=Scope.READ_RULES,
        summary="Read a rule with its trigger, steps, conditions and actions",
        resource=Named("rule_id"),
        response=RuleDetail,
        refusals=(RuleNotFound, UnspokenRule),
    )
    def get_rule(self, request: Request, rule_id: str) -> JsonObject:
        rule = services.get_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        return show_rule(rule, services.account_names(rule))

    @platform_operation(
        name="createRule",
        method="POST",
        path="/rules",
        scope=Scope.CREATE_AND_EDIT_RULES,
        summary="Create a rule, disabled until a person enables it",
        body=CreateRule,
        response=WrittenRule,
        status=201,
        refusals=(UnknownRuleType,),
        makes="rule",
    )
    def create_rule(self, request: Request) -> JsonObject:
        rule = services.create_rule(organization_id=self.caller.organization_id, by=self.actor, **self.body)
        return self._show_written(rule)

    @platform_operation(
        name="updateRule",
        method="PATCH",
        path="/rules/{id}",
        variables={"id": "rule_id"},
        scope=Scope.CREATE_AND_EDIT_RULES,
        summary="Change a rule's name, trigger or steps",
        description="A trigger or steps disable the rule until a person has reviewed it; a name alone does not.",
        body=UpdateRule,
        response=WrittenRule,
        refusals=(RuleNotFound, UnknownRuleType, UnspokenRule),
        makes="rule",
        is_destructive=True,
        is_repeatable=True,
    )
    def update_rule(self, request: Request, rule_id: str) -> JsonObject:
        rule = services.edit_rule(
            organization_id=self.caller.organization_id, rule_id=rule_id, by=self.actor, **self.body
        )
        return self._show_written(rule)

    def _show_written(self, rule: Rule) -> JsonObject:
        page = self.http.build_absolute_uri(reverse("admin:rules_rule_change", args=[rule.id]))
        return {**show_rule(rule, services.account_names(rule)), "activationUrl": page}

    @platform_operation(
        name="triggerRule",
        method="POST",
        path="/rules/{id}/trigger",
        variables={"id": "rule_id"},
        scope=Scope.TRIGGER_RULES,
        summary="Run a rule now, or simulate it",
        description="A simulation runs a disabled rule too, and has ended when this answers.",
        resource=Named("rule_id"),
        body=TriggerRule,
        response=ExecutionStarted,
        status=202,
        refusals=(RuleNotFound, TriggerLimitExceeded, RuleDisabled),
        in_progress=RuleExecutionInProgress,
        makes="rex",
        is_destructive=True,
    )
    def trigger_rule(self, request: Request, rule_id: str) -> JsonObject:
        execution = services.trigger_rule(
            organization_id=self.caller.organization_id,
            rule_id=rule_id,
            manual_execute_amount=self.body.get("execute_amount"),
            simulation=self.body["simulation"],
            pretends_balance=True,
            by=self.actor,
            key=self.caller,
            request_id=request_id_of(self.http),
        )
        return {"executionId": plain_id(execution.id)}
