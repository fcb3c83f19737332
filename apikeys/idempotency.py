"""A repeated request does nothing twice: record, effect and answer commit in one transaction.

The record is inserted first. A concurrent twin waits at the unique key until the first has committed (then it finds
the answer) or has rolled back (then it executes). There is no look-before-you-insert for a race to slip through.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.http import HttpResponse

from apikeys.authentication import AuthenticatedKey
from apikeys.errors import IdempotencyKeyMismatch, RequestInProgress
from apikeys.models import IdempotencyRecord
from sequence.core import clock
from sequence.core.api.ids import parse_id
from sequence.core.audit import SET_CONTEXT, context_parameters
from sequence.core.database.kept_cursor import fetch, run
from sequence.core.errors import Detail, DomainError
from sequence.core.transactions import run_in_transaction, sqlstate_of

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

# One round trip: begin the audit context, bound the wait for a twin, insert (or take over an expired record), lift the
# bound again for the locks that follow. PostgreSQL evaluates FROM before the insert and RETURNING after it. No row
# comes back when a live record holds the key.
_INSERT = f"""
INSERT INTO apikeys_idempotencyrecord AS record
    (organization_id, api_key_id, lineage_id, key, request_id, method, path, request_body, response_body,
     created_at, expires_at)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s
FROM (SELECT {SET_CONTEXT}, set_config('lock_timeout', %s, true)) AS opened
ON CONFLICT (lineage_id, key) DO UPDATE SET
    api_key_id = excluded.api_key_id, request_id = excluded.request_id, method = excluded.method, path = excluded.path,
    request_body = excluded.request_body, response_status = NULL, response_body = '',
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE record.expires_at <= excluded.created_at
RETURNING record.id, set_config('lock_timeout', '0', true)
"""  # noqa: S608 - only a constant is put in

_STORE = "UPDATE apikeys_idempotencyrecord SET response_status = %s, response_body = %s WHERE id = %s"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request that carries an Idempotency-Key. ``path`` is percent-encoded; ``body`` is the parsed JSON object."""

    caller: AuthenticatedKey
    key: str
    request_id: str
    method: str
    path: str
    body: dict[str, Any]

    @property
    def canonical_body(self) -> str:
        return _canonical(self.body)


def _canonical(value: Any) -> str:
    # Fractions as text keep all their digits, and 1.0 differs from 1, as it does for a field that wants an integer.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def execute_once(
    attempt: Attempt,
    *,
    execute: Callable[[], HttpResponse],
    refuse: Callable[[DomainError], HttpResponse],
    authorize_replay: Callable[[], None],
) -> HttpResponse:
    """Return the answer to the attempt: by executing it, or the stored one with ``Idempotent-Replayed: true``.

    ``execute`` does the effect and renders the answer, all in one transaction with the record. A refusal that is an
    outcome (see DomainError) undoes the effect and is stored in its place as ``refuse`` renders it; any other exception
    leaves nothing behind. ``authorize_replay`` may refuse before a stored answer is given out.

    Raises IdempotencyKeyMismatch, RequestInProgress, and what ``execute`` and ``authorize_replay`` raise.
    """

    def work() -> HttpResponse | None:
        record_id = _insert(attempt)
        if record_id is None:
            return None
        response = execute()
        _store(record_id, response)
        return response

    try:
        response = run_in_transaction(work)
    except DomainError as refusal:
        if not refusal.is_outcome:
            raise
        response = _store_refusal(attempt, refuse(refusal))
    return response or _replay(attempt, authorize_replay)


def _store_refusal(attempt: Attempt, response: HttpResponse) -> HttpResponse | None:
    """Keep a refusal after its effect was undone; None when a twin was faster, whose answer then counts for both."""

    def work() -> HttpResponse | None:
        record_id = _insert(attempt)
        if record_id is None:
            return None
        _store(record_id, response)
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
        attempt.request_id,
        attempt.method,
        attempt.path,
        attempt.canonical_body,
        now,
        now + LIFETIME,
        *context_parameters(actor=f"key:{caller.id}", request_id=attempt.request_id),
        f"{TWIN_WAIT_MILLISECONDS}ms",
    ]
    try:
        rows = fetch(_INSERT, parameters)
    except OperationalError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise RequestInProgress(retry_after=RETRY_AFTER_SECONDS) from None
        raise
    return rows[0][0] if rows else None


def _store(record_id: int, response: HttpResponse) -> None:
    run(_STORE, [response.status_code, response.content.decode(), record_id])


def _replay(attempt: Attempt, authorize: Callable[[], None]) -> HttpResponse:
    record = IdempotencyRecord.objects.filter(lineage_id=attempt.caller.lineage_id, key=attempt.key).first()
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


def _differences(before: Any, now: Any, path: str) -> list[Detail]:
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
