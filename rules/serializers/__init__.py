"""Rules on the wire: bodies in, rules and executions out."""

from rules.serializers.answers import ExecutionDetail, ExecutionStarted, ExecutionSummary, RuleDetail, RuleSummary
from rules.serializers.bodies import ExecutionListQuery, ModeFilter, RuleBody, RuleListQuery, TriggerRuleBody

__all__ = [
    "ExecutionDetail",
    "ExecutionListQuery",
    "ExecutionStarted",
    "ExecutionSummary",
    "ModeFilter",
    "RuleBody",
    "RuleDetail",
    "RuleListQuery",
    "RuleSummary",
    "TriggerRuleBody",
]
