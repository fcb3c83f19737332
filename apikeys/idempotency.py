"""A repeated request does nothing twice: record, effect and answer commit in one transaction.

The record is inserted first. A concurrent twin waits at the unique key until the first has committed (then it finds
the answer) or has rolled back (then it executes). There is no look-before-you-insert for a race to slip through.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, OperationalError
from django.db.models import QuerySet
from django.http import HttpResponse

from apikeys.authentication import AuthenticatedKey
from apikeys.errors import IdempotencyKeyMismatch, IdempotencyKeyNotFound, RequestInProgress
from apikeys.models import USED_IN_ANOTHER_DIALECT, IdempotencyRecord
from apikeys.slow_calls import is_at, slow_calls
from sequence.core import clock
from sequence.core.api.ids import parse_id
from sequence.core.audit import SET_CONTEXT, context_parameters
from sequence.core.database.kept_cursor import fetch, run
from sequence.core.errors import Detail, DomainError
from sequence.core.transactions import run_in_transaction, sqlstate_of
from sequence.core.typing import JsonObject
from sequence.core.wakeup import wake_workers

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
# Visible ASCII but the comma, with which servers join a header that came twice.
ALLOWED = re.compile(rf"[\x21-\x2b\x2d-\x7e]{{1,{MAX_LENGTH}}}")
REPLAYED_HEADER = "Idempotent-Replayed"
METHODS_THAT_WRITE = {"POST", "PUT", "PATCH", "DELETE"}
LIFETIME = timedelta(hours=24)
# How long a twin waits for the first: most requests take milliseconds, and a waiting twin occupies a server thread.
TWIN_WAIT_MILLISECONDS = 2000
RETRY_AFTER_SECONDS = 1
LOCK_NOT_AVAILABLE = "55P03"

# Held by every request with the key until its transaction ends. Nobody ever waits for it: it is there to be seen, since
# a record that is not committed is not. The second number keeps it apart from the advisory locks of others.
_IN_PROGRESS = "hashtextextended(%s, 2)"

# One round trip: begin the audit context, bound the wait for a twin, show that a request with the key is in progress,
# insert (or take over an expired record), lift the bound again for the locks that follow. PostgreSQL evaluates FROM
# before the insert and RETURNING after it. No row comes back when a live record holds the key.
_INSERT = f"""
INSERT INTO apikeys_idempotencyrecord AS record
    (organization_id, api_key_id, lineage_id, key, endpoint, request_id, method, path, request_body, response_body,
     created_at, expires_at)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s
FROM (
    SELECT {SET_CONTEXT}, set_config('lock_timeout', %s, true), {{lock}}({_IN_PROGRESS})
) AS opened
ON CONFLICT (lineage_id, key, endpoint, organization_id) DO UPDATE SET
    api_key_id = excluded.api_key_id, request_id = excluded.request_id, method = excluded.method, path = excluded.path,
    request_body = excluded.request_body, response_status = NULL, response_body = '',
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE record.expires_at <= excluded.created_at
RETURNING record.id, set_config('lock_timeout', '0', true)
"""  # noqa: S608 - only a constant is put in
# Requests of one dialect share the lock, those of the other have it alone: so none is in progress in both, and the
# trigger that keeps a key to one dialect sees what the other has committed.
_INSERT_SHARED = _INSERT.format(lock="pg_advisory_xact_lock_shared")
_INSERT_ALONE = _INSERT.format(lock="pg_advisory_xact_lock")

_STORE = """
UPDATE apikeys_idempotencyrecord SET response_status = %s, response_body = %s WHERE organization_id = %s AND id = %s
"""


# Seen without asking for the lock: whoever tries to get it shows others a request that is none.
_IS_IN_PROGRESS = f"""
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32) | objid::bigint = {_IN_PROGRESS}
)
"""  # noqa: S608 - only a constant is put in


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request that carries an Idempotency-Key. ``path`` is percent-encoded; ``body`` is the parsed JSON object."""

    caller: AuthenticatedKey
    key: str
    request_id: str
    method: str
    path: str
    body: JsonObject
    # Of a dialect in which a key is of one endpoint: method and path template. Else empty.
    endpoint: str = ""
    # For how long a repeat is answered as the first was, and whether that holds for refusals.
    lifetime: timedelta = LIFETIME
    keeps_refusals: bool = True

    @property
    def canonical_body(self) -> str:
        return _canonical(self.body)


def _canonical(value: object) -> str:
    # Fractions as text keep all their digits, and 1.0 differs from 1, as it does for a field that wants an integer.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def execute_once(
    attempt: Attempt,
    *,
    execute: Callable[[], HttpResponse],
    refuse: Callable[[DomainError], HttpResponse],
    authorize_replay: Callable[[], None],
    record: Callable[[HttpResponse], None],
) -> HttpResponse:
    """Return the answer to the attempt: by executing it, or the stored one with ``Idempotent-Replayed: true``.

    ``execute`` does the effect and renders the answer, all in one transaction with the record. A refusal that is an
    outcome (see DomainError) undoes the effect and is stored in its place as ``refuse`` renders it; any other exception
    leaves nothing behind. ``authorize_replay`` may refuse before a stored answer is given out. ``record`` puts the
    answer into the audit log: where that cannot be, there is no effect either.

    Raises IdempotencyKeyMismatch, RequestInProgress, and what ``execute`` and ``authorize_replay`` raise.
    """

    def work() -> HttpResponse | None:
        record_id = _insert(attempt)
        if record_id is None:
            return None
        response = execute()
        record(response)
        _store(attempt, record_id, response)
        wake_workers()  # They number what it tells of.
        return response

    try:
        with slow_calls.watch(attempt):
            response = run_in_transaction(work)
    except DomainError as refusal:
        if not (refusal.is_outcome and attempt.keeps_refusals):
            raise
        response = _store_refusal(attempt, refuse(refusal), record)
    if response is None:
        response = _replay(attempt, authorize_replay)
        record(response)
    return response


