"""Rules on the wire: bodies in, rules and executions out."""

from rules.serializers.answers import (
    ExecutionDetail,
    ExecutionStarted,
    ExecutionSummary,
    RuleDetail,
    RuleSummary,
    VersionDetail,
)
from rules.serializers.bodies import (
    ExecutionListQuery,
    RuleBody,
    RuleListQuery,
    RuleReplacementBody,
    TriggerRuleBody,
    WhyNotQuery,
)
from rules.serializers.why_not import WhyNotAnswer

__all__ = [
    "ExecutionDetail",
    "ExecutionListQuery",
    "ExecutionStarted",
    "ExecutionSummary",
    "RuleBody",
    "RuleDetail",
    "RuleListQuery",
    "RuleReplacementBody",
    "RuleSummary",
    "TriggerRuleBody",
    "VersionDetail",
    "WhyNotAnswer",
    "WhyNotQuery",
]
