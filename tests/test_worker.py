"""A worker's course: what it does about a sweep that breaks, and how it tells that it is alive."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError

from sequence.core import sweeps, worker
from sequence.core.heartbeat import KEPT
from sequence.core.models import WorkerProcess
from sequence.core.models.workers import SILENT_AFTER
from sequence.core.worker import Worker, run_once
from tests.threads import Crew

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 20


@pytest.fixture
def only(monkeypatch):
    """Return a function that makes the given sweeps and chores the only ones."""
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(worker, "RECONNECT_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)  # Only a process's first thread may set one.

    def be(*given, chores=()):
        monkeypatch.setattr(sweeps, "_sweeps", list(given))
        monkeypatch.setattr(sweeps, "_chores", list(chores))

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
    def test_goes_on_with_the_other_sweeps_when_one_breaks_and_lets_that_one_rest(self, only):
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
