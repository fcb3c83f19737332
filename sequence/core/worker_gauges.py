"""Gauges of the workers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sequence.core.gauges import Gauge
from sequence.core.models import WorkerProcess

RECENT = timedelta(hours=1)


def worker_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield how many workers live, and how many of them broke on something within an hour."""
    alive = list(WorkerProcess.objects.alive(now))
    yield Gauge("workers_alive", "Workers that were heard of lately.", {"": len(alive)})
    broken = sum(worker.failed_since(now - RECENT) for worker in alive)
    yield Gauge("workers_broken", "Those of them that broke on a sweep within an hour.", {"": broken})
