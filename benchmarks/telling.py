"""What telling costs: settlement with and without its events, GET with and without its entry of the audit log.

``python -m benchmarks.telling``. Events are switched off by the triggers that write them, entries of reads by
``AUDIT_READS``. Ratios are medians of pairs, so that what else the machine does meets both of a pair.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

from benchmarks.scene import Scene, ask, milliseconds, say, scratch_scene

from django.conf import settings  # isort: skip - after benchmarks.scene, which sets Django up
from django.db import connection
from django.utils import timezone

from benchmarks.settlement import TRANSFERS, order
from sequence.core.audit_log.reads import reads
from sequence.core.worker import run_once
from transfers.settlement import accept

ROUNDS = 5
REQUESTS = 300
_TRIGGERS = """
SELECT tgname FROM pg_trigger WHERE tgrelid = 'transfers_transfer'::regclass AND tgname LIKE 'pgtrigger_tells%'
"""


def main() -> None:
    with scratch_scene(pods=100, cents_in_each=10_000_000) as scene:
        run_once()
        for name, work in (("settlement alone", _accept), ("whole worker, numbering too", run_once)):
            compare(f"settlement of {TRANSFERS}, {name}", partial(_settle, scene, work))
        compare(f"{REQUESTS} GETs of an account", partial(_get, scene))


def compare(name: str, took: Callable[[bool], tuple[float, float]]) -> None:
    """Print what telling adds: ``took`` returns milliseconds by the clock and of this process, told or not."""
    pairs = []
    for number in range(ROUNDS):
        first = number % 2 == 0
        one, other = took(first), took(not first)
        pairs.append((one, other) if first else (other, one))
    for index, kind in enumerate(("by the clock", "of the process")):
        ratio = statistics.median(told[index] / untold[index] for told, untold in pairs)
        untold = statistics.median(untold[index] for _, untold in pairs)
        say(f"{name}, {kind}: {untold:,.1f} ms untold, {100 * (ratio - 1):+.1f} % when told")


def _settle(scene: Scene, work: Callable[[], object], told: bool) -> tuple[float, float]:
    _switch_events(told)
    order(scene, hot=False)
    return _timed(work)


def _accept() -> None:
    while accept(timezone.now()):
        pass


def _switch_events(told: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGERS)
        names = [name for (name,) in cursor.fetchall()]
        assert names  # noqa: S101 - or nothing is compared
        switch = "ENABLE" if told else "DISABLE"
        for name in names:
            cursor.execute(f"ALTER TABLE transfers_transfer {switch} TRIGGER {name}")


def _get(scene: Scene, told: bool) -> tuple[float, float]:
    settings.AUDIT_READS = told
    settings.AUDIT_READS_IN_BACKGROUND = False  # They are written here, where they are measured.

    def work() -> None:
        for _ in range(REQUESTS):
            ask(scene, "GET", f"/accounts/{scene.pods[0].id}")
        reads.flush()

    return _timed(work)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    spent = time.process_time()
    took = milliseconds(work)
    return took, (time.process_time() - spent) * 1000


if __name__ == "__main__":
    main()
