"""A worker's course: what it does about a sweep that breaks, and how it tells that it is alive."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from sequence import wiring
from sequence.core import worker
from sequence.core.heartbeat import KEPT
from sequence.core.models import WorkerProcess
from sequence.core.models.workers import SILENT_AFTER
from sequence.core.worker import Worker, run_once
from tests.factories import IncomeSourceFactory, PodFactory
from tests.threads import Crew
from tests.transfers.steps import fund, transfer_between
from transfers.models import Transfer
from transfers.settlement import accept

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


@pytest.fixture
def only(monkeypatch):
    """Return a function that makes the given sweeps and chores the only ones."""
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(worker, "RECONNECT_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)  # Only a process's first thread may set one.

    def be(*given, chores=()):
        monkeypatch.setattr(wiring, "SWEEPS", list(given))
        monkeypatch.setattr(wiring, "CHORES", list(chores))

    return be


def work_until(event: threading.Event) -> None:
    """Let a worker work in a thread of its own until the event is set, and see it stop when it is asked to."""
    made = Worker()
    with Crew(1) as crew:
        future = crew.pool.submit(made.run)
        try:
            assert event.wait(PATIENCE_SECONDS), "It was never done."
        finally:
            made.stop()
            future.result(PATIENCE_SECONDS)


class Times:
    """A sweep that counts its calls, and sets ``enough`` at the nth."""

    def __init__(self, enough_at=1, raises=()):
        self.calls, self.enough_at, self.raises, self.enough = 0, enough_at, list(raises), threading.Event()

    def __call__(self, now):
        self.calls += 1
        if self.calls >= self.enough_at:
            self.enough.set()
        if self.raises:
            raise self.raises.pop(0)
        return 0


class TestWorker:
    def test_goes_on_with_the_other_sweeps_when_one_breaks_and_lets_that_one_rest(self, only, monkeypatch):
        monkeypatch.setattr(worker, "REST_SECONDS", PATIENCE_SECONDS)
        broken, healthy = Times(raises=[ZeroDivisionError()] * 99), Times(enough_at=10)
        only(broken, healthy)

        work_until(healthy.enough)

        assert broken.calls == 1
        row = WorkerProcess.objects.get()
        assert "Times" in row.broken_sweep
        assert row.broke_at is not None

    def test_tries_a_broken_sweep_again_after_its_rest(self, only, monkeypatch):
        monkeypatch.setattr(worker, "REST_SECONDS", 0.02)
        broken = Times(enough_at=3, raises=[ZeroDivisionError()] * 2)
        only(broken)

        work_until(broken.enough)

        assert broken.calls >= 3

    def test_waits_for_a_database_that_went_away(self, only):
        sweep = Times(enough_at=3, raises=[OperationalError("gone")] * 2)
        only(sweep)

        work_until(sweep.enough)

        assert WorkerProcess.objects.get().broken_sweep is None

    def test_does_chores_only_when_there_is_nothing_else_to_do(self, only):
        chore = Times()
        left = [1, 1, 1]
        only(lambda now: left.pop() if left else 0, chores=[chore])

        work_until(chore.enough)

        assert left == []

    def test_tells_that_it_lives_what_it_did_and_that_it_ended(self, only, monkeypatch):
        monkeypatch.setattr("sequence.core.heartbeat.BEAT_EVERY_SECONDS", 0.0)
        last, left = Times(), [3, 4]
        only(lambda now: left.pop() if left else last(now))

        work_until(last.enough)

        row = WorkerProcess.objects.get()
        assert row.rows_done == 7
        assert row.started_at <= row.seen_at <= row.stopped_at
        assert not WorkerProcess.objects.alive(row.seen_at).exists()

    def test_forgets_the_dead_after_a_week(self, only):
        sweep = Times()
        only(sweep)
        now = worker.clock.now()
        for days in (6, 8):
            seen_at = now - timedelta(days=days)
            WorkerProcess.objects.create(host="old", pid=days, started_at=seen_at, seen_at=seen_at)

        work_until(sweep.enough)

        assert timedelta(days=7) == KEPT
        assert set(WorkerProcess.objects.filter(host="old").values_list("pid", flat=True)) == {6}


class TestAlive:
    def test_is_one_that_was_heard_of_lately_and_did_not_end(self):
        now = worker.clock.now()
        facts = {"host": "a", "started_at": now - timedelta(hours=1)}
        WorkerProcess.objects.create(pid=1, seen_at=now - SILENT_AFTER + timedelta(seconds=1), **facts)
        WorkerProcess.objects.create(pid=2, seen_at=now - SILENT_AFTER, **facts)
        WorkerProcess.objects.create(pid=3, seen_at=now, stopped_at=now, **facts)

        assert [row.pid for row in WorkerProcess.objects.alive(now)] == [1]


class TestRunOnce:
    def test_raises_what_breaks_and_leaves_the_chores_out(self, only):
        chore = Times()
        only(Times(raises=[ZeroDivisionError()]), chores=[chore])

        with pytest.raises(ZeroDivisionError):
            run_once()

        assert chore.calls == 0


class TestDueSweeps:
    """What a worker that has nothing to do asks for."""

    @pytest.fixture
    def statements(self):
        """Return a function that counts the statements of some work."""

        def count(work):
            with CaptureQueriesContext(connection) as queries:
                work()
            return len(queries)

        return count

    def test_are_found_by_one_statement(self, statements):
        run_once()

        # And one asks what is due beside them.
        assert statements(run_once) == 2

    def test_are_all_that_a_worker_asks_for_in_a_second_beside_its_rare_chores(self, statements, monkeypatch):
        # However long the turns take here, they are a few seconds of a worker.
        monkeypatch.setattr("sequence.core.heartbeat.BEAT_EVERY_SECONDS", float(PATIENCE_SECONDS))
        made, turns = Worker(), []

        def wait(seconds):
            turns.append(seconds)
            made._is_stopping = len(turns) == 20
            return False

        monkeypatch.setattr(worker, "wait_for_wakeup", wait)
        run_once()
        made._do_chores()  # The first check of the ledger.
        made._next_chores = 0.0
        chores = sum(statements(partial(chore, worker.clock.now())) for chore in wiring.CHORES)

        # And it listens, and tells that it lives.
        assert statements(made._work) <= len(turns) + chores + 6
        assert turns == [worker.SWEEP_EVERY_SECONDS] * 20

    def test_are_those_that_do_not_say_what_they_do(self, only):
        silent = Times()
        only(silent)

        assert worker.due_sweeps(worker.clock.now()) == [silent]

    def test_are_all_when_the_question_breaks(self, only, monkeypatch):
        sweep = Times(enough_at=2)
        only(sweep)

        def break_down(sweeps, now):
            raise ZeroDivisionError

        monkeypatch.setattr(worker, "with_due_rows", break_down)

        work_until(sweep.enough)

    @pytest.mark.parametrize("minutes", [0, 10])
    def test_know_what_rests_by_the_time_that_it_is_asked_for(self, api, acme, minutes):
        income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(income, 1_00)
        transfer = transfer_between(api, income, rent, 1_00)
        Transfer.objects.filter(id=transfer.id).update(stalled_at=worker.clock.now())

        due = worker.due_sweeps(worker.clock.now() + timedelta(minutes=minutes))

        assert (accept in due) == (minutes == 10)
