"""A worker: sleeps until it is woken or something may be due, then runs the sweeps until nothing is left.

Any number may run, on any number of machines. One that is killed leaves whole batches, done or not done. One whose
database goes away waits for it to come back. A sweep that breaks rests for a while; the others go on.
"""

import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import FrameType

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connection

from sequence.core import clock
from sequence.core.beside import Background
from sequence.core.database.availability import reason_of
from sequence.core.due import with_due_rows
from sequence.core.heartbeat import Heartbeat
from sequence.core.rounds import in_rounds
from sequence.core.sweeps import DATABASE_TROUBLE, Sweep, name_of
from sequence.core.wakeup import LINGER_SECONDS, listen, wait_for_wakeup
from sequence.core.wired import wired

log = structlog.get_logger("sequence.core.worker")

# What is due by the clock alone, and a wake-up that nobody heard, wait no longer than this.
SWEEP_EVERY_SECONDS = 1.0
# Chores are due once a day or so.
CHORES_EVERY_SECONDS = 60.0
# While the database is away: soon enough to be back with it, rare enough not to hammer it.
RECONNECT_AFTER_SECONDS = 1.0
# A sweep that broke: soon enough for what passes by itself, rare enough not to fill the log.
REST_SECONDS = 10.0


def due_sweeps(now: datetime) -> Sequence[Sweep]:
    """Return the sweeps that may have something to do at ``now``, in the order in which they run."""
    return in_rounds(with_due_rows(wired("SWEEPS"), now), now)


def sweep_all(now: datetime) -> int:
    """Run each sweep that is due once and return how many rows were done. Repeat until it returns 0."""
    return sum(sweep(now) for sweep in due_sweeps(now))


def run_once(now: datetime | None = None) -> int:
    """Do all that is due at ``now``, what becomes due by doing it included, and return how many rows that was.

    Without ``now`` the clock runs on. What breaks is raised.
    """
    total = 0
    while done := sweep_all(now or clock.now()) or _run_due_beside(now):
        total += done
    return total


def _run_due_beside(now: datetime | None) -> int:
    return sum(make().run_due(now) for make in wired("BACKGROUND"))


class Worker:
    """Runs until it is told to stop; finishes the batch at hand first."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._heartbeat = Heartbeat()
        self._rests_until: dict[Sweep, float] = {}
        self._next_chores = 0.0
        self._beside: list[Background] = [make() for make in wired("BACKGROUND")]

    def stop(self, signal_number: int = 0, frame: FrameType | None = None) -> None:
        """Stop after the batch at hand. Fit to be a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Work until ``stop``."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker_started")
        for work in self._beside:
            work.start()
        while not self._is_stopping:
            self._survive(self._work)
        for work in self._beside:
            work.stop()
        self._survive(self._heartbeat.stop)
        log.info("worker_stopped")

    def _work(self) -> None:
        listen()
        was_woken = False
        while not self._is_stopping:
            done = sum(self._attempt(sweep) for sweep in self._due_sweeps())
            self._heartbeat.beat(done)
            if done:
                for work in self._beside:
                    work.wake()
                was_woken = True
                continue
            if was_woken:  # A commit just after the one that woke us sends no wake-up of its own.
                was_woken = wait_for_wakeup(LINGER_SECONDS)
                continue
            self._do_chores()
            was_woken = wait_for_wakeup(SWEEP_EVERY_SECONDS)

    def _due_sweeps(self) -> Sequence[Sweep]:
        """Return what may have work; all sweeps where the question itself breaks, since work must go on without it."""
        try:
            return due_sweeps(clock.now())
        except DATABASE_TROUBLE:
            raise
        except Exception as error:
            log.error("asking_for_work_broke", exc_info=error)
            every: Sequence[Sweep] = wired("SWEEPS")
            return every

    def _do_chores(self) -> None:
        if time.monotonic() < self._next_chores:
            return
        self._next_chores = time.monotonic() + CHORES_EVERY_SECONDS
        for chore in wired("CHORES"):
            self._attempt(chore)

    def _attempt(self, sweep: Sweep) -> int:
        """Return what the sweep did. One that breaks rests, is logged with the cause, and stands on the console."""
        if time.monotonic() < self._rests_until.get(sweep, 0):
            return 0
        try:
            return sweep(clock.now())
        except DATABASE_TROUBLE:
            raise
        except Exception as error:
            log.error("sweep_broke", sweep=name_of(sweep), exc_info=error)
            self._rests_until[sweep] = time.monotonic() + REST_SECONDS
            self._heartbeat.record_failure(name_of(sweep))
            return 0

    def _survive(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
            log.warning("database_unreachable", reason=reason_of(error))
            connection.close()
            time.sleep(RECONNECT_AFTER_SECONDS)
