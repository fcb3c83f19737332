"""What workers do for rules: notice deposits and slots, carry runs out, and see them end. One batch a call."""

from datetime import datetime
from typing import Any

import structlog
from django.db import OperationalError, transaction

from rules.models import Rule, RuleExecution, TriggerType
from rules.runs import MAX_CHAIN_RUNS, give_up, run, settle_status
from rules.schedules import last_slot, next_slot
from rules.services import start_executions
from sequence.core.sweeps import do_batch, swept
from sequence.core.transactions import transactional
from transfers.models import STALLED_REST, Status, Transfer
from transfers.settlement import set_aside

log = structlog.get_logger("sequence.rules")

BATCH_SIZE = 100


def notice_deposits(now: datetime) -> int:
    """Start the rule of every account that money has arrived on, once for each arrival.

    The arrival is marked in the transaction that starts the rule: a crash undoes both or neither.
    """
    return do_batch(_notice_deposits, now, size=BATCH_SIZE, set_aside=set_aside)


@transactional
def _notice_deposits(now: datetime, *, limit: int, claimed: list[str]) -> None:
    due = swept(Transfer.objects.arrived_unnoticed().ready(now))
    arrivals = list(due.select_for_update(skip_locked=True, no_key=True, of=("self",))[:limit])
    claimed[:] = [transfer.id for transfer in arrivals]
    if not arrivals:
        return
    rules = _rules_for_deposits(arrivals)
    causes = _causes_of(arrivals)
    starts: list[tuple[Rule, dict[str, Any]]] = []
    for transfer in arrivals:
        rule = rules.get(transfer.destination_id or "")
        if rule is not None and _sets_off(transfer, rule):
            facts = {
                "trigger_type": TriggerType.ON_FUNDS_TRANSFERRED,
                "trigger_transfer": transfer,
                "incoming_cents": transfer.amount_cents,
                "request_id": transfer.request_id,
            }
            starts.append((rule, {**facts, **_chained(causes.get(transfer.rule_execution_id or ""))}))
    start_executions(_within_their_chains(starts), now=now)
    Transfer.objects.filter(id__in=claimed).update(arrival_noticed_at=now, stalled_at=None)


def _sets_off(transfer: Transfer, rule: Rule) -> bool:
    """Whether the money is still there, and came when a person had let the rule route it and nobody had stopped it."""
    if transfer.status != Status.COMPLETE or transfer.completed_at is None or rule.enabled_at is None:
        return False
    return rule.enabled_at <= transfer.completed_at and rule.organization.may_start(transfer.completed_at)


def _rules_for_deposits(arrivals: list[Transfer]) -> dict[str, Rule]:
    ids = {transfer.destination_id for transfer in arrivals}
    rules = Rule.objects.enabled().filter(trigger_type=TriggerType.ON_FUNDS_TRANSFERRED, trigger_account_id__in=ids)
    return {rule.trigger_account_id or "": rule for rule in rules.select_related("organization")}


def _causes_of(arrivals: list[Transfer]) -> dict[str, RuleExecution]:
    """Return the runs that made these transfers, by id."""
    ids = {transfer.rule_execution_id for transfer in arrivals if transfer.rule_execution_id}
    return RuleExecution.objects.only("id", "hops", "chain_root").in_bulk(ids) if ids else {}


def _chained(cause: RuleExecution | None) -> dict[str, Any]:
    """Return what a run that ``cause`` sets off has of it."""
    return {} if cause is None else {"hops": cause.hops + 1, "chain_root_id": cause.chain_root_id or cause.id}


