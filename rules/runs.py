"""Running a rule: lock, look, plan, move, remember; all in one transaction. A simulation does the first three."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from accounts.models import Account
from apikeys.custody import key_id_of
from apikeys.models import ApiKey
from apikeys.standing import share_standing, what_is_stopped
from rules.engine.plan import Line, LineStatus, Plan, make_plan
from rules.models import ON_ITS_WAY, ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleMove, RuleStatus
from rules.snapshots import take_snapshot
from transfers.ach_limits import ReachedLimits
from transfers.batches import Batch
from transfers.models import ErrorCode, Origin, Status, Transfer
from transfers.pairs import manual_origin, route_between

# How many rules may set each other off in a row: enough for any sensible chain, few enough to stop a ring quickly.
MAX_HOPS = 10
# How many runs one arrival may cause in all: rules that make several transfers each double their number at every hop.
MAX_CHAIN_RUNS = 100
# When to try again after the rail refused all of a run for a reason that passes. Three more tries within a day and a
# half; a person has seen the failure by then.
RETRY_DELAYS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
# Refusals of the rail that may be gone the next time. No funds is none: the next deposit sets the rule off anyway.
TEMPORARY = {
    ErrorCode.PAYMENT_FAILED,
    ErrorCode.DISCONNECTED_ACCOUNT,
    ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED,
    ErrorCode.DAILY_ACH_DEBIT_LIMIT_REACHED,
}

# Why a run that somebody has stopped is not carried out.
KEY_STOPPED = "key_paused: the key that asked for this run was stopped before it began."
ORGANIZATION_STOPPED = "organization_stopped: the organization was suspended before this run began."


def simulate(execution: RuleExecution, *, now: datetime) -> None:
    """Plan on the balances as they are, and keep the trace; nothing moves."""
    ids = execution.version.parsed().account_ids()
    accounts = Account.objects.of(execution.organization_id).filter(id__in=ids)
    limits = ReachedLimits.of([execution.organization_id], now)
    plan = make_plan(execution.version.parsed(), take_snapshot(execution, accounts, limits, now=now))
    execution.status = _status_if_all_complete(plan)
    _remember(execution, plan, now)
    # In the place of what a live run has completed or pending, so that the counts add up here too.
    execution.trace["would_move"] = sum(line.status is LineStatus.MOVE for line in plan.lines)
    execution.save()


def run(execution: RuleExecution, *, now: datetime) -> bool:
    """Carry out a live execution whose row the caller has locked, or return False to leave it for later.

    That is while its organization, or the key that asked for it, is being stopped: the stop may need this very row.
    The rule's row is locked so that two runs of one rule share its limits one after the other, then the ACH limits,
    then the accounts in id order: the order of every transaction that moves money.
    """
    if not share_standing(execution.organization_id, key_id_of(execution.started_by)):
        return False
    rule = Rule.objects.select_for_update(no_key=True).get(id=execution.rule_id)
    execution.attempts += 1
    if refusal := _refusal(rule, execution):
        _fail(execution, refusal, now)
        return True
    limits = ReachedLimits.lock_of([execution.organization_id], now)
    ids = execution.version.parsed().account_ids()
    rows = Account.objects.of(execution.organization_id).filter(id__in=ids).order_by("id")
    accounts = {account.id: account for account in rows.select_for_update(no_key=True)}
    snapshot = take_snapshot(execution, accounts.values(), limits, now=now)
    plan = make_plan(execution.version.parsed(), snapshot)
    transfers = _move(execution, plan, accounts, now)
    _remember(execution, plan, now, transfers)
    settle_status(execution, transfers, now=now)
    execution.save()
    return True


def _refusal(rule: Rule, execution: RuleExecution) -> str | None:
    if execution.hops > MAX_HOPS:
        return f"{ErrorCode.RULE_LOOP_DETECTED.value}: {MAX_HOPS} rules in a row have set each other off."
    if execution.chain_number > MAX_CHAIN_RUNS:
        return f"{ErrorCode.RULE_LOOP_DETECTED.value}: {MAX_CHAIN_RUNS} runs have come of one arrival. No more follow."
    if stopped := what_is_stopped(execution.organization_id, key_id_of(execution.started_by)):
        return KEY_STOPPED if stopped is ApiKey else ORGANIZATION_STOPPED
    if rule.status != RuleStatus.ENABLED:
        return "rule_disabled: the rule was disabled before this run began."
    if execution.version.number != rule.version:
        return "rule_disabled: the rule was replaced before this run began."
    if not _deposit_is_there(execution):
        return "deposit_returned: the deposit that set off this run has gone back."
    return None


def _deposit_is_there(execution: RuleExecution) -> bool:
    """Look again at why the run was started. The deposit stays locked, so that it goes back before this or after it."""
    if execution.trigger_transfer_id is None:
        return True
    deposit = Transfer.objects.select_for_update(no_key=True).get(id=execution.trigger_transfer_id)
    return deposit.status == Status.COMPLETE


def _fail(execution: RuleExecution, message: str, now: datetime) -> None:
    execution.status, execution.error_message = ExecutionStatus.FAILED, message
    execution.decided_at, execution.next_attempt_at = now, None
    execution.save()


def give_up(execution: RuleExecution, now: datetime) -> None:
    """End a run that broke on a defect of ours; the log has the cause."""
    execution.refresh_from_db()
    _fail(execution, "unexpected_error: the run broke on a defect of the server. Nothing moved.", now)


def _move(execution: RuleExecution, plan: Plan, accounts: dict[str, Account], now: datetime) -> dict[int, Transfer]:
    """Make the plan's transfers, and return them by their line."""
    transfers = {
        number: _transfer(execution, line, accounts, now)
        for number, line in enumerate(plan.lines)
        if line.status is not LineStatus.SKIP and line.destination_id and line.amount_cents
    }
    if not transfers:
        return {}
    Transfer.objects.bulk_create(transfers.values())
    batch = Batch(accounts, now=now)
    for number, transfer in transfers.items():
        _carry_out(plan.lines[number], transfer, batch)
    batch.write()
    RuleMove.objects.bulk_create(
        _rule_move(execution, plan, plan.lines[number], transfer, now) for number, transfer in transfers.items()
    )
    return transfers


