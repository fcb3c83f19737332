"""Taking the snapshot that a rule's plan is made from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta
from django.db.models import Case, Q, Sum, When

from accounts.models import Account
from rules.definition import Definition
from rules.engine.snapshot import AccountState, AchRoom, Snapshot
from rules.models import ON_ITS_WAY, RuleExecution, RuleMove
from rules.vocabulary import LimitPeriod
from transfers.ach_limits import ReachedLimits
from transfers.models import Status, Transfer
from transfers.rails import rail_between

_MOVED = (*ON_ITS_WAY, Status.COMPLETE)


def take_snapshot(
    execution: RuleExecution, accounts: Iterable[Account], limits: ReachedLimits, *, now: datetime
) -> Snapshot:
    """Return what the rule sees at ``now``. For a live run the caller has locked the accounts and the ACH limits.

    The balances are those of now; the day, and the periods of limits, are those in which the run was due.
    """
    definition = execution.version.parsed()
    due_at = execution.due_at or now
    states = {account.id: _state(account) for account in accounts}
    _add_what_is_under_way(states)
    return Snapshot(
        accounts=states,
        today=due_at.astimezone(UTC).date(),
        carrier_between=rail_between,
        trigger_account_id=definition.trigger.account_id,
        incoming_cents=execution.incoming_cents,
        moved_cents=_moved_in_periods(execution, due_at),
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
        paid_since_statement_cents=account.paid_since_statement_cents,
        next_payment_minimum_cents=account.next_payment_minimum_cents,
        paid_since_minimum_cents=account.paid_since_minimum_cents,
        interest_rate_percent=account.interest_rate_percent,
        is_external=account.is_external,
        is_deleted=account.deleted_at is not None,
    )


def _add_what_is_under_way(states: dict[str, AccountState]) -> None:
    """Count all that is on its way to the accounts, and what is about to leave them; whoever sent it.

    What waits for approval is not under way: it may never happen, and a key must not keep a debt from being paid by
    asking for a payment that nobody approves.
    """
    touching = Q(destination_id__in=list(states)) | Q(source_id__in=list(states))
    rows = Transfer.objects.filter(touching, status__in=ON_ITS_WAY)
    sums = rows.values_list("source_id", "destination_id", "status").annotate(total=Sum("amount_cents"))
    for source_id, destination_id, status, cents in sums.order_by():
        if destination_id in states:
            states[destination_id].incoming_cents += cents
        # What is with its rail is held on the source already.
        if source_id in states and status == Status.PROCESSING:
            states[source_id].outgoing_cents += cents


def _moved_in_periods(execution: RuleExecution, at: datetime) -> dict[tuple[str, int | None, str], int]:
    """What the rule has moved by each action in the periods around ``at``; what failed does not count.

    The action counts, not its place in the rule or the limit that it had then: rewriting a rule must not fill its
    limits up again. So of what another version moved, the group does not count either.
    """
    moved: dict[tuple[str, int | None, str], int] = {}
    group = Case(When(execution__version=execution.version_id, then="group_index"))  # else null
    for period in _periods_of(execution.version.parsed()):
        begins, ends = period_around(period, at)
        moves = RuleMove.objects.filter(
            rule_id=execution.rule_id, counted_at__gte=begins, counted_at__lt=ends, transfer__status__in=_MOVED
        )
        sums = moves.values_list("action_key", group).annotate(total=Sum("transfer__amount_cents"))
        for key, group_index, cents in sums.order_by():
            moved[key, group_index, period] = cents
    return moved


def _periods_of(definition: Definition) -> set[LimitPeriod]:
    return {action.limit.period for action in definition.actions() if action.limit} - {LimitPeriod.PER_TRANSFER}


def period_around(period: str, at: datetime) -> tuple[datetime, datetime]:
    """Return where the week (from Monday), month or year that holds ``at`` begins, and where the next does. UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == LimitPeriod.PER_WEEK:
        begins = day - timedelta(days=day.weekday())
        return begins, begins + timedelta(days=7)
    begins = day.replace(day=1) if period == LimitPeriod.PER_MONTH else day.replace(month=1, day=1)
    return begins, begins + relativedelta(months=1 if period == LimitPeriod.PER_MONTH else 12)
