"""Slow calls: what a request with an Idempotency-Key is, told to others while it is in progress.

The record of such a request is seen by nobody before it commits. Once a request has run for a moment, a thread of its
web process writes down what it asked for, on a connection of its own, and forgets it when the request has ended. Most
requests end sooner, and cost an entry of a dictionary.
"""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import Q

from apikeys.authentication import AuthenticatedKey
from apikeys.models import CallInProgress
from sequence.core.api.ids import parse_id
from sequence.core.beside import NO_DATABASE
from sequence.core.database.availability import reason_of
from sequence.core.database.kept_cursor import run

log = structlog.get_logger("apikeys.slow_calls")

# A request that runs for longer is told of. Those of a busy server, which wait for each other, are not yet slow.
TOLD_AFTER_SECONDS = 0.04
LOOK_EVERY_SECONDS = 0.02
# Who asks for a request that is in progress waits so long for it to be told: within the 100 ms that are promised.
PATIENCE_SECONDS = 0.07

_TELL = """
INSERT INTO apikeys_callinprogress
    (organization_id, lineage_id, key, endpoint, method, path, request_id, told_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, now())
ON CONFLICT (lineage_id, key, endpoint, organization_id) DO UPDATE SET
    method = excluded.method, path = excluded.path, request_id = excluded.request_id, told_at = excluded.told_at
"""
# What a killed process told of goes with the next of its organization.
_FORGET = """
DELETE FROM apikeys_callinprogress
WHERE organization_id = %s AND (
    lineage_id = %s AND key = %s AND endpoint = %s AND request_id = %s OR told_at < now() - interval '1 hour'
)
"""


class Call(Protocol):
    """A request with an Idempotency-Key; see ``idempotency.Attempt``."""

    @property
    def caller(self) -> AuthenticatedKey: ...
    @property
    def key(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def request_id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


@dataclass(frozen=True)
class _Running:
    since: float
    call: Call


class SlowCalls:
    """The requests that this process carries out, and the thread that tells of slow ones."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._numbers = itertools.count()
        self._has_some = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @contextmanager
    def watch(self, call: Call) -> Iterator[None]:
        """Tell others of the call if what is done inside takes longer than a moment."""
        if not settings.TELL_SLOW_CALLS:
            yield
            return
        number = next(self._numbers)
        self._running[number] = _Running(time.monotonic(), call)
        self._awake()
        try:
            yield
        finally:
            del self._running[number]

    def _awake(self) -> None:
        # A process that was forked has the parent's thread as one that is not alive.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work, name="slow-calls", daemon=True)
                    self._thread.start()
        self._has_some.set()

    def _work(self) -> None:
        while True:
            self._has_some.wait()
            self._has_some.clear()
            try:
                self._tell_while_some_run()
            except NO_DATABASE as error:
                log.warning("database_unreachable", reason=reason_of(error))
            except Exception as error:
                log.error("telling_slow_calls_broke", exc_info=error)
            finally:
                connections.close_all()

    def _tell_while_some_run(self) -> None:
        told: Mapping[int, Call] = {}
        while self._running or told:
            time.sleep(LOOK_EVERY_SECONDS)
            running = dict(self._running)
            late = time.monotonic() - TOLD_AFTER_SECONDS
            slow = {number: one.call for number, one in running.items() if one.since <= late}
            for number in slow.keys() - told.keys():
                run(_TELL, _values(slow[number]))
            for number in told.keys() - slow.keys():
                run(_FORGET, _names(told[number]))
            told = slow


def _values(call: Call) -> list[object]:
    organization_id, lineage_id = call.caller.organization_id, call.caller.lineage_id
    told = [call.key, call.endpoint, call.method, call.path, call.request_id]
    return [parse_id("org", organization_id), parse_id("key", lineage_id), *told]


def _names(call: Call) -> list[object]:
    owners = [parse_id("org", call.caller.organization_id), parse_id("key", call.caller.lineage_id)]
    return [*owners, call.key, call.endpoint, call.request_id]


slow_calls = SlowCalls()


def is_at(endpoint: str | None) -> Q:
    """Return the condition of calls at a method and a path or its template; of all where that is None."""
    if endpoint is None:
        return Q()
    method, _, path = endpoint.partition(" ")
    return Q(method=method, path=path) | Q(endpoint=endpoint)


def find_slow_call(lineage_id: str, key: str, *, endpoint: str | None = None) -> CallInProgress | None:
    """Return what the request in progress with the key is; waits a moment for it to be told. None where nobody does.

    ``endpoint`` is a method and a path or its template, where only that is asked for.
    """
    calls = CallInProgress.objects.filter(is_at(endpoint), lineage_id=lineage_id, key=key)
    until = time.monotonic() + PATIENCE_SECONDS
    while (call := calls.order_by("-told_at").first()) is None and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)
    return call
