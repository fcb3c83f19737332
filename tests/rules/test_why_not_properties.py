"""Random histories of a rule and of money that arrives, against a plain model of what became of each deposit.

The model keeps, for each deposit, what stood in its way since it arrived; of a run it looks at what that left behind.
``RULES_SEED`` repeats a run, whose seed is printed.
"""

import operator
import re
from collections import Counter
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from apikeys.models import OrganizationStatus
from apikeys.services import set_organization_status
from rules.models import Rule, RuleExecution
from rules.services import create_rule, disable_rule, enable_rule, replace_rule
from rules.sweeps import carry_out
from rules.why_not import why_not
from sequence.stops.services import suspend_organization
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import condition, kept, limit, manual, on_funds, rule, step
from tests.rules.steps import move, notice
from tests.transfers.steps import fund
from transfers.models import Status, Transfer

COMPARE = {
    "EQUALS": operator.eq,
    "NOT_EQUALS": operator.ne,
    "GREATER_THAN": operator.gt,
    "LESS_THAN": operator.lt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN_OR_EQUAL": operator.le,
}
# What stands in the way of a deposit that nobody has looked at, the first of it being the answer.
IN_ORDER = ["other_trigger", "other_account", "before_creation", "disabled_then", "organization_stopped"]
IN_ORDER += ["replaced_before_run"]


@dataclass
class Deposit:
    """Money that arrived, and what stands in its way."""

    transfer: Transfer
    version: int | None
    reasons: set[str] = field(default_factory=set)
    is_noticed: bool = False
    # What ended the enabling in which it was noticed.
    ended_by: str | None = None
    is_over: bool = False
    # Whether the rule has been enabled ever since.
    is_awaited: bool = True


class History:
    """An organization, one rule of it, and what the model knows of them."""

    def __init__(self, dice):
        self.dice = dice
        self.organization = OrganizationFactory()
        self.income = IncomeSourceFactory(organization=self.organization)
        self.rent, self.savings = PodFactory.create_batch(2, organization=self.organization)
        self.rule: Rule | None = None
        self.bodies: list[dict] = []
        self.is_enabled, self.is_active = False, True
        self.deposits: list[Deposit] = []
        self.ended_by = ""

    def body(self):
        dice = self.dice
        limited = {"limit": limit("PER_MONTH", dice.choice([2_00, 50_00]))} if dice.random() < 0.5 else {}
        steps = [
            step(move(self.income, self.rent, dice.randrange(1_00, 9_00), **limited), conditions=self.conditions())
            for _ in range(dice.randrange(1, 3))
        ]
        trigger = dice.choice([on_funds(self.income.id)] * 12 + [on_funds(self.rent.id), manual(self.income.id)])
        return kept(rule(*steps, trigger=trigger))

    def conditions(self):
        dice = self.dice
        leaves = [
            condition("TRANSFER_AMOUNT", dice.choice([*COMPARE]), dice.randrange(8_00)),
            condition("BALANCE", dice.choice([*COMPARE]), dice.randrange(20_00), of=self.income.id),
            condition("BALANCE", dice.choice([*COMPARE]), dice.randrange(9_00), of=self.savings.id),
        ]
        leaves = dice.sample(leaves, dice.randrange(1, 4))
        return dice.choice([None, leaves[0], {"all": leaves}, {"any": leaves}, {"all": [{"any": leaves}, leaves[0]]}])

    # What happens.

    def write(self):
        body = self.body()
        if self.rule is None:
            self.rule = create_rule(organization_id=self.organization.id, by="command:test", **body)
        else:
            replace_rule(organization_id=self.organization.id, rule_id=self.rule.id, by="command:test", **body)
            self.end_enabling("replaced_before_run")
        self.bodies.append(body)

    def enable(self):
        if self.rule is not None and self.is_active and not self.is_enabled:
            enable_rule(rule_id=self.rule.id, version=len(self.bodies), by="staff:ada")
            self.is_enabled = True

    def disable(self):
        if self.rule is not None:
            disable_rule(rule_id=self.rule.id)
            self.end_enabling("disabled_then")

    def end_enabling(self, reason):
        if self.is_enabled:
            self.is_enabled = False
            for deposit in self.open_deposits():
                if deposit.is_noticed and deposit.ended_by is None:
                    deposit.ended_by = reason  # Of the enabling that its run began in, whatever came after.
                if deposit.is_awaited:
                    deposit.is_awaited = False
                    if not deposit.is_noticed:
                        deposit.reasons.add(reason)
            self.ended_by = reason

    def suspend(self):
        suspend_organization(organization_id=self.organization.id, by="staff:ada")
        self.is_active = False
        for deposit in self.open_deposits():
            deposit.reasons.add("organization_stopped")
            deposit.is_over = deposit.is_noticed  # Runs that have not begun end with it.

    def resume(self):
        set_organization_status(organization_id=self.organization.id, status=OrganizationStatus.ACTIVE)
        self.is_active = True

    def arrive(self):
        account = self.dice.choice([self.income] * 8 + [self.rent])
        deposit = Deposit(fund(account, self.dice.randrange(1, 10_00)), len(self.bodies) or None)
        if self.bodies:
            self.judge(deposit, self.bodies[-1]["trigger"])
        if deposit.version is None:
            deposit.reasons.add("before_creation")
        elif not self.is_enabled:
            deposit.reasons.add("disabled_then")
        if not self.is_enabled:
            deposit.is_awaited = False
        if not self.is_active:
            deposit.reasons.add("organization_stopped")
        self.deposits.append(deposit)

    def judge(self, deposit, trigger):
        if trigger["type"] != "ON_FUNDS_TRANSFERRED":
            deposit.reasons.add("other_trigger")
        elif trigger["account_id"] != deposit.transfer.destination_id:
            deposit.reasons.add("other_account")

    def notice(self):
        notice()
        for deposit in self.open_deposits():
            if not deposit.is_noticed:
                deposit.is_noticed, deposit.is_over = True, bool(deposit.reasons)

    def run(self):
        carry_out(timezone.now())
        for deposit in self.open_deposits():
            if deposit.is_noticed:
                if not self.is_enabled:
                    deposit.reasons.add(deposit.ended_by or self.ended_by)
                elif deposit.version != len(self.bodies):
                    deposit.reasons.add("replaced_before_run")
                deposit.is_over = True

    def work(self):
        self.notice()
        self.run()

    def open_deposits(self):
        return [deposit for deposit in self.deposits if not deposit.is_over]

    # What is to be said of it.

    def expected(self, deposit):
        if deposit.version is None and self.bodies:
            self.judge(deposit, self.bodies[0]["trigger"])
        if deposit.reasons:
            return min(deposit.reasons, key=IN_ORDER.index)
        if not deposit.is_over:
            return "not_yet"
        run = RuleExecution.objects.get(trigger_transfer=deposit.transfer)
        ends = set(Transfer.objects.filter(rule_execution_id=run.id).values_list("status", flat=True))
        if Status.COMPLETE in ends:
            return "ran"
        return "failed" if ends else "conditions_not_met" if run.step_index_matched is None else "nothing_to_move"


