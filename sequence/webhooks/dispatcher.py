"""Dispatcher: sends what is due, in threads that have no database, beside the sweeps that money waits for.

A worker has one, with a thread and a connection of its own. However slow an endpoint is, it holds neither a lock nor
the worker; what a killed one had on its way is taken up by another when the claim has run out.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

import psycopg
import structlog
from django.db import connection, connections

from sequence.core import clock
from sequence.core.database.availability import reason_of
from sequence.core.rounds import do_in_turns
from sequence.core.sweeps import DATABASE_TROUBLE
from sequence.webhooks.queue import claim_due, due_endpoints
from sequence.webhooks.sending import LIMIT_SECONDS, REQUESTS_AT_ONCE, Answer, Senders
from sequence.webhooks.tries import Request, prepare, record

log = structlog.get_logger("sequence.webhooks")

# Requests of one process that are on their way at once. Those to endpoints that fail may have half of it.
SLOTS = 64
# What is due by the clock alone, and what another process has queued, waits no longer than this.
LOOK_EVERY_SECONDS = 1.0
# After a fault: soon enough for what passes by itself, rare enough not to fill the log.
REST_SECONDS = 5.0
# A request that has not ended by then is stuck in a look-up of its name, which no time limit reaches.
GIVE_UP_SECONDS = LIMIT_SECONDS + 2.0
# When the worker is to stop: what has not ended by then is taken up by another.
GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class _Ended:
    request: Request
    answer: Answer


class Dispatcher:
    """Claims, sends and records. All its work on rows happens in the thread that calls it."""

    def __init__(self) -> None:
        self._senders = Senders()
        self._inbox: SimpleQueue[_Ended | None] = SimpleQueue()
        # Each with the time by which it has to have ended.
        self._under_way: dict[Request, float] = {}
        self._ended: list[_Ended] = []
        self._is_stopping = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Work in a thread of its own until ``stop``."""
        self._thread = Thread(target=self._work, name="webhooks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now: something may have been queued."""
        if self._inbox.empty():
            self._inbox.put(None)

    def stop(self) -> None:
        """Claim nothing more, and wait a little for what is under way."""
        self._is_stopping = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS + 1)

    def run_due(self, now: datetime | None = None) -> int:
        """Send all that is due at ``now``, in this thread's own time, and return how many tries that was."""
        total = 0
        while True:
            self._begin(now or clock.now())
            if not self._under_way:
                self._senders.close()
                return total
            self._hear(GIVE_UP_SECONDS)
            total += self._record_ended(now)

    def _work(self) -> None:
        try:
            while not self._is_stopping:
                self._survive()
            self._finish()
        finally:
            self._senders.close()
            connections.close_all()

    def _survive(self) -> None:
        try:
            self._record_ended()
            self._begin(clock.now())
            self._hear(LOOK_EVERY_SECONDS)
        except (*DATABASE_TROUBLE, psycopg.OperationalError) as error:
            log.warning("database_unreachable", reason=reason_of(error))
            connection.close()
            time.sleep(LOOK_EVERY_SECONDS)
        except Exception as error:
            log.error("deliveries_broke", exc_info=error)
            self._hear(REST_SECONDS)

    def _finish(self) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        with suppress(*DATABASE_TROUBLE, psycopg.OperationalError):
            while self._under_way and time.monotonic() < deadline:
                self._hear(deadline - time.monotonic())
                self._record_ended()

    def _begin(self, now: datetime) -> None:
        """Claim what is due, as far as there is room, and send each in a thread."""
        free = SLOTS - len(self._under_way)
        if free < REQUESTS_AT_ONCE:
            return
        due = due_endpoints(now, most=free // REQUESTS_AT_ONCE, with_failing=free > SLOTS // 2)
        for request in do_in_turns(due, partial(_claim, now)):
            self._under_way[request] = time.monotonic() + GIVE_UP_SECONDS
            Thread(target=self._send, args=[request], name="webhook", daemon=True).start()

    def _send(self, request: Request) -> None:
        sender = self._senders.of(request.claimed.endpoint_id, request.url)
        self._inbox.put(_Ended(request, sender.send(request.body, request.sign)))

    def _hear(self, seconds: float) -> None:
        """Wait until something has ended or somebody calls, and take all that has; what is stuck has ended too."""
        with suppress(Empty):
            self._take(self._inbox.get(timeout=max(0.0, seconds)))
            while True:
                self._take(self._inbox.get_nowait())
        for request, deadline in list(self._under_way.items()):
            if time.monotonic() > deadline:
                self._take(_Ended(request, Answer(None, "timeout", round(GIVE_UP_SECONDS * 1000))))

    def _take(self, ended: _Ended | None) -> None:
        # What was given up may end later.
        if ended is not None and self._under_way.pop(ended.request, None) is not None:
            self._ended.append(ended)

    def _record_ended(self, now: datetime | None = None) -> int:
        """Record what has ended, and return how many that was. What the database does not take now is kept."""
        recorded = 0
        while self._ended:
            ended = self._ended[0]
            try:
                record(ended.request, ended.answer, now or clock.now())
            except (*DATABASE_TROUBLE, psycopg.OperationalError):
                raise
            except Exception as error:
                log.error("try_not_recorded", event_id=ended.request.claimed.event_id, exc_info=error)
            self._ended.pop(0)
            recorded += 1
        return recorded


def _claim(now: datetime, endpoint_ids: Sequence[str]) -> list[Request]:
    claims = claim_due(now, endpoint_ids)
    return prepare(claims, now) if claims else []
