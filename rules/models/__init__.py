"""Models of rules, every version of them, and their executions."""

from rules.models.arrival import ArrivalLook
from rules.models.execution import (
    FAILED,
    MOVED,
    ON_ITS_WAY,
    RETRY_DELAYS,
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
    "RETRY_DELAYS",
    "ArrivalLook",
    "ExecutionMode",
    "ExecutionStatus",
    "OrderedJSONField",
    "Rule",
    "RuleExecution",
    "RuleMove",
    "RuleStatus",
    "RuleVersion",
]
