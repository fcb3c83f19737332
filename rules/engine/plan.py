"""From a rule and a snapshot to a plan: what to move, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from rules.engine.actions import Action
from rules.engine.conditions import evaluate
from rules.engine.definition import Definition
from rules.engine.failures import ActionFailed, FailureCode
from rules.engine.shares import Share, shares_of
from rules.engine.snapshot import AccountState, AchDirection, Snapshot
from rules.engine.traces import Trace
from sequence.core.money import MAX_CENTS, MIN_TRANSFER_CENTS


class LineStatus(Enum):
    """What comes of one movement that an action computed."""

    MOVE = "move"
    SKIP = "skip"  # nothing to move; no failure
    FAIL = "fail"  # the rest of the step is skipped


@dataclass(frozen=True)
class Line:
    """One movement of a plan. ``amount_cents`` is None where it could not be known."""

    action_index: int
    source_id: str
    destination_id: str | None
    amount_cents: int | None
    status: LineStatus
    code: str | None = None
    action_key: str = ""
    group_index: int = 0
    limit_period: str | None = None
    description: str | None = None


@dataclass
class Plan:
    """What a rule decided. ``step_index`` is None when no step's conditions held."""

    step_index: int | None = None
    lines: list[Line] = field(default_factory=list)
    trace: Trace = field(default_factory=dict)

    @property
    def failure(self) -> Line | None:
        """The line that ended the step early, if one did."""
        return next((line for line in self.lines if line.status is LineStatus.FAIL), None)


def make_plan(definition: Definition, snapshot: Snapshot) -> Plan:
    """Return the plan of a rule's definition for the snapshot, which stays as it is.

    The first step whose conditions hold is planned, its actions in order; each sees what the earlier ones move.
    """
    world = snapshot.copy()
    plan = Plan(trace={"steps": [], "actions": []})
    for index, step in enumerate(definition.steps):
        holds, conditions = evaluate(step.condition, world)
        plan.trace["steps"].append({"step_index": index, "holds": holds, "conditions": conditions})
        if holds:
            plan.step_index = index
            _StepPlanner(plan, step.actions, world).run()
            break
    return plan


