"""Snapshots of what runs are planned on: accounts, what is under way, limits, what earlier runs of a batch moved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Q, Sum

from accounts.models import Account
from rules.engine.definition import Definition
from rules.engine.snapshot import AccountState, AchRoom, Snapshot
from rules.engine.usage import Usage, Windows, windows_of
from rules.engine.world import Pretence, World
from rules.execution_rows import sum_moved
from rules.models import MOVED, ON_ITS_WAY, ExecutionMode, RuleExecution, RuleMove
from sequence.core.sweeps import swept
from transfers.ach_limits import ReachedLimits
from transfers.models import Status, Transfer
from transfers.rails import rail_between


def definitions_of(executions: Iterable[RuleExecution]) -> dict[int, Definition]:
    """Return the definitions that these run, by the ids of their versions."""
    return {version.pk: version.parsed() for version in {execution.version for execution in executions}}


class LiveWorld:
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
        states = {account.id: state_of(account) for account in accounts}
        _add_what_is_under_way(states, now)
        self.world = World(states, rail_between)
        self.usage = Usage()
        windows = dict.fromkeys(window for execution in executions for window in self._windows(execution).values())
        self.usage.open(windows, sum_moved(list(windows)))

    def snapshot_for(self, execution: RuleExecution) -> Snapshot:
        """Return what the run sees."""
        return self.world.snapshot(
            self.definitions[execution.version_id],
            due_at=self._due_at(execution),
            incoming_cents=execution.incoming_cents,
            pretends=_pretence_of(execution),
            moved_cents=self.usage.moved_cents(self._windows(execution)),
            ach_rooms=[AchRoom(*room) for room in self.limits.rooms(execution.organization_id)],
        )

    def note(self, moves: Iterable[RuleMove]) -> None:
        """Let the later runs see what a run has moved, as the database would show it to them."""
        for move in moves:
            transfer = move.transfer
            if transfer.status in MOVED:
                self.usage.note(
                    rule_id=move.rule_id,
                    version_id=move.execution.version_id,
                    counted_at=move.counted_at,
                    key=move.action_key,
                    group=move.group_index,
                    cents=transfer.amount_cents,
                )
                self.limits.count(transfer)
                carry = self.world.move if transfer.status == Status.COMPLETE else self.world.send
                carry(transfer.source_id or "", transfer.destination_id or "", transfer.amount_cents)

    def _windows(self, execution: RuleExecution) -> Windows:
        definition, due_at = self.definitions[execution.version_id], self._due_at(execution)
        return windows_of(definition, rule_id=execution.rule_id, version_id=execution.version_id, due_at=due_at)

    def _due_at(self, execution: RuleExecution) -> datetime:
        return execution.due_at or self.now


def _pretence_of(execution: RuleExecution) -> Pretence:
    if not execution.pretends_balance:
        return Pretence.NOTHING
    return Pretence.BASE if execution.mode == ExecutionMode.LIVE else Pretence.BALANCE


def state_of(account: Account) -> AccountState:
    """Return the account as the engine sees it."""
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


def _add_what_is_under_way(states: dict[str, AccountState], now: datetime) -> None:
    """Count all that is on its way to the accounts, and what is about to leave them; whoever sent it.

    What waits for approval is not under way: it may never happen, and a key must not keep a debt from being paid by
    asking for a payment that nobody approves. Nor is what is due later: its money is looked for then.
    """
    touching = Q(destination_id__in=list(states)) | Q(source_id__in=list(states))
    rows = swept(Transfer.objects.filter(touching, status__in=ON_ITS_WAY).due(now))
    sums = rows.values_list("source_id", "destination_id", "status").annotate(total=Sum("amount_cents"))
    for source_id, destination_id, status, cents in sums.order_by():
        if destination_id in states:
            states[destination_id].incoming_cents += cents
        # What is with its rail is held on the source already.
        if source_id in states and status == Status.PROCESSING:
            states[source_id].outgoing_cents += cents
