"""Sweeps of rules: notice deposits and slots, carry runs out, and see them end. One batch a call."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog
from django.db.models import F, Prefetch

from rules.arrivals import READER, note_looks, read_arrivals, set_aside
from rules.engine.chains import MAX_CHAIN_RUNS
from rules.engine.definition import Schedule
from rules.engine.vocabulary import TriggerType
from rules.execution_rows import write_outcomes
from rules.models import ArrivalLook, Rule, RuleExecution, RuleMove, RuleVersion
from rules.outcomes import settle_status
from rules.runs import run_together
from rules.schedules import last_slot, next_slot
from rules.services import start_executions
from sequence.core.database.owned import within
from sequence.core.due import due_when
from sequence.core.events.models import Event, EventReader
from sequence.core.sweeps import do_batch, swept
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject, Rows
from transfers.models import STALLED_REST, Status, Transfer
from transfers.settlement import defer

log = structlog.get_logger("sequence.rules")

BATCH_SIZE = 100

# What is read of an arrival.
_OF_AN_ARRIVAL = (
    *("organization_id", "amount_cents", "completed_at", "destination_id", "request_id", "rule_execution_id"),
    "status",
)


def _may_have_arrived(now: datetime) -> Iterable[Rows]:
    # What has no number gets it just before, from the sweep that numbers.
    return [Event.objects.unnumbered(), EventReader.objects.behind(READER), ArrivalLook.objects.waiting(now)]


@due_when(_may_have_arrived)
def notice_deposits(now: datetime) -> int:
    """Start the rule of every account that money has arrived on, once for each arrival; tell how many events it read.

    The cursor moves in the transaction that starts the rules: a crash undoes both or neither. What no rule waits for is
    passed over in the statement that reads it.
    """
    read: list[int] = []
    done = do_batch(partial(_notice_deposits, read), now, size=BATCH_SIZE, defer=_set_aside)
    return max(done, sum(read))


@transactional
def _set_aside(transfer_id: str, at: datetime) -> None:
    """Let an arrival that a worker broke on rest; the cursor passes over it meanwhile."""
    set_aside(Transfer.objects.get(id=transfer_id))
    defer(transfer_id, at)


@transactional
def _notice_deposits(read: list[int], now: datetime, *, limit: int, claimed: list[str]) -> None:
    """Start rules for up to ``limit`` arrivals, and add to ``read`` how many events were read for it."""
    news = read_arrivals(now, limit=limit)
    claimed[:] = news.due
    if news.due:
        _start_rules_of(news.due, now)
    if news.rested:
        Transfer.objects.filter(id__in=news.rested).update(stalled_at=None)
    read.append(news.events + len(news.rested))


def _start_rules_of(ids: Sequence[str], now: datetime) -> None:
    known = swept(Transfer.objects.filter(id__in=ids))
    arrivals = list(known.only(*_OF_AN_ARRIVAL).order_by("completed_at", "id"))
    rules = _rules_for_deposits(arrivals)
    causes = _causes_of(arrivals)
    starts: list[tuple[Rule, JsonObject]] = []
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
    started = {facts["trigger_transfer"].id for _, facts in starts}
    note_looks([transfer for transfer in arrivals if transfer.id not in started], now)


def _sets_off(transfer: Transfer, rule: Rule) -> bool:
    """Whether the money is still there, and came when a person had let the rule route it and nobody had stopped it."""
    if transfer.status != Status.COMPLETE or transfer.completed_at is None or rule.enabled_at is None:
        return False
    return rule.enabled_at <= transfer.completed_at and rule.organization.may_start(transfer.completed_at)


def _rules_for_deposits(arrivals: list[Transfer]) -> dict[str, Rule]:
    ids = {transfer.destination_id for transfer in arrivals}
    rules = swept(Rule.objects.enabled()).filter(
        trigger_type=TriggerType.ON_FUNDS_TRANSFERRED, trigger_account_id__in=ids
    )
    return {rule.trigger_account_id or "": rule for rule in rules.select_related("organization")}


def _causes_of(arrivals: list[Transfer]) -> dict[str, RuleExecution]:
    """Return the runs that made these transfers, by id."""
    ids = {transfer.rule_execution_id for transfer in arrivals if transfer.rule_execution_id}
    return swept(RuleExecution.objects.only("id", "hops", "chain_root")).in_bulk(ids) if ids else {}


def _chained(cause: RuleExecution | None) -> JsonObject:
    """Return what a run that ``cause`` sets off has of it."""
    return {} if cause is None else {"hops": cause.hops + 1, "chain_root_id": cause.chain_root_id or cause.id}


def _within_their_chains(starts: list[tuple[Rule, JsonObject]]) -> list[tuple[Rule, JsonObject]]:
    """Return the starts with their numbers in their chains, without those that are too many.

    The first that is too many stays, and says so by failing. The counter stands on the row of the run that began the
    chain: only workers of one chain wait for each other, in the order of the ids.
    """
    roots = sorted({facts["chain_root_id"] for _, facts in starts if "chain_root_id" in facts})
    if not roots:
        return starts
    rows = swept(RuleExecution.objects.filter(id__in=roots)).order_by("id").select_for_update(no_key=True)
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
        swept(RuleExecution.objects.filter(id=root_id)).update(chain_runs=counts[root_id])
    return kept


@due_when(lambda now: [Rule.objects.due(now)])
def notice_slots(now: datetime) -> int:
    """Start every scheduled rule that is due. Slots that were missed fire once, as the last of them."""
    return do_batch(_notice_slots, now, size=BATCH_SIZE, defer=_postpone)


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
    schedules = {rule.id: _schedule_of(rule) for rule in rules}
    slots = {rule.id: last_slot(schedules[rule.id], now) or rule.next_slot_at for rule in rules}
    # A slot stays fired when its rule is disabled and enabled again.
    same = swept(RuleExecution.objects.filter(rule__in=rules, scheduled_at__in=slots.values()))
    fired = set(same.values_list("rule_id", "scheduled_at"))
    due = [rule for rule in rules if (rule.id, slots[rule.id]) not in fired and _may_fire(rule, slots[rule.id])]
    facts = {"trigger_type": TriggerType.SCHEDULED}
    start_executions([(rule, {**facts, "scheduled_at": slots[rule.id]}) for rule in due], now=now)
    for rule in rules:
        rule.next_slot_at = next_slot(schedules[rule.id], now)
    Rule.objects.bulk_update(rules, ["next_slot_at"])


def _schedule_of(rule: Rule) -> Schedule:
    schedule = rule.parsed().trigger.schedule
    if schedule is None:
        raise ValueError(f"{rule.id} has a slot and no schedule.")
    return schedule


def _may_fire(rule: Rule, slot: datetime | None) -> bool:
    """Whether the slot came when nobody had stopped the organization: what it missed then is missed for good."""
    return slot is not None and rule.organization.may_start(slot)


@due_when(lambda now: [RuleExecution.objects.waiting(now)])
def carry_out(now: datetime) -> int:
    """Carry out waiting runs, together: one that breaks them is given up, and the others follow one at a time.

    Those of whatever is being stopped are left alone, and those of everybody else go on.
    """
    done, left = 0, set[str]()
    while True:
        before = len(left)
        taken = do_batch(partial(_carry_out, left), now, size=BATCH_SIZE, defer=_give_up)
        done += taken - (len(left) - before)
        if taken < BATCH_SIZE or done >= BATCH_SIZE:
            return done


@transactional
def _carry_out(left: set[str], now: datetime, *, limit: int, claimed: list[str]) -> None:
    """Carry out a batch without those in ``left``, to which it may add."""
    waiting = (
        swept(RuleExecution.objects.waiting(now))
        .exclude(id__in=left)
        .prefetch_related(Prefetch("version", swept(RuleVersion.objects.all())))
    )
    executions = list(waiting.select_for_update(skip_locked=True, of=("self",))[:limit])
    claimed[:] = [execution.id for execution in executions]
    if executions:
        left |= run_together(executions, now=now)


@transactional
def _give_up(execution_id: str, at: datetime) -> None:
    """End a run that broke on a defect of ours; the log has the cause."""
    execution = RuleExecution.objects.undecided().filter(id=execution_id).select_for_update(of=("self",)).first()
    if execution is not None:
        execution.fail("unexpected_error: the run broke on a defect of the server. Nothing moved.", at=at)
        execution.save()


@due_when(lambda now: [RuleExecution.objects.unfinished()])
@transactional
def finish(now: datetime) -> int:
    """Set the final status of runs whose transfers have all ended."""
    unfinished = swept(RuleExecution.objects.unfinished())
    executions = list(unfinished.select_for_update(skip_locked=True, of=("self",))[:BATCH_SIZE])
    made = _last_transfers_of(executions)
    for execution in executions:
        settle_status(execution, made[execution.id], now=now)
    write_outcomes(executions)
    return len(executions)


def _last_transfers_of(executions: list[RuleExecution]) -> dict[str, list[Transfer]]:
    """Return the transfers that the latest decision of each made, by the executions' ids."""
    made: dict[str, list[Transfer]] = {execution.id: [] for execution in executions}
    if executions:
        owners = {execution.organization_id for execution in executions}
        moves = within(RuleMove.objects.all(), owners).filter(
            execution__in=executions, made_at=F("execution__decided_at")
        )
        for move in moves.select_related("transfer").order_by("id"):
            made[move.execution_id].append(move.transfer)
    return made