class _StepPlanner:
    """Plans the actions of one step on a world of its own."""

    def __init__(self, plan: Plan, actions: Sequence[Action], world: Snapshot) -> None:
        self.plan = plan
        self.actions = actions
        self.world = world
        self.places = {(action.key, action.group_index) for action in self.actions}
        self.periods = {action.limit.period for action in self.actions if action.limit}
        self.incoming_shares = self._share_incoming()

    def run(self) -> None:
        for index, action in enumerate(self.actions):
            if self.plan.failure is not None:
                facts = self._certificate(index)
                self._trace(index, action, result="skipped", reason="an earlier action failed", **facts)
            else:
                self._plan_action(index, action)

    def _share_incoming(self) -> dict[int, Share]:
        """What each action that takes a percentage of the incoming amount gets of it."""
        takers = [(index, action.incoming_percentage) for index, action in enumerate(self.actions)]
        known = [(index, percentage) for index, percentage in takers if percentage is not None]
        shares = shares_of(self.world.incoming_cents or 0, [percentage for _, percentage in known])
        return dict(zip([index for index, _ in known], shares, strict=True))

    def _certificate(self, index: int) -> Trace:
        """What shows that the action's share is right. All of a step together do: those that move nothing, too."""
        share = self.incoming_shares.get(index)
        return {"share": share.certificate()} if share else {}

    def _plan_action(self, index: int, action: Action) -> None:
        source = self.world.accounts[action.source.id]
        facts: Trace = {}
        share = self.incoming_shares.get(index)
        try:
            if gone := self._deleted_account(action):
                raise ActionFailed(FailureCode.RESOURCE_DELETED, gone)
            base_cents, wanted_cents = action.wanted_cents(self.world, share.cents if share else 0)
            facts["base_cents"] = base_cents
            if wanted_cents > MAX_CENTS:
                raise ActionFailed(FailureCode.PAYMENT_NOT_SUPPORTED, source.name)
            facts["computed_cents"] = wanted_cents
            facts |= self._certificate(index)
            wanted_cents = self._within_limit(action, wanted_cents, facts)
            wanted_cents = self._within_balance(action, source, wanted_cents, facts)
            payments = action.spread(wanted_cents, self.world, action.cap_per_transfer_cents)
        except ActionFailed as failure:
            facts |= self._certificate(index)
            amount = facts.get("wanted_cents")
            line = self._line(index, action, action.destination_id, amount, LineStatus.FAIL, failure.code)
            self._finish(index, action, [line], facts)
            return
        lines = [self._pay(index, action, *each) for each in action.too_small(self.world)]
        self._finish(index, action, [*lines, *self._lines(index, action, payments)], facts)

    def _deleted_account(self, action: Action) -> str | None:
        for account_id in action.account_ids:
            if self.world.accounts[account_id].is_deleted:
                return self.world.accounts[account_id].name
        return None

    def _within_limit(self, action: Action, cents: int, facts: Trace) -> int:
        if action.limit is None:
            return cents
        cap_cents, used_cents = action.limit.amount_cents, self._used_cents(action)
        if action.cap_per_transfer_cents is None:
            allowed = min(cents, max(0, cap_cents - used_cents))
        else:
            allowed = min(cents, sum(amount for _, amount in action.spread(cents, self.world, cap_cents)))
        if allowed < cents:
            facts["limit_took_cents"] = cents - allowed
            facts["limit"] = {
                "period": action.limit.period.value,
                "limit_in_cents": cap_cents,
                "used_in_cents": used_cents,
            }
        return allowed

    def _used_cents(self, action: Action) -> int:
        """What the limit's period has seen of all the actions that share the limit: one group, one period.

        What was moved in another group counts there while the action stands there too, and here when it does not; what
        an earlier version of the rule moved has no group, and counts in each.
        """
        if action.limit is None or action.cap_per_transfer_cents is not None:
            return 0
        group, period = action.group_index, action.limit.period
        sharing = {
            other.key
            for other in self.actions
            if other.limit and other.group_index == group and other.limit.period is period
        }
        return sum(
            cents
            for (key, moved_in, of), cents in self.world.moved_cents.items()
            if key in sharing and of == period and (moved_in == group or (key, moved_in) not in self.places)
        )

    def _within_balance(self, action: Action, source: AccountState, cents: int, facts: Trace) -> int:
        facts["wanted_cents"] = cents
        available = source.available_cents
        facts["source_available_cents"] = available
        # What is too little to move at all needs no funds.
        if available is None or cents <= available or cents < MIN_TRANSFER_CENTS:
            return cents
        if not action.up_to_enabled:
            raise ActionFailed(FailureCode.INSUFFICIENT_FUNDS, source.name)
        facts["balance_took_cents"] = cents - max(0, available)
        return max(0, available)

    def _lines(self, index: int, action: Action, payments: list[tuple[str, int]]) -> list[Line]:
        lines = []
        for destination_id, cents in payments:
            line = self._pay(index, action, destination_id, cents)
            lines.append(line)
            if line.status is LineStatus.FAIL:
                break
        return lines

    def _pay(self, index: int, action: Action, destination_id: str, cents: int) -> Line:
        if cents < MIN_TRANSFER_CENTS:
            code = FailureCode.TRANSFER_AMOUNT_LESS_THAN_ONE_DOLLAR if cents > 0 else None
            return self._line(index, action, destination_id, cents, LineStatus.SKIP, code)
        source, destination = self.world.accounts[action.source.id], self.world.accounts[destination_id]
        if refusal := self._ach_refusal(source, destination, cents):
            return self._line(index, action, destination_id, cents, LineStatus.FAIL, refusal)
        source.pay(cents)
        rail = self.world.carrier_between(source, destination)
        destination.receive(cents, later=rail is None or not rail.settles_at_once)
        for period in self.periods:
            place = (action.key, action.group_index, period)
            self.world.moved_cents[place] = self.world.moved_cents.get(place, 0) + cents
        return self._line(index, action, destination_id, cents, LineStatus.MOVE, None)

    def _ach_refusal(self, source: AccountState, destination: AccountState, cents: int) -> str | None:
        rail = self.world.carrier_between(source, destination)
        if rail is None or not rail.has_ach_limits:
            return None
        direction = AchDirection.MONEY_IN if source.is_external else AchDirection.MONEY_OUT
        rooms = [room for room in self.world.ach_rooms if room.direction == direction]
        for room in rooms:
            if cents > room.left_cents:
                return room.code
        for room in rooms:
            room.left_cents -= cents
        return None

    def _line(
        self,
        index: int,
        action: Action,
        destination_id: str | None,
        cents: int | None,
        status: LineStatus,
        code: str | None,
    ) -> Line:
        return Line(
            action_index=index,
            source_id=action.source.id,
            destination_id=destination_id,
            amount_cents=cents,
            status=status,
            code=str(code) if code else None,
            action_key=action.key,
            group_index=action.group_index,
            limit_period=action.limit.period.value if action.limit else None,
            description=action.ach_description,
        )

    def _finish(self, index: int, action: Action, lines: list[Line], facts: Trace) -> None:
        first = len(self.plan.lines)
        self.plan.lines.extend(lines)
        movements = [
            {
                "line": first + offset,
                "destination": self._name(line.destination_id),
                "amount_cents": line.amount_cents,
                "result": line.status.value,
                "reason": line.code,
            }
            for offset, line in enumerate(lines)
        ]
        failed = any(line.status is LineStatus.FAIL for line in lines)
        moved = any(line.status is LineStatus.MOVE for line in lines)
        result = "failed" if failed else "moved" if moved else "nothing to move"
        self._trace(index, action, result=result, **facts, movements=movements)

    def _name(self, account_id: str | None) -> str | None:
        return self.world.accounts[account_id].name if account_id else None

    def _trace(self, index: int, action: Action, **facts: object) -> None:
        head = {"action_index": index, "type": action.type, "source": self._name(action.source.id)}
        self.plan.trace["actions"].append({**head, **facts})