def _transfer(execution: RuleExecution, line: Line, accounts: dict[str, Account], now: datetime) -> Transfer:
    source, destination = accounts[line.source_id], accounts[line.destination_id or ""]
    route = route_between(source, destination)
    origin = manual_origin(route)
    return Transfer(
        organization_id=execution.organization_id,
        amount_cents=line.amount_cents or 0,
        direction=route.direction,
        origin=Origin.RULE if origin is Origin.USER else origin,
        status=Status.PROCESSING,
        description=line.description,
        source=source,
        destination=destination,
        rail=route.rail,
        rule_id=execution.rule_id,
        rule_execution_id=execution.id,
        request_id=execution.request_id,
        created_at=now,
        updated_at=now,
    )


def _carry_out(line: Line, transfer: Transfer, batch: Batch) -> None:
    if line.status is LineStatus.FAIL:
        code = ErrorCode(line.code or ErrorCode.PAYMENT_FAILED)
        status = Status.INCOMPLETE if code is ErrorCode.INSUFFICIENT_FUNDS else Status.ERROR
        batch.fail(transfer, status, code)
    else:
        batch.set_off(transfer)


def _rule_move(execution: RuleExecution, plan: Plan, line: Line, transfer: Transfer, now: datetime) -> RuleMove:
    return RuleMove(
        execution=execution,
        transfer=transfer,
        rule_id=execution.rule_id,
        step_index=plan.step_index or 0,
        action_index=line.action_index,
        group_index=line.group_index,
        limit_period=line.limit_period,
        action_key=line.action_key,
        made_at=now,
        counted_at=execution.due_at or now,
    )


def _remember(
    execution: RuleExecution, plan: Plan, now: datetime, transfers: dict[int, Transfer] | None = None
) -> None:
    for action in plan.trace["actions"]:
        for movement in action.get("movements", []):
            transfer = (transfers or {}).get(movement.pop("line"))
            movement["transfer_id"] = transfer.id if transfer else None
    failure = plan.failure
    nothing = sum(line.status is LineStatus.SKIP for line in plan.lines)
    # Of all tries, so that attempted = completed + failed + pending + this.
    plan.trace["nothing_to_move"] = execution.trace.get("nothing_to_move", 0) + nothing
    execution.trace = plan.trace
    execution.decided_at = now
    execution.next_attempt_at = None
    execution.step_index_matched = plan.step_index
    execution.conditions_not_met = plan.step_index is None
    execution.attempted += len(plan.lines)
    made = transfers or {}
    execution.failed_without_transfer = sum(
        line.status is LineStatus.FAIL and number not in made for number, line in enumerate(plan.lines)
    )
    if failure or transfers:
        execution.error_message = _failure_in_words(failure) if failure else None


def _failure_in_words(line: Line) -> str:
    return f"Action {line.action_index} failed: {line.code}."


def _status_if_all_complete(plan: Plan) -> ExecutionStatus:
    if plan.failure is None:
        return ExecutionStatus.EXECUTED
    moved = any(line.status is LineStatus.MOVE for line in plan.lines)
    return ExecutionStatus.PARTIAL if moved else ExecutionStatus.FAILED


def settle_status(
    execution: RuleExecution, transfers: "dict[int, Transfer] | Sequence[Transfer]", *, now: datetime
) -> None:
    """Set the status that the run's transfers add up to, and plan another try where one makes sense.

    In progress while any is on its way; else executed, partial or failed.
    """
    rows = list(transfers.values()) if isinstance(transfers, dict) else list(transfers)
    statuses = [transfer.status for transfer in rows]
    if any(status in ON_ITS_WAY for status in statuses):
        execution.status = ExecutionStatus.IN_PROGRESS
        return
    completed = statuses.count(Status.COMPLETE)
    failed = len(statuses) - completed + execution.failed_without_transfer
    if not rows and not failed and execution.attempts > 1:
        # A retry that finds nothing to do: what failed before stays failed, with the words that it had.
        execution.status = ExecutionStatus.FAILED
    elif not failed:
        execution.status = ExecutionStatus.EXECUTED
    elif completed:
        execution.status = ExecutionStatus.PARTIAL
    else:
        execution.status = ExecutionStatus.FAILED
        _plan_retry(execution, rows, now)
    if failed and execution.error_message is None:
        codes = sorted({transfer.error_code for transfer in rows if transfer.error_code})
        execution.error_message = f"{failed} of {execution.attempted} transfers failed: {', '.join(codes)}."


def _plan_retry(execution: RuleExecution, transfers: Sequence[Transfer], now: datetime) -> None:
    """Nothing moved: the whole run may be tried again, when all that stood in its way is of the passing kind."""
    codes = {transfer.error_code for transfer in transfers if transfer.status != Status.COMPLETE}
    is_temporary = bool(codes) and codes <= set(TEMPORARY) and not execution.failed_without_transfer
    if execution.mode != ExecutionMode.LIVE or not is_temporary or execution.attempts > len(RETRY_DELAYS):
        return
    delay = RETRY_DELAYS[execution.attempts - 1]
    at = now + delay
    if any("daily" in str(code) for code in codes):
        tomorrow = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        at = max(at, tomorrow)
    execution.status, execution.decided_at, execution.next_attempt_at = ExecutionStatus.IN_PROGRESS, None, at
