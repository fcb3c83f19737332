"""The world that runs are planned in: accounts, what is under way, limits, and what earlier runs of a batch moved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta
from django.db.models import Q, Sum

from accounts.models import Account
from rules.definition import Definition
from rules.engine.snapshot import AccountState, AchRoom, Snapshot
from rules.execution_rows import Window, sum_moved
from rules.models import MOVED, ON_ITS_WAY, RuleExecution, RuleMove
from rules.vocabulary import LimitPeriod
from transfers.ach_limits import ReachedLimits
from transfers.models import Status, Transfer
from transfers.rails import rail_between


def definitions_of(executions: Iterable[RuleExecution]) -> dict[int, Definition]:
    """Return the definitions that these run, by the ids of their versions."""
    return {version.pk: version.parsed() for version in {execution.version for execution in executions}}


class World:
    """What the runs of a batch see, one after the other.

    For live runs the caller has locked the accounts and the ACH limits. The balances are those of ``now``, as the runs
    before have left them; the day, and the periods of limits, are those in which each run was due.
    """

    def __init__(
        self,
        executions: Sequence[RuleExecution],
        definitions: Mapping[int, Definition],
        accounts: Iterable[Account],
        limits: ReachedLimits,
        *,
        now: datetime,
    ) -> None:
        self.now = now
        self.definitions = definitions
        self.limits = limits
        self.states = {account.id: _state(account) for account in accounts}
        _add_what_is_under_way(self.states)
        self.moves: list[RuleMove] = []
        windows = dict.fromkeys(window for execution in executions for window in self._windows(execution).values())
        self.moved: dict[Window, dict[tuple[str, int | None], int]] = {window: {} for window in windows}
        for window, key, group, cents in sum_moved(list(windows)):
            self.moved[window][key, group] = cents

    def snapshot_for(self, execution: RuleExecution) -> Snapshot:
        """Return what the run sees."""
        definition = self.definitions[execution.version_id]
        named = definition.account_ids()
        return Snapshot(
            accounts={id: self.states[id] for id in named if id in self.states},
            today=self._due_at(execution).astimezone(UTC).date(),
            carrier_between=rail_between,
            trigger_account_id=definition.trigger.account_id,
            incoming_cents=execution.incoming_cents,
            moved_cents=self._moved_cents(execution),
            ach_rooms=[AchRoom(*room) for room in self.limits.rooms(execution.organization_id)],
        )

    def note(self, moves: Iterable[RuleMove]) -> None:
        """Let the later runs see what a run has moved, as the database would show it to them."""
        for move in moves:
            transfer = move.transfer
            if transfer.status in MOVED:
                self.moves.append(move)
                self.limits.count(transfer)
                self._carry(transfer)

    def _carry(self, transfer: Transfer) -> None:
        source, destination = self.states[transfer.source_id or ""], self.states[transfer.destination_id or ""]
        if transfer.status == Status.COMPLETE:
            source.settle(-transfer.amount_cents)
            destination.settle(transfer.amount_cents)
        else:
            source.held_cents += transfer.amount_cents
            destination.incoming_cents += transfer.amount_cents

    def _moved_cents(self, execution: RuleExecution) -> dict[tuple[str, int | None, str], int]:
        """What the rule has moved by each action in the periods around the run; what failed does not count.

        The action counts, not its place in the rule or the limit that it had then: rewriting a rule must not fill its
        limits up again. So of what another version moved, the group does not count either.
        """
        moved: dict[tuple[str, int | None, str], int] = {}
        for period, window in self._windows(execution).items():
            for (key, group), cents in self.moved[window].items():
                moved[key, group, period] = cents
            for move in self.moves:
                if move.rule_id == window.rule_id and window.begins_at <= move.counted_at < window.ends_at:
                    group = move.group_index if move.execution.version_id == window.version_id else None
                    place = (move.action_key, group, period.value)
                    moved[place] = moved.get(place, 0) + move.transfer.amount_cents
        return moved

    def _windows(self, execution: RuleExecution) -> dict[LimitPeriod, Window]:
        periods = {action.limit.period for action in self.definitions[execution.version_id].actions() if action.limit}
        return {
            period: Window(execution.rule_id, execution.version_id, *period_around(period, self._due_at(execution)))
            for period in sorted(periods - {LimitPeriod.PER_TRANSFER})
        }

    def _due_at(self, execution: RuleExecution) -> datetime:
        return execution.due_at or self.now


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


def period_around(period: LimitPeriod, at: datetime) -> tuple[datetime, datetime]:
    """Return where the week (from Monday), month or year that holds ``at`` begins, and where the next does. UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period is LimitPeriod.PER_WEEK:
        begins = day - timedelta(days=day.weekday())
        return begins, begins + timedelta(days=7)
    begins = day.replace(day=1) if period is LimitPeriod.PER_MONTH else day.replace(month=1, day=1)
    return begins, begins + relativedelta(months=1 if period is LimitPeriod.PER_MONTH else 12)
