"""Heartbeat of a worker: it tells that it is alive, so that staff see one that is not."""

import os
import socket
import time
from datetime import datetime, timedelta

from sequence.core import clock
from sequence.core.models import WorkerProcess

# Soon enough that a dead worker is noticed within seconds, rare enough to cost nothing.
BEAT_EVERY_SECONDS = 5.0
# How long the dead ones are kept to look at.
KEPT = timedelta(days=7)


class Heartbeat:
    """The row of this process. Every method may raise OperationalError when the database is away."""

    def __init__(self) -> None:
        self._row: WorkerProcess | None = None
        self._beaten_at = 0.0
        self._rows_done = 0

    def beat(self, rows_done: int) -> None:
        """Count what was done, and write it down when it is time to."""
        self._rows_done += rows_done
        if time.monotonic() - self._beaten_at >= BEAT_EVERY_SECONDS:
            self._write(clock.now())

    def record_failure(self, sweep: str) -> None:
        """Note that a sweep broke."""
        now = clock.now()
        self._write(now, broken_sweep=sweep, broke_at=now)

    def stop(self) -> None:
        """Note that the process ends because it was asked to."""
        now = clock.now()
        self._write(now, stopped_at=now)

    def _write(self, now: datetime, **facts: object) -> None:
        if self._row is None:
            WorkerProcess.objects.filter(seen_at__lt=now - KEPT).delete()
            self._row = WorkerProcess.objects.create(
                host=socket.gethostname(), pid=os.getpid(), started_at=now, seen_at=now
            )
        changes = {"seen_at": now, "rows_done": self._rows_done, **facts}
        WorkerProcess.objects.filter(id=self._row.id).update(**changes)
        self._beaten_at = time.monotonic()
