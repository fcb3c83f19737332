"""Walk over a history, pure: event by event, with the engine asked at each trigger. It reads no database and no clock.

The world is history without the rule: what the rule really moved counts in the actual course alone, and in the
replayed one what it plans there.
"""

from collections.abc import Mapping
from dataclasses import replace

from rules.engine.snapshot import AccountState
from rules.engine.vocabulary import TriggerType
from rules.engine.world import Pretence, World
from rules.schedules import last_slot
from sequence.replays.courses import Course
from sequence.replays.events import LAST, LAST_TURN, Departure, Event, Movement, MovementKind, RealRun, Slot
from sequence.replays.findings import Assumption, Cause, Ended, Findings, Missed
from sequence.replays.question import Opening, Question
from sequence.replays.runs import Chain, Runs


class Walk:
    """One replay. ``see`` takes the events in the order of their places, ``finish`` ends it."""

    def __init__(self, question: Question, opening: Opening) -> None:
        self.question = question
        self.findings = Findings()
        self.opening_cents = {id: account.balance_cents for id, account in opening.accounts.items()}
        self.actual = Course(_copied(opening.accounts), question.since)
        self.replay = Course(_copied(opening.accounts), question.since)
        self.world = World(self.replay.accounts, opening.carrier_between)
        self.runs = Runs(question, opening, self.world, self.replay, self.findings)
        # What did not happen in the replay: transfers and purchases.
        self.skipped: set[str] = set()
        # Transfers that set the rule off, until the real run comes; False of one whose money has gone back since.
        self.awaited: dict[str, bool] = {}
        named = question.definition.account_ids()
        if any(account.is_liability for id, account in opening.accounts.items() if id in named):
            self.findings.assumptions.add(Assumption.LIABILITY_FACTS_AS_OF_NOW)

    def see(self, event: Event) -> None:
        """Let the event happen, and before it whatever the replay has on its way until then."""
        self.runs.bring(until=event.place)
        if isinstance(event, Movement):
            self._count_event()
            self._see_movement(event)
        elif isinstance(event, Departure):
            self._see_departure(event)
        elif isinstance(event, RealRun):
            self._see_real_run(event)
        elif isinstance(event, Slot):
            self._count_event()
            self._compare(event, Cause(scheduled_at=event.at), self.runs.run(at=event.at))

    def finish(self) -> None:
        """Let what is on its way arrive, as far as it does until the end."""
        self.runs.bring(until=(self.question.until, LAST, LAST_TURN))

    def _count_event(self) -> None:
        self.findings.events_seen += 1

    def _see_movement(self, movement: Movement) -> None:
        for id, cents in movement.gained_cents.items():
            self.actual.settle(id, cents, movement.at)
        if movement.is_own:
            way = (movement.source_id or "", movement.destination_id or "")
            sign = -1 if movement.kind is MovementKind.REVERSAL else 1
            self.findings.moved_actual[way] += sign * movement.amount_cents
        elif self._happens(movement):
            self._happen(movement)

    def _happens(self, movement: Movement) -> bool:
        """Say whether the movement happens in the replay, too; and list it where it does not."""
        if movement.transfer_id in self.skipped:
            return False
        if movement.purchase_id in self.skipped:
            self.findings.missed.append(Missed(movement.at, None, movement.card_transaction_id, 0))
            return False
        short_cents = 0 if movement.was_held else self._shortfall(movement.gained_cents)
        if short_cents > 0 and movement.kind is not MovementKind.RELEASE:  # That is no payment that failed.
            self._skip(movement, movement.card_transaction_id, short_cents)
        return short_cents <= 0

    def _shortfall(self, gained_cents: Mapping[str, int]) -> int:
        """Return what accounts of the ledger lack for this. An institution decides about its accounts by itself.

        Two movements whose instants do not follow the order in which the accounts were locked overdraw the actual
        course, too, for that moment: that much is no fault of the replay.
        """
        return max((self._lacks(id, -cents) for id, cents in gained_cents.items() if cents < 0), default=0)

    def _lacks(self, account_id: str, cents: int) -> int:
        account = self.world.accounts[account_id]
        if account.is_external:
            return 0
        overdrawn_cents = max(0, -(self.actual.accounts[account_id].balance_cents or 0))
        return cents - (account.available_cents or 0) - overdrawn_cents

    def _skip(self, event: Movement | Departure, card_transaction_id: str | None, short_cents: int) -> None:
        self.skipped.add(event.transfer_id or card_transaction_id or "")
        self.findings.missed.append(Missed(event.at, event.transfer_id, card_transaction_id, short_cents))

    def _happen(self, movement: Movement) -> None:
        if movement.is_of_another_rule:
            self.findings.assumptions.add(Assumption.OTHER_RULES_AS_RECORDED)
        if movement.was_held:
            self.world.take_off(movement.source_id, movement.destination_id, movement.amount_cents)
        for id, cents in movement.gained_cents.items():
            self.replay.settle(id, cents, movement.at)
        transfer_id = movement.transfer_id or ""
        if movement.kind is MovementKind.REVERSAL:
            if transfer_id in self.awaited:
                self.awaited[transfer_id] = False
        elif movement.kind is MovementKind.SETTLEMENT and self.runs.awaits(movement.destination_id):
            if movement.has_run:
                self.awaited[transfer_id] = True
            else:
                paid = self.runs.run(at=movement.at, incoming_cents=movement.amount_cents)
                self._compare(movement, Cause(transfer_id=transfer_id), paid)

    def _see_departure(self, departure: Departure) -> None:
        source_id = departure.source_id
        short_cents = self._lacks(source_id, departure.amount_cents) if source_id in self.world.accounts else 0
        if short_cents > 0:
            self._skip(departure, None, short_cents)
        else:
            self.world.send(source_id, departure.destination_id, departure.amount_cents)

    def _see_real_run(self, run: RealRun) -> None:
        if run.trigger_type is not TriggerType.ON_FUNDS_TRANSFERRED:
            self._count_event()
        self.findings.ended_actual[Ended.NO_MATCH if run.has_no_match else Ended(run.status)] += 1
        paid: list[tuple[str, int]] = []
        if self._is_replayed(run):
            paid = self.runs.run(
                at=run.at,
                due_at=run.scheduled_at,
                incoming_cents=run.incoming_cents,
                pretends=Pretence.BASE if run.pretends_balance else Pretence.NOTHING,
                chain=Chain(run.chain_number),
                hops=run.hops,
                real=run.payments,
            )
        actual = [(payment.destination_id, payment.amount_cents) for payment in run.payments if payment.has_moved]
        self.findings.compare(run.at, _cause_of(run), actual, paid)

    def _is_replayed(self, run: RealRun) -> bool:
        """Say whether what set the real run off sets the definition off, too."""
        if run.trigger_type is TriggerType.MANUAL:
            return True
        if run.trigger_type is TriggerType.SCHEDULED:
            schedule, slot = self.question.definition.trigger.schedule, run.scheduled_at
            return schedule is not None and slot is not None and last_slot(schedule, slot) == slot
        is_there = self.awaited.pop(run.transfer_id or "", self._came_before(run))
        if is_there is False:
            self.findings.ended_replay[Ended.FAILED] += 1
        return bool(is_there)

    def _came_before(self, run: RealRun) -> bool | None:
        """Return True where the deposit came before the beginning and its run after it; None where it is no trigger."""
        completed_at = run.transfer_completed_at
        is_old = completed_at is not None and completed_at <= self.question.since
        return True if is_old and self.runs.awaits(run.transfer_destination_id) else None

    def _compare(self, event: Event, cause: Cause, paid: list[tuple[str, int]]) -> None:
        """Keep what a cause that had no real run led to."""
        self.findings.compare(event.at, cause, [], paid)


def _copied(accounts: Mapping[str, AccountState]) -> dict[str, AccountState]:
    return {id: replace(account) for id, account in accounts.items()}


def _cause_of(run: RealRun) -> Cause:
    if run.trigger_type is TriggerType.MANUAL:
        return Cause(rule_execution_id=run.execution_id)
    if run.trigger_type is TriggerType.SCHEDULED:
        return Cause(scheduled_at=run.scheduled_at)
    return Cause(transfer_id=run.transfer_id)
