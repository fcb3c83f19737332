"""Why-not: did a transfer set a rule off, and if not, why; judged by the rule as it was then."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property

from rules.arrivals import looked_at
from rules.engine.chains import MAX_CHAIN_RUNS
from rules.engine.changes import Change, smallest_changes
from rules.engine.definition import Trigger
from rules.engine.vocabulary import TriggerType
from rules.history import Enabling, enabling_before, version_at, was_suspended
from rules.models import MOVED, ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleVersion
from rules.readable_traces import MayRead, is_readable
from rules.reasons import Answer, Reason
from rules.runs import DEPOSIT_RETURNED, ORGANIZATION_STOPPED, RULE_DISABLED, RULE_REPLACED
from sequence.core import clock
from transfers.models import ErrorCode, Status, Transfer

# What a run that never came to decide keeps of why.
_REFUSALS = {
    DEPOSIT_RETURNED: Reason.IS_REFUND_OR_RETURN,
    ORGANIZATION_STOPPED: Reason.ORGANIZATION_STOPPED,
    RULE_REPLACED: Reason.REPLACED_BEFORE_RUN,
}


def why_not(rule: Rule, transfer: Transfer, *, may_read: MayRead) -> Answer:
    """Return what the transfer's arrival made of the rule, as somebody may know who may read only some accounts."""
    executions = RuleExecution.objects.select_related("version").filter(rule=rule, mode=ExecutionMode.LIVE)
    execution = executions.filter(trigger_transfer=transfer).first()
    if execution is None:
        arrival = _Arrival(rule, transfer)
        return Answer(arrival.reason(), arrival.version.number if arrival.version else None)
    reason = _reason_of(execution, rule)
    changes = _changes(execution, may_read) if reason is Reason.CONDITIONS_NOT_MET else ()
    return Answer(reason, execution.version.number, execution.id, tuple(changes))


def _reason_of(execution: RuleExecution, rule: Rule) -> Reason:
    transfers = execution.transfers()
    if any(transfer.status in MOVED or transfer.completed_at for transfer in transfers):
        return Reason.RAN
    if not execution.trace:
        is_open = execution.status == ExecutionStatus.IN_PROGRESS
        return Reason.NOT_YET if is_open else _reason_of_refusal(execution, rule)
    if transfers or execution.failed_without_transfer:
        return Reason.FAILED
    return Reason.CONDITIONS_NOT_MET if execution.conditions_not_met else Reason.NOTHING_TO_MOVE


def _reason_of_refusal(execution: RuleExecution, rule: Rule) -> Reason:
    message = execution.error_message or ""
    if message.startswith(f"{ErrorCode.RULE_LOOP_DETECTED.value}:"):
        return Reason.LOOP_STOPPED
    if message == RULE_DISABLED:
        # Replacing a rule disables it, too.
        enabling = enabling_before(rule, execution.created_at)
        return Reason.REPLACED_BEFORE_RUN if enabling and enabling.was_replaced else Reason.DISABLED_THEN
    return _REFUSALS.get(message, Reason.FAILED)


def _changes(execution: RuleExecution, may_read: MayRead) -> Iterator[Change]:
    account_id = execution.version.parsed().trigger.account_id
    return smallest_changes(execution.trace, lambda leaf: is_readable(leaf, account_id, may_read))


class _Arrival:
    """A transfer that started no run of the rule, and the rule as it was when it arrived."""

    def __init__(self, rule: Rule, transfer: Transfer) -> None:
        self.rule = rule
        self.transfer = transfer
        self.at: datetime = transfer.completed_at or transfer.created_at

    def reason(self) -> Reason:
        """Return the first that applies."""
        checks: list[tuple[Reason, Callable[[], bool]]] = [
            (Reason.OTHER_TRIGGER, lambda: self.trigger.type is not TriggerType.ON_FUNDS_TRANSFERRED),
            (Reason.OTHER_ACCOUNT, lambda: self.trigger.account_id != self.transfer.destination_id),
            (Reason.NOT_COMPLETE, lambda: self.transfer.completed_at is None),
            (Reason.IS_REFUND_OR_RETURN, self.had_gone_back),
            (Reason.BEFORE_CREATION, lambda: self.version is None),
            (Reason.DISABLED_THEN, self.was_disabled),
            (Reason.ORGANIZATION_STOPPED, self.was_stopped),
            (Reason.REPLACED_BEFORE_RUN, lambda: self.enabling is not None and self.enabling.had_ended(self.looked_at)),
            (Reason.LOOP_STOPPED, self.was_too_many),
            (Reason.NOT_YET, lambda: self.noticed_at is None),
        ]
        # A rule that was enabled in the very moment of the arrival was not there yet for whoever looked.
        return next((reason for reason, applies in checks if applies()), Reason.DISABLED_THEN)

    @cached_property
    def noticed_at(self) -> datetime | None:
        return looked_at(self.transfer)

    @cached_property
    def looked_at(self) -> datetime:
        """Until then whatever became of the rule could keep it from running."""
        return self.noticed_at or clock.now()

    @cached_property
    def enabling(self) -> Enabling | None:
        """The time in which the rule was enabled when the money arrived."""
        last = enabling_before(self.rule, self.at)
        return last if last is not None and last.covers(self.at) else None

    @cached_property
    def version(self) -> RuleVersion | None:
        if self.enabling is not None:
            return self.rule.numbered(self.enabling.version)
        return version_at(self.rule, self.at)

    @cached_property
    def trigger(self) -> Trigger:
        """What set the rule off; of one that was not there yet, what first did."""
        version = self.version or self.rule.numbered(1)
        return version.parsed().trigger

    def had_gone_back(self) -> bool:
        """Say whether the money was gone when somebody looked; what goes back later changes nothing any more."""
        is_gone = self.transfer.status != Status.COMPLETE
        return is_gone and (self.noticed_at is None or self.transfer.updated_at <= self.noticed_at)

    def was_disabled(self) -> bool:
        """Say whether it was not enabled, or was disabled before it could run; replacing it is another reason."""
        if self.enabling is None:
            return True
        return self.enabling.had_ended(self.looked_at) and not self.enabling.was_replaced

    def was_stopped(self) -> bool:
        return was_suspended(self.rule.organization_id, self.at, self.looked_at)

    def was_too_many(self) -> bool:
        """Say whether the money came of a chain of rules that had used up its runs."""
        if self.transfer.rule_execution_id is None:
            return False
        cause = RuleExecution.objects.select_related("chain_root").get(id=self.transfer.rule_execution_id)
        return (cause.chain_root or cause).chain_runs > MAX_CHAIN_RUNS
