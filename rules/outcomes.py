"""Outcomes of runs: what an execution remembers of its plan, the status its transfers add up to, and the next try."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rules.engine.plan import Line, LineStatus, Plan
from rules.models import ON_ITS_WAY, RETRY_DELAYS, ExecutionMode, ExecutionStatus, RuleExecution
from sequence.core.periods import bounds
from transfers.models import ErrorCode, Status, Transfer

# Refusals of the rail that may be gone the next time. No funds is none: the next deposit sets the rule off anyway.
TEMPORARY = {
    ErrorCode.PAYMENT_FAILED,
    ErrorCode.DISCONNECTED_ACCOUNT,
    ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED,
    ErrorCode.DAILY_ACH_DEBIT_LIMIT_REACHED,
}


def remember_plan(execution: RuleExecution, plan: Plan, made: Mapping[int, Transfer], *, now: datetime) -> None:
    """Keep the plan's trace and counts on the execution. ``made`` has the transfers by their line."""
    for action in plan.trace["actions"]:
        for movement in action.get("movements", []):
            transfer = made.get(movement.pop("line"))
            movement["transfer_id"] = transfer.id if transfer else None
    nothing = sum(line.status is LineStatus.SKIP for line in plan.lines)
    # Of all tries, so that attempted = completed + failed + pending + this.
    plan.trace["nothing_to_move"] = execution.trace.get("nothing_to_move", 0) + nothing
    failed = sum(line.status is LineStatus.FAIL and number not in made for number, line in enumerate(plan.lines))
    execution.decide(
        trace=plan.trace, step_index=plan.step_index, attempted=len(plan.lines), failed_without_transfer=failed, at=now
    )
    if plan.failure or made:
        execution.error_message = _failure_in_words(plan.failure) if plan.failure else None


def _failure_in_words(line: Line) -> str:
    return f"Action {line.action_index} failed: {line.code}."


def status_if_all_complete(plan: Plan) -> ExecutionStatus:
    """Return how a plan ends if nothing that it moves fails later."""
    if plan.failure is None:
        return ExecutionStatus.EXECUTED
    moved = any(line.status is LineStatus.MOVE for line in plan.lines)
    return ExecutionStatus.PARTIAL if moved else ExecutionStatus.FAILED


def settle_status(execution: RuleExecution, transfers: Sequence[Transfer], *, now: datetime) -> None:
    """Set the status that the run's transfers add up to, and plan another try where one makes sense.

    In progress while any is on its way; else executed, partial or failed.
    """
    statuses = [transfer.status for transfer in transfers]
    if any(status in ON_ITS_WAY for status in statuses):
        return
    completed = statuses.count(Status.COMPLETE)
    failed = len(statuses) - completed + execution.failed_without_transfer
    if failed and execution.error_message is None:
        codes = sorted({transfer.error_code for transfer in transfers if transfer.error_code})
        execution.error_message = f"{failed} of {execution.attempted} transfers failed: {', '.join(codes)}."
    if not transfers and not failed and execution.attempts > 1:
        # A retry that finds nothing to do: what failed before stays failed, with the words that it had.
        execution.end(ExecutionStatus.FAILED)
    elif not failed:
        execution.end(ExecutionStatus.EXECUTED)
    elif completed:
        execution.end(ExecutionStatus.PARTIAL)
    elif (next_attempt_at := _next_attempt_at(execution, transfers, now)) is not None:
        execution.try_again(next_attempt_at)
    else:
        execution.end(ExecutionStatus.FAILED)


def _next_attempt_at(execution: RuleExecution, transfers: Sequence[Transfer], now: datetime) -> datetime | None:
    """Return when to try again what moved nothing: None unless all that stood in its way is of the passing kind."""
    codes = {transfer.error_code for transfer in transfers if transfer.status != Status.COMPLETE}
    is_temporary = bool(codes) and codes <= set(TEMPORARY) and not execution.failed_without_transfer
    if execution.mode != ExecutionMode.LIVE or not is_temporary or execution.attempts > len(RETRY_DELAYS):
        return None
    at = now + RETRY_DELAYS[execution.attempts - 1]
    if any("daily" in str(code) for code in codes):
        at = max(at, bounds("day", now)[1])
    return at
