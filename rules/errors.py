"""Refusals of rules."""

from sequence.core.errors import Conflict, DomainError, NotFound


class RuleNotFound(NotFound):
    message = "Rule not found."


class RuleExecutionNotFound(NotFound):
    message = "Rule execution not found."


class RuleDisabled(DomainError):
    code = "rule_disabled"
    status = 403
    message = (
        "The rule is disabled. A person must review and enable it before it can run; a simulation runs it as it is."
    )
    remedy = "Let a person review and enable it; a simulation runs as it is."
    is_outcome = True


class RuleChanged(Conflict):
    """Somebody decided about a version of the rule that is no longer the one it has."""

    code = "rule_changed"
    message = "The rule was replaced meanwhile: version {current} is there now, version {seen} was read. Read it again."
    remedy = "Read the rule again, and decide about the version that is there."


class RuleConflict(Conflict):
    code = "rule_conflict"
    message = "{account} already has an enabled rule for arriving funds: {other}. Disable that one first."
    remedy = "Disable the other rule first."


class RuleNotEnablable(Conflict):
    """The rule cannot be enabled as things stand; the message says what is in the way."""

    code = "rule_not_enablable"
    message = "{reason}"
    remedy = "Change the rule as the message says."
