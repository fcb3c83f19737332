"""Taking the snapshot that a rule's plan is made from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum

from accounts.models import Account, AccountType
from rules.actions import ACTIONS
from rules.engine.snapshot import AccountState, AchRoom, LimitKey, Snapshot
from rules.fields import LimitPeriod
from rules.models import ON_ITS_WAY, RuleExecution, RuleMove
from transfers.ach_limits import ReachedLimits
from transfers.models import Status, Transfer

_MOVED = (*ON_ITS_WAY, Status.COMPLETE)


def take_snapshot(
    execution: RuleExecution, accounts: Iterable[Account], limits: ReachedLimits, *, now: datetime
) -> Snapshot:
    """Return what the rule sees at ``now``. For a live run the caller has locked the accounts and the ACH limits."""
    definition = execution.version.definition
    states = {account.id: _state(account) for account in accounts}
    for account_id, cents in _incoming_cents(states).items():
        states[account_id].incoming_cents = cents
    return Snapshot(
        accounts=states,
        today=now.astimezone(UTC).date(),
        trigger_account_id=definition["trigger"].get("account_id"),
        incoming_cents=execution.incoming_cents,
        limit_used_cents=_limits_used(execution, now),
        ach_rooms=[AchRoom(*room) for room in limits.rooms(execution.organization_id)],
    )


def _state(account: Account) -> AccountState:
    return AccountState(
        id=account.id,
        name=account.name,
        external_account_type=account.external_account_type,
        balance_cents=account.balance_cents,
        held_cents=account.held_cents,
        last_statement_balance_cents=account.last_statement_balance_cents,
        next_payment_minimum_cents=account.next_payment_minimum_cents,
        interest_rate_percent=account.interest_rate_percent,
        is_external=account.type == AccountType.EXTERNAL_ACCOUNT,
        is_deleted=account.deleted_at is not None,
    )


def _incoming_cents(account_ids: Iterable[str]) -> dict[str, int]:
    """What is already on its way to each account."""
    rows = Transfer.objects.filter(destination_id__in=list(account_ids), status__in=ON_ITS_WAY)
    return dict(rows.values_list("destination_id").annotate(total=Sum("amount_cents")))


def _limits_used(execution: RuleExecution, now: datetime) -> dict[LimitKey, int]:
    """What the limits of the rule's actions have used in the periods around ``now``; what failed does not count."""
    used = {}
    for period in _periods_of(execution.version.definition):
        moves = RuleMove.objects.filter(
            rule_id=execution.rule_id,
            limit_period=period,
            made_at__gte=period_start(period, now),
            transfer__status__in=_MOVED,
        )
        sums = moves.values_list("step_index", "group_index").annotate(total=Sum("transfer__amount_cents"))
        for step_index, group_index, cents in sums:
            used[LimitKey(step_index, group_index, period)] = cents
    return used


def _periods_of(definition: dict[str, Any]) -> set[str]:
    limits = [spec["limit"] for step in definition["steps"] for spec in step["actions"] if spec["limit"]]
    return {limit["period"] for limit in limits} - {LimitPeriod.PER_TRANSFER.value}


def period_start(period: str, now: datetime) -> datetime:
    """Return the first instant of the week (Monday), month or year that holds ``now``. UTC."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == LimitPeriod.PER_WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == LimitPeriod.PER_MONTH else day.replace(month=1, day=1)


def account_ids_of(definition: dict[str, Any]) -> set[str]:
    """Return every account that a plan for the definition may look at."""
    ids = {definition["trigger"].get("account_id")}
    for step in definition["steps"]:
        ids |= _ids_in_conditions(step["conditions"])
        for spec in step["actions"]:
            ids |= set(ACTIONS[spec["type"]](spec).account_ids())
    return {id for id in ids if id}


def _ids_in_conditions(tree: dict[str, Any] | None) -> set[str | None]:
    if tree is None:
        return set()
    [(kind, value)] = tree.items()
    if kind == "condition":
        return {(value["params"] or {}).get("account_id")}
    return set().union(*(_ids_in_conditions(child) for child in value))
