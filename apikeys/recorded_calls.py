"""Recorded calls: what a caller may be told of a request that it sent with an Idempotency-Key."""

import json
from typing import Any
from urllib.parse import unquote

from django.urls import Resolver404, resolve
from rest_framework.exceptions import APIException, ValidationError

from apikeys.call_resources import resource_of
from apikeys.models import CallInProgress, IdempotencyRecord
from apikeys.operations import Operation, operation_of
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.fields import show_time
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject

IN_PROGRESS = "in_progress"
COMPLETED = "completed"


def show_recorded_call(record: IdempotencyRecord, *, is_withheld: bool) -> JsonObject:
    """Return what is told of a request that was answered, without its answer where that is withheld."""
    answer = json.loads(record.response_body) if record.response_body else None
    return {
        "key": record.key,
        "state": COMPLETED,
        "method": record.method,
        "path": record.path,
        "request_id": record.request_id,
        "response_status": record.response_status,
        "created_at": show_time(record.created_at),
        "expires_at": show_time(record.expires_at),
        "resource": _resource_of(record, answer or {}),
        "response": None if is_withheld else answer,
        "response_withheld": is_withheld,
    }


def show_call_in_progress(key: str, call: CallInProgress | None) -> JsonObject:
    """Return what is told of a request that is still in progress; ``call`` is None in its first moment."""
    return {
        "key": key,
        "state": IN_PROGRESS,
        "method": call and call.method,
        "path": call and call.path,
        "request_id": call and call.request_id,
        **dict.fromkeys(("response_status", "created_at", "expires_at", "resource", "response")),
        "response_withheld": False,
    }


def _resource_of(record: IdempotencyRecord, answer: JsonObject) -> JsonObject | None:
    """Return what the request made or changed; a refused one did neither."""
    if not 200 <= (record.response_status or 0) < 300:
        return None
    data = answer.get("data")
    resource = (
        resource_of((), data, makes=_made_by(record))
        if record.endpoint
        else resource_of(reversed(record.path.split("/")), data)
    )
    return resource and {"type": resource[0], "id": resource[1]}


def _made_by(record: IdempotencyRecord) -> str:
    """Return the prefix of what an answer names by a uuid: what that is of stands in the declaration."""
    viewset = _viewset_at(record)
    operation = None if viewset is None else operation_of(viewset)
    return operation.makes if operation else ""


def may_repeat(view: KeyedViewSet, record: IdempotencyRecord) -> bool:
    """Say whether the caller of ``view`` could make the recorded call now: what the door asks before it replays one.

    Anything that cannot be told counts as no.
    """
    repeated = _view_of(view, record)
    if repeated is None:
        return False
    try:
        repeated.check_key()
        repeated.check_repeat()
    except (DomainError, APIException, KeyError):
        return False
    return True


def _view_of(view: KeyedViewSet, record: IdempotencyRecord) -> KeyedViewSet | None:
    """Return the view that would answer the recorded call, as of the caller of ``view``; None where there is none."""
    repeated = _viewset_at(record)
    if repeated is None:
        return None
    repeated.request, repeated.http, repeated.caller = view.request, view.http, view.caller
    operation = operation_of(repeated)
    if operation is None:
        return None
    repeated.operation, repeated.query = operation, {}
    repeated.body = _read_again(operation, json.loads(record.request_body))
    return repeated


def _viewset_at(record: IdempotencyRecord) -> KeyedViewSet | None:
    """Return the viewset of the record's address with its action, as of nobody; None where there is none."""
    try:
        match = resolve(unquote(record.path))
    except Resolver404:
        return None
    function: Any = match.func
    action = getattr(function, "actions", {}).get(record.method.lower())
    if action is None:
        return None
    viewset: KeyedViewSet = function.cls()
    viewset.action, viewset.kwargs = action, match.kwargs
    return viewset


def _read_again(operation: Operation, body: JsonObject) -> JsonObject:
    """Return the recorded body as the door reads it, or as it is: its fractions were kept as text, which is refused."""
    try:
        return operation.body.read(body)
    except ValidationError:
        return body
