"""Arrivals as the rules read them from the events: each once, whoever reads, and none of those that no rule routes."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from rules import arrivals as module
from rules.arrivals import READER, looked_at, read_arrivals
from rules.models import ArrivalLook, Rule, RuleExecution
from rules.services import create_rule, disable_rule, enable_rule
from rules.sweeps import notice_deposits
from sequence.core import clock
from sequence.core.events.models import Event, EventCounter, EventReader
from sequence.core.events.numbering import number_events
from sequence.core.worker import due_sweeps, sweep_all
from sequence.stops.services import suspend_organization
from sequence.wiring import SWEEPS
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import kept, on_funds, rule, step
from tests.rules.steps import disable, move, notice, runs_of, write, write_enabled
from tests.threads import Crew, in_open_transaction
from tests.transfers.steps import fund
from transfers.ledger_invariants import find_faults
from transfers.models import Status, Transfer

NOW_AND_THEN = 0.01


def made_in(organization, source, destination):
    """Return an enabled rule of the organization that moves a dollar of what arrives."""
    body = kept(rule(step(move(source, destination, 1_00)), trigger=on_funds(source.id)))
    made = create_rule(organization_id=organization.id, by="command:test", **body)
    enable_rule(rule_id=made.id, version=1, by="staff:ada")
    return made


def cursor_of(organization):
    return EventReader.objects.get(organization=organization, name=READER).after_sequence


@pytest.fixture
def routing(api, rent, savings):
    return write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))


class TestReader:
    def test_is_opened_by_the_first_rule_that_waits_for_funds(self, api, acme, income, rent):
        fund(income, 5_00), number_events(timezone.now())
        body = rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id))
        first, second = write(api, body), write(api, body)
        assert not EventReader.objects.exists()
        enable_rule(rule_id=first.id, version=1, by="staff:ada")
        begins = cursor_of(acme)
        assert begins == EventCounter.objects.get(organization=acme).last_sequence
        disable(first)
        number_events(timezone.now())
        enable_rule(rule_id=second.id, version=1, by="staff:ada")

        assert cursor_of(acme) == begins

    def test_costs_an_organization_without_a_rule_nothing(self, routing, globex):
        for account in PodFactory.create_batch(2, organization=globex):
            fund(account, 5_00)
        notice()

        assert not EventReader.objects.filter(organization=globex).exists()
        assert not EventReader.objects.behind(READER).exists()

    def test_starts_a_rule_in_the_very_turn_in_which_its_deposit_is_numbered(self, routing, rent):
        fund(rent, 5_00)
        assert not Event.objects.exclude(sequence=None).exists()
        assert SWEEPS.index(number_events) < SWEEPS.index(notice_deposits)
        assert {number_events, notice_deposits} <= set(due_sweeps(timezone.now()))

        sweep_all(timezone.now())

        assert len(runs_of(routing)) == 1

    def test_reads_a_backlog_in_pieces(self, routing, rent, income, monkeypatch):
        monkeypatch.setattr(module, "EVENTS_AT_ONCE", 3)
        for account in (income, rent, income, income, rent):
            fund(account, 5_00)
        number_events(timezone.now())

        read = []
        while events := notice_deposits(timezone.now()):
            read.append(events)
        assert max(read) == 3
        assert len(runs_of(routing)) == 2

    def test_starts_no_second_run_of_an_arrival_that_has_one(self, acme, routing, rent):
        """A cursor that somebody set back reads again what set off its rule, and starts nothing."""
        fund(rent, 5_00), notice()
        EventReader.objects.update(after_sequence=0)
        notice()

        assert len(runs_of(routing)) == 1
        assert cursor_of(acme) == EventCounter.objects.get(organization=acme).last_sequence

    def test_runs_the_deposits_of_an_instant_as_they_were_made(self, routing, rent, monkeypatch):
        with clock.stopped_at(timezone.now()):
            deposits = [fund(rent, 5_00) for _ in range(5)]
        notice()

        assert [run.trigger_transfer_id for run in runs_of(routing)] == [deposit.id for deposit in deposits]

    def test_gives_each_organization_its_share_of_a_batch(self, acme, routing, rent, globex, monkeypatch):
        monkeypatch.setattr("rules.sweeps.BATCH_SIZE", 2)
        source, pod = PodFactory.create_batch(2, organization=globex)
        theirs = made_in(globex, source, pod)
        for account in (*[rent] * 5, source):
            fund(account, 5_00)
        notice()

        assert [len(runs_of(made)) for made in (routing, theirs)] == [1, 1]


class TestAnArrivalThatIsSetAside:
    @pytest.fixture
    def broken(self, routing, rent, monkeypatch):
        """The first of three deposits, on which workers break until the test says otherwise."""
        monkeypatch.setattr("rules.sweeps._sets_off", lambda transfer, rule: 1 / (transfer.amount_cents - 6_66))
        deposits = [fund(rent, cents) for cents in (6_66, 7_00, 8_00)]
        notice()
        monkeypatch.undo()
        return deposits[0]

    def test_lets_the_cursor_pass(self, acme, routing, broken):
        assert [run.incoming_cents for run in runs_of(routing)] == [7_00, 8_00]
        assert cursor_of(acme) == EventCounter.objects.get(organization=acme).last_sequence
        assert looked_at(broken) is None

    def test_waits_for_its_rest_and_starts_its_rule_then(self, routing, broken):
        assert notice(timezone.now() + timedelta(minutes=1)) == 0
        assert notice_deposits not in due_sweeps(timezone.now() + timedelta(minutes=1))
        later = timezone.now() + timedelta(minutes=6)
        assert notice_deposits in due_sweeps(later)
        assert notice(later) == 1

        assert [run.incoming_cents for run in runs_of(routing)] == [7_00, 8_00, 6_66]
        assert looked_at(broken) == later
        assert not Transfer.objects.stalled().exists()
        assert notice(later) == 0

    def test_that_somebody_else_got_through_starts_nothing(self, routing, broken):
        """Two workers may meet one arrival: the first breaks on it, and before it says so the second does not."""
        ran = Transfer.objects.filter(amount_cents=8_00).get()
        ArrivalLook.objects.create(organization_id=ran.organization_id, transfer=ran)
        notice(timezone.now() + timedelta(minutes=6))

        assert len(runs_of(routing)) == 3
        assert not ArrivalLook.objects.filter(looked_at=None).exists()


class TestLookedAt:
    def test_is_kept_only_where_something_happened_since_the_arrival(self, api, routing, rent, income):
        fund(rent, 5_00), fund(income, 5_00), notice()
        assert not ArrivalLook.objects.exists()
        kept = [fund(rent, 5_00), fund(income, 5_00)]
        disable(routing)
        before = timezone.now()
        notice()

        assert set(ArrivalLook.objects.values_list("transfer", flat=True)) == {deposit.id for deposit in kept}
        assert looked_at(kept[0]) >= before

    def test_is_the_arrival_itself_of_what_was_passed_over(self, routing, income):
        deposit = fund(income, 5_00)
        assert looked_at(deposit) is None
        number_events(timezone.now())
        assert looked_at(deposit) is None
        notice()
        assert looked_at(deposit) == deposit.completed_at

    def test_is_the_arrival_itself_where_no_rule_ever_was(self, income):
        deposit = fund(income, 5_00)

        assert looked_at(deposit) == deposit.completed_at


class History:
    """Two organizations and what happens in them by chance."""

    def __init__(self, dice):
        self.dice = dice
        self.accounts, self.rules = [], []
        for organization in OrganizationFactory.create_batch(2):
            source = IncomeSourceFactory(organization=organization)
            pods = PodFactory.create_batch(2, organization=organization)
            self.accounts += [source, *pods]
            for account, other in ((source, pods[0]), (pods[0], pods[1])):
                if dice.random() < 0.7:
                    self.rules.append(made_in(organization, account, other))

    def happen(self):
        weights = {self.arrive: 9, self.number: 3, self.read: 2, self.toggle: 2, self.stop: 0.3, self.lose: 2}
        [deed] = self.dice.choices([*weights], [*weights.values()])
        deed()

    def arrive(self):
        fund(self.dice.choice(self.accounts), self.dice.randrange(1, 9_00))

    def number(self):
        number_events(timezone.now())

    def read(self):
        notice_deposits(timezone.now())

    def toggle(self):
        if self.rules:
            made = Rule.objects.get(id=self.dice.choice(self.rules).id)
            if made.status == "enabled":
                disable_rule(rule_id=made.id)
            elif made.organization.status == "active":
                enable_rule(rule_id=made.id, version=1, by="staff:ada")

    def stop(self):
        suspend_organization(organization_id=self.dice.choice(self.accounts).organization_id, by="staff:ada")

    def lose(self):
        """Something that a worker broke on, lately or long ago, or money that went back."""
        arrived = Transfer.objects.filter(status=Status.COMPLETE).order_by("?").first()
        if arrived is None:
            return
        rows = Transfer.objects.filter(id=arrived.id)
        if self.dice.random() < 0.5:
            rows.update(status=Status.ERROR, error_code="payment_failed", updated_at=timezone.now())
        else:
            rows.update(stalled_at=timezone.now() - timedelta(minutes=self.dice.choice([1, 9])))
            ArrivalLook.objects.get_or_create(transfer=arrived, defaults={"organization_id": arrived.organization_id})


def read_plainly(now, *, limit):
    """Read on as the statement does, one thing after another."""
    rested = list(ArrivalLook.objects.waiting(now)[:limit])
    behind = list(EventReader.objects.behind(READER).order_by("organization_id"))
    found, awaited = {}, []
    for reader in behind:
        newest = EventCounter.objects.get(organization_id=reader.organization_id).last_sequence
        until = min(newest, reader.after_sequence + module.EVENTS_AT_ONCE)
        mine = list(_arrivals_between(reader, until))
        waiting = [(sequence, transfer) for sequence, transfer in mine if _is_awaited(transfer)]
        awaited += [(place, reader.organization_id, *one) for place, one in enumerate(waiting)]
        found[reader] = (until, mine)
    awaited.sort(key=lambda row: row[:2])
    taken, left = awaited[: limit - len(rested)], awaited[limit - len(rested) :]
    for reader, (until, mine) in found.items():
        first_left = [sequence for _, organization, sequence, _ in left if organization == reader.organization_id]
        reader.after_sequence = min([until, *(sequence - 1 for sequence in first_left)])
        reader.save()
        for sequence, transfer in mine:
            if sequence <= reader.after_sequence and not _is_awaited(transfer) and _has_changed(transfer):
                ArrivalLook.objects.create(organization=transfer.organization, transfer=transfer, looked_at=now)
    for look in rested:
        look.looked_at = now
        look.save()
    started = RuleExecution.objects.filter(trigger_transfer__in=[look.transfer_id for look in rested])
    again = {look.transfer_id for look in rested} - set(started.values_list("trigger_transfer", flat=True))
    return {transfer.id for *_, transfer in taken} | again, {look.transfer_id for look in rested}


def _arrivals_between(reader, until):
    events = Event.objects.for_organization(reader.organization_id).numbered()
    for event in events.filter(sequence__gt=reader.after_sequence, sequence__lte=until):
        if event.event in ("transfer.created", "transfer.status_changed") and event.data["status"] == "complete":
            transfer = Transfer.objects.get(id=event.shown_data()["transfer_id"])
            is_done = RuleExecution.objects.filter(trigger_transfer=transfer).exists()
            if transfer.destination_id and not is_done and not ArrivalLook.objects.filter(transfer=transfer).exists():
                yield event.sequence, transfer


def _is_awaited(transfer):
    waiting = Rule.objects.enabled().filter(trigger_type="ON_FUNDS_TRANSFERRED")
    return waiting.filter(trigger_account_id=transfer.destination_id).exists()


def _has_changed(transfer):
    organization, since = transfer.organization, transfer.completed_at
    stops = [at for at in (organization.suspended_at, organization.active_since) if at is not None and at >= since]
    is_gone = transfer.status != Status.COMPLETE
    return bool(is_gone or stops or Rule.objects.filter(organization=organization, updated_at__gte=since).exists())


def outcome_of(read, now, limit):
    """Return what reading on comes to, and undo it."""
    with transaction.atomic():
        told = read(now, limit=limit)
        rows = {
            "cursors": dict(EventReader.objects.values_list("organization_id", "after_sequence")),
            "looks": dict(ArrivalLook.objects.values_list("transfer_id", "looked_at")),
        }
        transaction.set_rollback(True)
    return set(told[0]), set(told[1]), rows


class TestReadArrivals:
    def test_and_the_plain_code_come_to_the_same(self, db, dice, by_length, monkeypatch):
        seen = Counter()
        # And as many more as it takes to meet all that there is.
        while seen["histories"] < by_length(15, 60, 600) or not all(
            seen[what] for what in ("taken", "rested", "looks")
        ):
            assert seen["histories"] < 1_000, seen
            with transaction.atomic():
                history = History(dice)
                for _ in range(dice.randrange(5, 25)):
                    history.happen()
                number_events(timezone.now())
                monkeypatch.setattr(module, "EVENTS_AT_ONCE", dice.choice([4, 12, 1_000]))
                now, limit = timezone.now(), dice.choice([1, 2, 100])

                ours = outcome_of(read_arrivals, now, limit)
                assert ours == outcome_of(read_plainly, now, limit)
                seen.update(histories=1, taken=len(ours[0]), rested=len(ours[1]), looks=len(ours[2]["looks"]))
                transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
class TestWorkersAtOnce:
    def test_start_each_deposit_once_while_they_come(self, by_length):
        """Two number, three notice, others deposit into two organizations: each deposit sets its rule off once."""
        made = []
        for organization in OrganizationFactory.create_batch(2):
            source, pod = PodFactory.create_batch(2, organization=organization)
            made.append((made_in(organization, source, pod), source))
        each, depositors = by_length(8, 24, 100), 4
        is_over = threading.Event()

        def deposit():
            for index in range(each):
                fund(made[index % 2][1], 5_00)

        def go_on(sweep):
            while not is_over.is_set():
                sweep(timezone.now())

        def end():
            while RuleExecution.objects.count() < each * depositors:
                if is_over.wait(NOW_AND_THEN):
                    return
            is_over.set()

        sweeps = [number_events] * 2 + [notice_deposits] * 3
        with Crew(depositors + len(sweeps) + 1) as crew:
            outcomes = crew.at_once(
                *[deposit] * depositors, *(lambda sweep=sweep: go_on(sweep) for sweep in sweeps), end
            )

        assert [error for error in outcomes if error] == []
        assert [len(runs_of(rule)) for rule, _ in made] == [each * depositors // 2] * 2
        assert not Transfer.objects.stalled().exists()
        assert find_faults() == []

    def test_leave_an_organization_to_whoever_reads_it(self, globex, acme):
        both = []
        for organization in (acme, globex):
            source, pod = PodFactory.create_batch(2, organization=organization)
            both.append(made_in(organization, source, pod))
            fund(source, 5_00)
        number_events(timezone.now())
        with in_open_transaction(lambda: EventReader.objects.select_for_update().get(organization=acme)):
            notice_deposits(timezone.now())
            assert [len(runs_of(made)) for made in both] == [0, 1]
        notice_deposits(timezone.now())

        assert [len(runs_of(made)) for made in both] == [1, 1]