def _within_their_chains(starts: list[tuple[Rule, dict[str, Any]]]) -> list[tuple[Rule, dict[str, Any]]]:
    """Return the starts with their numbers in their chains, without those that are too many.

    The first that is too many stays, and says so by failing. The counter stands on the row of the run that began the
    chain: only workers of one chain wait for each other, in the order of the ids.
    """
    roots = sorted({facts["chain_root_id"] for _, facts in starts if "chain_root_id" in facts})
    if not roots:
        return starts
    rows = RuleExecution.objects.filter(id__in=roots).order_by("id").select_for_update(no_key=True)
    counts = dict(rows.values_list("id", "chain_runs"))
    kept = []
    for rule, facts in starts:
        root_id = facts.get("chain_root_id")
        if root_id is None:
            kept.append((rule, facts))
        elif counts[root_id] <= MAX_CHAIN_RUNS:
            counts[root_id] += 1
            kept.append((rule, {**facts, "chain_number": counts[root_id]}))
        else:
            log.warning("chain_of_rules_too_long", chain_root_id=root_id, rule_id=rule.id)
    for root_id in roots:
        RuleExecution.objects.filter(id=root_id).update(chain_runs=counts[root_id])
    return kept


def notice_slots(now: datetime) -> int:
    """Start every scheduled rule that is due. Slots that were missed fire once, as the last of them."""
    return do_batch(_notice_slots, now, size=BATCH_SIZE, set_aside=_postpone)


def _postpone(rule_id: str, at: datetime) -> None:
    """Let a rule that a worker broke on rest. Its slot is not lost: it is then one that was missed."""
    Rule.objects.filter(id=rule_id).update(next_slot_at=at + STALLED_REST)


@transactional
def _notice_slots(now: datetime, *, limit: int, claimed: list[str]) -> None:
    waiting = swept(Rule.objects.due(now)).select_related("organization")
    rules = list(waiting.select_for_update(skip_locked=True, no_key=True, of=("self",))[:limit])
    claimed[:] = [rule.id for rule in rules]
    if not rules:
        return
    slots = {rule.id: last_slot(rule.trigger, now) or rule.next_slot_at for rule in rules}
    # A slot stays fired when its rule is disabled and enabled again.
    same = RuleExecution.objects.filter(rule__in=rules, scheduled_at__in=slots.values())
    fired = set(same.values_list("rule_id", "scheduled_at"))
    due = [rule for rule in rules if (rule.id, slots[rule.id]) not in fired and _may_fire(rule, slots[rule.id])]
    facts = {"trigger_type": TriggerType.SCHEDULED}
    start_executions([(rule, {**facts, "scheduled_at": slots[rule.id]}) for rule in due], now=now)
    for rule in rules:
        rule.next_slot_at = next_slot(rule.trigger, now)
    Rule.objects.bulk_update(rules, ["next_slot_at"])


def _may_fire(rule: Rule, slot: datetime | None) -> bool:
    """Whether the slot came when nobody had stopped the organization: what it missed then is missed for good."""
    return slot is not None and rule.organization.may_start(slot)


def carry_out(now: datetime) -> int:
    """Carry out waiting runs, each in its own transaction: what a rule names should be locked for a moment only.

    One that is being stopped is left alone, and those of everybody else go on.
    """
    done, left = 0, list[str]()
    while done < BATCH_SIZE and (is_done := _carry_out_one(now, left)) is not None:
        done += is_done
    return done


@transactional
def _carry_out_one(now: datetime, left: list[str]) -> bool | None:
    """Return whether a run was carried out; None when there is none but those in ``left``, to which this may add."""
    waiting = swept(RuleExecution.objects.waiting(now)).exclude(id__in=left).select_related("version")
    execution = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if execution is None:
        return None
    try:
        with transaction.atomic():
            is_done = run(execution, now=now)
    except OperationalError:
        raise  # A deadlock or a lost connection; the whole transaction is tried again.
    except Exception as error:
        log.error("run_broke", execution_id=execution.id, exc_info=error)
        give_up(execution, now)
        return True
    if not is_done:
        left.append(execution.id)
    return is_done


@transactional
def finish(now: datetime) -> int:
    """Set the final status of runs whose transfers have all ended."""
    unfinished = swept(RuleExecution.objects.unfinished())
    executions = list(unfinished.select_for_update(skip_locked=True, of=("self",))[:BATCH_SIZE])
    for execution in executions:
        settle_status(execution, execution.transfers_of_last_attempt(), now=now)
        execution.save()
    return len(executions)
