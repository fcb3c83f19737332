"""Runs of rules: lock, look, plan, move, remember; up to a batch of them in one transaction, one after the other.

Each sees the world as those before it leave it, as if each had committed before the next began; a test holds the two
equal. A simulation does the first three, alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.models import Account
from apikeys.custody import key_id_of
from apikeys.models import ApiKey
from apikeys.standing import Asker, Stopped, share_standings, what_is_stopped_of
from rules.engine.chains import reason_to_end
from rules.engine.plan import Line, LineStatus, Plan, make_plan
from rules.execution_rows import insert_moves, write_outcomes
from rules.models import Rule, RuleExecution, RuleMove, RuleStatus
from rules.outcomes import remember_plan, settle_status, status_if_all_complete
from rules.snapshots import LiveWorld, definitions_of
from sequence.core.sweeps import swept
from transfers.ach_limits import ReachedLimits
from transfers.batches import SettlementBatch
from transfers.models import ErrorCode, Origin, Status, Transfer
from transfers.routes import manual_origin, route_between
from transfers.simulation import keep_simulated

# Why a run is not carried out. They are stored as they stand here: ``rules.why_not`` knows them again.
DEPOSIT_RETURNED = "deposit_returned: the deposit that set off this run has gone back."
RULE_DISABLED = "rule_disabled: the rule was disabled before this run began."
RULE_REPLACED = "rule_disabled: the rule was replaced before this run began."
KEY_STOPPED = "key_paused: the key that asked for this run was stopped before it began."
ORGANIZATION_STOPPED = "organization_stopped: the organization was suspended before this run began."


def simulate(execution: RuleExecution, *, now: datetime) -> None:
    """Plan on the balances as they are, and keep the trace and the planned transfers; nothing moves."""
    definitions = definitions_of([execution])
    [definition] = definitions.values()
    rows = Account.objects.for_organization(execution.organization_id).filter(id__in=definition.account_ids())
    accounts = {account.id: account for account in rows}
    limits = ReachedLimits.of([execution.organization_id], now)
    world = LiveWorld([execution], definitions, accounts.values(), limits, now=now)
    plan = make_plan(definition, world.snapshot_for(execution))
    planned = _make_transfers(execution, plan, SettlementBatch(accounts, now=now))
    keep_simulated(planned.values(), now=now)
    remember_plan(execution, plan, planned, now=now)
    execution.end(status_if_all_complete(plan))
    # In the place of what a live run has completed or pending, so that the counts add up here too.
    execution.trace["would_move"] = sum(line.status is LineStatus.MOVE for line in plan.lines)
    execution.save()


def run_together(executions: Sequence[RuleExecution], *, now: datetime) -> set[str]:
    """Carry out live executions whose rows the caller has locked, and return the ids of those left for later.

    Those are of an organization or a key that is being stopped: the stop may need these very rows. The rules' rows are
    locked, so that runs of one rule share its limits one after the other, then the deposits, the ACH limits and the
    accounts, each kind in id order: the order of every transaction that moves money.
    """
    free = share_standings({_asker(execution) for execution in executions})
    taken = [execution for execution in executions if _asker(execution) in free]
    if taken:
        refusals = _refusals(taken)
        for execution in taken:
            execution.attempts += 1
            if refusal := refusals.get(execution.id):
                execution.fail(refusal, at=now)
        _decide([execution for execution in taken if execution.id not in refusals], now)
        write_outcomes(taken)
    return {execution.id for execution in executions if _asker(execution) not in free}


def _asker(execution: RuleExecution) -> Asker:
    return execution.organization_id, key_id_of(execution.started_by)


def _refusals(executions: Sequence[RuleExecution]) -> dict[str, str]:
    """Return why runs are not carried out, by their ids."""
    rules = _lock_rules(executions)
    stopped = what_is_stopped_of({_asker(execution) for execution in executions})
    present = _lock_deposits(executions)
    refusals = {}
    for execution in executions:
        refusal = _refusal_of_chain(execution) or _refusal_of_stop(stopped.get(_asker(execution)))
        refusal = refusal or _refusal_of_rule(rules[execution.rule_id], execution)
        if refusal is None and execution.trigger_transfer_id not in (None, *present):
            refusal = DEPOSIT_RETURNED
        if refusal is not None:
            refusals[execution.id] = refusal
    return refusals


def _lock_rules(executions: Sequence[RuleExecution]) -> dict[str, Rule]:
    ids = {execution.rule_id for execution in executions}
    rows = swept(Rule.objects.only("id", "status", "version").filter(id__in=ids)).order_by("id")
    return {rule.id: rule for rule in rows.select_for_update(no_key=True)}


def _lock_deposits(executions: Sequence[RuleExecution]) -> set[str]:
    """Return the deposits that are still there. They stay locked, so that each goes back before this or after it."""
    ids = {execution.trigger_transfer_id for execution in executions if execution.trigger_transfer_id}
    if not ids:
        return set()
    rows = swept(Transfer.objects.filter(id__in=ids)).order_by("id").select_for_update(no_key=True)
    return {id for id, status in rows.values_list("id", "status") if status == Status.COMPLETE}


def _refusal_of_chain(execution: RuleExecution) -> str | None:
    reason = reason_to_end(execution.hops, execution.chain_number)
    return f"{ErrorCode.RULE_LOOP_DETECTED.value}: {reason}" if reason else None


def _refusal_of_stop(stopped: Stopped | None) -> str | None:
    if stopped is None:
        return None
    return KEY_STOPPED if stopped is ApiKey else ORGANIZATION_STOPPED


def _refusal_of_rule(rule: Rule, execution: RuleExecution) -> str | None:
    if rule.status != RuleStatus.ENABLED:
        return RULE_DISABLED
    if execution.version.number != rule.version:
        return RULE_REPLACED
    return None


def _decide(executions: Sequence[RuleExecution], now: datetime) -> None:
    """Plan the runs one after the other, write down together what they move, and let each know its outcome."""
    if not executions:
        return
    definitions = definitions_of(executions)
    limits = ReachedLimits.lock_of({execution.organization_id for execution in executions}, now)
    accounts = _lock_accounts({id for definition in definitions.values() for id in definition.account_ids()})
    world = LiveWorld(executions, definitions, accounts.values(), limits, now=now)
    batch = SettlementBatch(accounts, now=now)
    moves: list[RuleMove] = []
    for execution in executions:
        plan = make_plan(definitions[execution.version_id], world.snapshot_for(execution))
        made = _make_transfers(execution, plan, batch)
        moves += _moves(execution, plan, made, now)
        world.note(moves[len(moves) - len(made) :])
        remember_plan(execution, plan, made, now=now)
        settle_status(execution, list(made.values()), now=now)
    if moves:
        batch.write_new()
        insert_moves(moves)


def _lock_accounts(ids: set[str]) -> dict[str, Account]:
    rows = swept(Account.objects.filter(id__in=ids)).order_by("id").defer("routing_number", "bank_account_number")
    return {account.id: account for account in rows.select_for_update(no_key=True)}


def _make_transfers(execution: RuleExecution, plan: Plan, batch: SettlementBatch) -> dict[int, Transfer]:
    """Return the plan's transfers by their line, decided and not yet written."""
    transfers = {}
    for number, line in enumerate(plan.lines):
        if line.status is not LineStatus.SKIP and line.destination_id and line.amount_cents:
            transfers[number] = _transfer(execution, line, batch.accounts, batch.now)
            _set_off(line, transfers[number], batch)
    return transfers


def _transfer(execution: RuleExecution, line: Line, accounts: Mapping[str, Account], now: datetime) -> Transfer:
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
        source_id=source.id,
        destination_id=destination.id,
        rail=route.rail,
        rule_id=execution.rule_id,
        rule_execution_id=execution.id,
        request_id=execution.request_id,
        created_at=now,
        updated_at=now,
    )


def _set_off(line: Line, transfer: Transfer, batch: SettlementBatch) -> None:
    if line.status is LineStatus.FAIL:
        code = ErrorCode(line.code or ErrorCode.PAYMENT_FAILED)
        status = Status.INCOMPLETE if code is ErrorCode.INSUFFICIENT_FUNDS else Status.ERROR
        batch.fail(transfer, status, code)
    else:
        batch.set_off(transfer)


def _moves(execution: RuleExecution, plan: Plan, made: Mapping[int, Transfer], now: datetime) -> list[RuleMove]:
    return [_move(execution, plan, plan.lines[number], transfer, now) for number, transfer in made.items()]


def _move(execution: RuleExecution, plan: Plan, line: Line, transfer: Transfer, now: datetime) -> RuleMove:
    return RuleMove(
        organization_id=execution.organization_id,
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
