"""Work beside the sweeps: what waits for the world outside has a thread and a connection of its own."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import psycopg
import structlog
from django.db import connection, connections

from sequence.core import clock
from sequence.core.database.availability import reason_of
from sequence.core.sweeps import DATABASE_TROUBLE, Sweep, name_of

log = structlog.get_logger("sequence.core.beside")

# What is due by the clock alone waits no longer than this.
LOOK_EVERY_SECONDS = 5.0
# After a fault: soon enough for what passes by itself, rare enough not to fill the log.
REST_SECONDS = 10.0
# A worker that is to stop waits no longer than this for what is under way.
GRACE_SECONDS = 3.0
NO_DATABASE = (*DATABASE_TROUBLE, psycopg.OperationalError)


class Background(Protocol):
    """Work that waits for the world outside, and that nothing else may wait for."""

    def start(self) -> None:
        """Begin, in a thread of its own."""

    def wake(self) -> None:
        """Look for work now."""

    def stop(self) -> None:
        """End soon, and the thread with it."""

    def run_due(self, now: datetime | None) -> int:
        """Do all that is due, without a thread of its own, and return how much it was."""


class SweepsBeside:
    """A few sweeps that may take their time, in a thread of their own. One that breaks rests with the others of it."""

    def __init__(self, name: str, sweeps: Sequence[Sweep]) -> None:
        self._name = name
        self._sweeps = sweeps
        self._call = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in a thread of its own until ``stop``."""
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for work now."""
        self._call.set()

    def stop(self) -> None:
        """End after what is under way; whoever asks waits a little for it."""
        self._is_stopping = True
        self._call.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS)

    def run_due(self, now: datetime | None) -> int:
        """Do all that is due, and return how many rows that was."""
        total = 0
        while done := sum(sweep(now or clock.now()) for sweep in self._sweeps):
            total += done
        return total

    def _work(self) -> None:
        try:
            while not self._is_stopping:
                self._call.clear()
                self._call.wait(LOOK_EVERY_SECONDS if self._attempt_all() else REST_SECONDS)
        finally:
            connections.close_all()

    def _attempt_all(self) -> bool:
        """Do what is due, and say whether nothing broke."""
        try:
            self.run_due(None)
        except NO_DATABASE as error:
            log.warning("database_unreachable", reason=reason_of(error))
            connection.close()
            return False
        except Exception as error:
            log.error("sweep_beside_broke", sweeps=[name_of(sweep) for sweep in self._sweeps], exc_info=error)
            return False
        return True
