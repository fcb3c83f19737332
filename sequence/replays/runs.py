"""Runs of a replay: the engine asked on the replayed accounts, and what it decides carried out there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from rules.engine.chains import MAX_CHAIN_RUNS, reason_to_end
from rules.engine.plan import Line, LineStatus, Plan, make_plan
from rules.engine.usage import Usage, Windows, windows_of
from rules.engine.vocabulary import TriggerType
from rules.engine.world import Pretence, World
from rules.outcomes import status_if_all_complete
from sequence.replays.courses import Course
from sequence.replays.events import LAST, LAST_TURN, Payment, Place
from sequence.replays.findings import Assumption, Cause, Ended, Findings
from sequence.replays.question import Opening, Question


@dataclass
class Chain:
    """Runs that set each other off, and how many there are by now."""

    runs: int = 1


@dataclass(frozen=True)
class Planned:
    """A planned payment, the chain that it belongs to, and how many runs in a row led to it."""

    source_id: str
    destination_id: str
    amount_cents: int
    chain: Chain
    hops: int


class Runs:
    """Carries runs out on the replayed accounts, with what they hand to rails arriving later."""

    def __init__(self, question: Question, opening: Opening, world: World, course: Course, findings: Findings) -> None:
        self.question = question
        self.opening = opening
        self.world = world
        self.course = course
        self.findings = findings
        self.usage = Usage()
        self._arrivals: list[tuple[Place, int, Planned]] = []
        # What arrives at one place arrives in the order in which it was sent.
        self._sent = count()

    def awaits(self, account_id: str | None) -> bool:
        """Say whether money that arrives in the account sets the definition off."""
        trigger = self.question.definition.trigger
        return trigger.type is TriggerType.ON_FUNDS_TRANSFERRED and trigger.account_id == account_id

    def bring(self, *, until: Place) -> None:
        """Let arrive what does up to that place."""
        while self._arrivals and self._arrivals[0][0] <= until:
            (at, _, _), _, payment = heappop(self._arrivals)
            self.world.take_off(payment.source_id, payment.destination_id, payment.amount_cents)
            self._move(payment, at)
            self._follow([payment], at)

    def run(
        self,
        *,
        at: datetime,
        due_at: datetime | None = None,
        incoming_cents: int | None = None,
        pretends: Pretence = Pretence.NOTHING,
        chain: Chain | None = None,
        hops: int = 1,
        real: Sequence[Payment] = (),
    ) -> list[tuple[str, int]]:
        """Carry out one run, and those that its payments set off; return what the first paid, and to whom.

        ``due_at`` is the instant that it is judged by, where that is another; ``real`` is what the real run paid, whose
        payments tell how long a rail takes.
        """
        chain = chain or Chain()
        if reason_to_end(hops, chain.runs):
            self.findings.ended_replay[Ended.FAILED] += 1
            return []
        plan = self._plan(at, due_at or at, incoming_cents, pretends)
        paid = [line for line in plan.lines if line.status is LineStatus.MOVE]
        payments = [
            Planned(line.source_id, line.destination_id or "", line.amount_cents or 0, chain, hops) for line in paid
        ]
        self._count(paid, due_at or at)
        self._follow(self._pay(payments, at, list(real)), at)
        return [(payment.destination_id, payment.amount_cents) for payment in payments]

    def _plan(self, at: datetime, due_at: datetime, incoming_cents: int | None, pretends: Pretence) -> Plan:
        for id, deleted_at in self.opening.deleted_at.items():
            self.world.accounts[id].is_deleted = deleted_at <= at
        definition = self.question.definition
        snapshot = self.world.snapshot(
            definition,
            due_at=due_at,
            incoming_cents=incoming_cents,
            pretends=pretends,
            moved_cents=self.usage.moved_cents(self._windows(due_at)),
        )
        plan = make_plan(definition, snapshot)
        ended = Ended.NO_MATCH if plan.step_index is None else Ended(status_if_all_complete(plan).value)
        self.findings.ended_replay[ended] += 1
        return plan

    def _windows(self, due_at: datetime) -> Windows:
        """Return the windows around a run, each opened with what the rule really moved in it before the beginning."""
        question = self.question
        windows = windows_of(
            question.definition, rule_id=question.rule_id, version_id=question.version_id, due_at=due_at
        )
        fresh = [window for window in windows.values() if not self.usage.has(window)]
        begun = [window for window in fresh if window.begins_at <= question.since]
        self.usage.open(fresh, self.opening.used(begun) if begun else ())
        return windows

    def _count(self, lines: Sequence[Line], due_at: datetime) -> None:
        """Let the limits of later runs count what this one moves."""
        question = self.question
        for line in lines:
            self.usage.note(
                rule_id=question.rule_id,
                version_id=question.version_id,
                counted_at=due_at,
                key=line.action_key,
                group=line.group_index,
                cents=line.amount_cents or 0,
            )

    def _pay(self, payments: Sequence[Planned], at: datetime, real: list[Payment]) -> list[Planned]:
        """Move what was planned, or hand it to its rail; return what has arrived."""
        arrived = []
        for payment in payments:
            if self._settles_at_once(payment):
                self._move(payment, at)
                arrived.append(payment)
            else:
                self._send(payment, at, _take_match(real, payment))
        return arrived

    def _settles_at_once(self, payment: Planned) -> bool:
        ends = self.world.accounts[payment.source_id], self.world.accounts[payment.destination_id]
        rail = self.world.carrier_between(*ends)
        if rail is not None and rail.has_ach_limits:
            self.findings.assumptions.add(Assumption.ACH_LIMITS_IGNORED)
        return rail is not None and rail.settles_at_once

    def _move(self, payment: Planned, at: datetime) -> None:
        self.world.move(payment.source_id, payment.destination_id, payment.amount_cents)
        self.course.note(payment.source_id, at)
        self.course.note(payment.destination_id, at)
        self.findings.moved_replay[payment.source_id, payment.destination_id] += payment.amount_cents

    def _send(self, payment: Planned, at: datetime, real: Payment | None) -> None:
        self.world.send(payment.source_id, payment.destination_id, payment.amount_cents)
        if real is None or not real.has_moved:
            heappush(self._arrivals, ((at + self.question.rail_delay, LAST, LAST_TURN), next(self._sent), payment))
        elif real.arrived is not None:
            heappush(self._arrivals, (real.arrived, next(self._sent), payment))

    def _follow(self, arrived: Sequence[Planned], at: datetime) -> None:
        """Run again for each payment of the rule's own that its trigger waits for."""
        for payment in arrived:
            chain = payment.chain
            # The first that is too many says so by failing; no more follow.
            if self.awaits(payment.destination_id) and chain.runs <= MAX_CHAIN_RUNS:
                chain.runs += 1
                paid = self.run(at=at, incoming_cents=payment.amount_cents, chain=chain, hops=payment.hops + 1)
                self.findings.compare(at, Cause(), [], paid)


def _take_match(real: list[Payment], payment: Planned) -> Payment | None:
    """Take the real payment that went the same way, None where none did."""
    for index, each in enumerate(real):
        if (each.source_id, each.destination_id) == (payment.source_id, payment.destination_id):
            return real.pop(index)
    return None