def _store_refusal(
    attempt: Attempt, response: HttpResponse, record: Callable[[HttpResponse], None]
) -> HttpResponse | None:
    """Keep a refusal after its effect was undone; None when a twin was faster, whose answer then counts for both."""

    def work() -> HttpResponse | None:
        record_id = _insert(attempt)
        if record_id is None:
            return None
        record(response)
        _store(attempt, record_id, response)
        return response

    return run_in_transaction(work)


def _insert(attempt: Attempt) -> int | None:
    """Claim the key and return the record's number, or None when a live record has it. Raises RequestInProgress."""
    caller, now = attempt.caller, clock.now()
    parameters = [
        parse_id("org", caller.organization_id),
        parse_id("key", caller.id),
        parse_id("key", caller.lineage_id),
        attempt.key,
        attempt.endpoint,
        attempt.request_id,
        attempt.method,
        attempt.path,
        attempt.canonical_body,
        now,
        now + attempt.lifetime,
        *context_parameters(actor=f"key:{caller.id}", request_id=attempt.request_id),
        f"{TWIN_WAIT_MILLISECONDS}ms",
        _lock_name(caller.lineage_id, attempt.key),
    ]
    try:
        rows = fetch(_INSERT_ALONE if attempt.endpoint else _INSERT_SHARED, parameters)
    except OperationalError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise RequestInProgress(retry_after=RETRY_AFTER_SECONDS) from None
        raise
    except DatabaseError as error:
        if sqlstate_of(error) == USED_IN_ANOTHER_DIALECT:
            raise IdempotencyKeyMismatch() from None
        raise
    return rows[0][0] if rows else None


def _lock_name(lineage_id: str, key: str) -> str:
    return f"{lineage_id} {key}"


def look_up(
    caller: AuthenticatedKey, key: str, *, endpoint: str | None = None
) -> tuple[IdempotencyRecord | None, bool]:
    """Return the live record of the key, the newest of several, and whether a request is in progress; never waits.

    There is a record, or a request in progress, or both: a repeat, or a request at another endpoint of a dialect.
    ``endpoint`` is a method and a path or its template, where only that is asked for. Raises
    IdempotencyKeyNotFound: no request with the key has had an effect that lasts.
    """
    if not ALLOWED.fullmatch(key):  # Refused at every door, and the database takes no NUL.
        raise IdempotencyKeyNotFound()
    # In this order, as two statements: a request that ends in between has then committed what the second one reads.
    [[is_in_progress]] = fetch(_IS_IN_PROGRESS, [_lock_name(caller.lineage_id, key)])
    live = _records_of(caller, key).filter(expires_at__gt=clock.now())
    records = live.filter(is_at(endpoint))
    record = records.order_by("-created_at", "-id").first()
    if record is None and not is_in_progress:
        raise IdempotencyKeyNotFound()
    return record, is_in_progress


def _records_of(caller: AuthenticatedKey, key: str) -> "QuerySet[IdempotencyRecord]":
    own = IdempotencyRecord.objects.filter(organization_id=caller.organization_id)
    return own.filter(lineage_id=caller.lineage_id, key=key)


def _store(attempt: Attempt, record_id: int, response: HttpResponse) -> None:
    owner = parse_id("org", attempt.caller.organization_id)
    run(_STORE, [response.status_code, response.content.decode(), owner, record_id])


def _replay(attempt: Attempt, authorize: Callable[[], None]) -> HttpResponse:
    record = _records_of(attempt.caller, attempt.key).filter(endpoint=attempt.endpoint).first()
    if record is None or record.response_status is None:
        # Purged between the insert and this look: the key is free, and a repeated request will execute.
        raise RequestInProgress(retry_after=RETRY_AFTER_SECONDS)
    _check_same_request(attempt, record)
    authorize()
    response = HttpResponse(record.response_body.encode(), status=record.response_status)
    if record.response_body:
        response["Content-Type"] = "application/json"
    else:
        del response["Content-Type"]
    response[REPLAYED_HEADER] = "true"
    return response


def _check_same_request(attempt: Attempt, record: IdempotencyRecord) -> None:
    if (attempt.method, attempt.path) != (record.method, record.path):
        raise IdempotencyKeyMismatch(
            f"This Idempotency-Key was used in the last 24 hours for {record.method} {record.path}. "
            "Use a new key for a new request."
        )
    if attempt.canonical_body != record.request_body:
        raise IdempotencyKeyMismatch(
            details=_differences(json.loads(record.request_body), json.loads(attempt.canonical_body), "")
        )


def _differences(before: object, now: object, path: str) -> list[Detail]:
    """Return one detail for each innermost field in which two JSON values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        steps = [(f"{path}.{name}" if path else name, name) for name in sorted({*before, *now})]
        pairs = [(step, before.get(name, _ABSENT), now.get(name, _ABSENT)) for step, name in steps]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(before, now, strict=True))]
    elif before is not _ABSENT and now is not _ABSENT and json.dumps(before) == json.dumps(now):
        return []
    else:
        return [{"field": path, "code": "mismatch", "message": "This differs from the first request with the key."}]
    return [detail for step, one, other in pairs for detail in _differences(one, other, step)]


_ABSENT = object()