def holds(tree, path, other):
    """Judge a traced tree, with another literal at one path, by nothing but what the trace saw."""
    if "condition" in tree:
        leaf = tree["condition"]
        literal = other.get(f"{path}.condition.value", leaf["value"])
        return COMPARE[leaf["operator"]](tree["saw"], literal)
    [kind] = tree.keys() & {"all", "any"}
    children = [holds(child, f"{path}.{kind}[{index}]", other) for index, child in enumerate(tree[kind])]
    return all(children) if kind == "all" else any(children)


def check_changes(answer):
    """Each is enough alone, and nothing nearer to what the rule says is."""
    trace = RuleExecution.objects.get(id=answer.execution_id).trace
    for change in answer.changes:
        index = int(re.match(r"steps\[(\d+)\]", change.path)[1])
        conditions, path = trace["steps"][index]["conditions"], f"steps[{index}].conditions"
        assert holds(conditions, path, {change.path: change.to})
        [literal] = literals_at(conditions, path, change.path)
        nearer = change.to + (1 if literal > change.to else -1)
        assert not holds(conditions, path, {change.path: nearer})
    return len(answer.changes)


def literals_at(tree, path, wanted):
    if "condition" in tree:
        return [tree["condition"]["value"]] if f"{path}.condition.value" == wanted else []
    [kind] = tree.keys() & {"all", "any"}
    return [
        found
        for index, child in enumerate(tree[kind])
        for found in literals_at(child, f"{path}.{kind}[{index}]", wanted)
    ]


def live_through(dice):
    """Return a random history of one rule."""
    history = History(dice)
    weights = {history.arrive: 14, history.work: 4, history.notice: 2, history.run: 2, history.enable: 4}
    weights |= {history.write: 1, history.disable: 1, history.suspend: 0.5, history.resume: 1}
    if dice.random() < 0.9:
        history.write()
        history.enable()
    for deed in dice.choices([*weights], [*weights.values()], k=dice.randrange(6, 20)):
        deed()
    if dice.random() < 0.7:
        history.work()
    if history.rule is None:
        history.write()
    return history


class TestWhyNot:
    def test_says_what_really_happened(self, db, dice, by_length):
        seen, changes = Counter(), 0
        while seen.total() < by_length(200, 2_000, 20_000):
            with transaction.atomic():
                history = live_through(dice)
                for deposit in history.deposits:
                    transfer = Transfer.objects.get(id=deposit.transfer.id)
                    answer = why_not(history.rule, transfer, may_read=lambda account_id: True)
                    assert answer.reason.value == history.expected(deposit), (deposit, history.bodies)
                    assert answer.version == deposit.version
                    changes += check_changes(answer) if answer.execution_id else 0
                    seen[answer.reason.value] += 1
                transaction.set_rollback(True)  # What is kept makes every later history slower.

        print(f"{sum(seen.values())} answers with {changes} changes: {dict(seen)}")  # noqa: T201
        assert len(seen) >= by_length(8, 11, 11)
        assert changes
