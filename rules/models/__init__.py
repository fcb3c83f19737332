"""What decides: rules, every version of them, and what each run did."""

from rules.models.execution import (
    FAILED,
    MOVED,
    ON_ITS_WAY,
    ExecutionMode,
    ExecutionStatus,
    RuleExecution,
    RuleMove,
)
from rules.models.rule import OrderedJSONField, Rule, RuleStatus, RuleVersion

__all__ = [
    "FAILED",
    "MOVED",
    "ON_ITS_WAY",
    "ExecutionMode",
    "ExecutionStatus",
    "OrderedJSONField",
    "Rule",
    "RuleExecution",
    "RuleMove",
    "RuleStatus",
    "RuleVersion",
]
