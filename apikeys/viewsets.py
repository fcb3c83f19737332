"""Viewset base of the API: every endpoint stands behind a key, in the contract's order of checks."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.http.request import MediaType
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from apikeys import idempotency
from apikeys.audited_calls import AuditedCall
from apikeys.authentication import ApiKeyAuthentication, AuthenticatedKey
from apikeys.errors import KeyPaused
from apikeys.idempotency import METHODS_THAT_WRITE
from apikeys.operations import Operation, operation_of
from apikeys.permissions import HasScope
from apikeys.resolvers import Resource
from apikeys.schema import OperationSchema
from apikeys.scopes import Scope
from apikeys.throttling import KeyThrottle
from sequence.core import clock
from sequence.core.api.bodies import METHODS_WITH_BODY, places_of, read_body
from sequence.core.api.envelope import failure, success
from sequence.core.api.failures import read_all, refusal_of
from sequence.core.api.fields import read_query, show_time
from sequence.core.api.lateness import bearable_seconds, tell_age
from sequence.core.api.reading_time import reading_at
from sequence.core.api.request_ids import check_request_id, request_id_of
from sequence.core.audit import run_audited
from sequence.core.audit_log.models import Via
from sequence.core.database.planning import planned_anew
from sequence.core.database.replica import bearing
from sequence.core.errors import DomainError, InvalidRequest, MethodNotAllowed, NotAcceptable, NotFound
from sequence.core.typing import JsonObject


class KeyedViewSet(ViewSet):
    """An endpoint behind an API key; each action declares with ``@operation`` what it needs and gives.

    The checks run in the order of the contract: method, authentication, rate limit, pause, scope, headers
    (``initial``); size and media type, idempotency, validation, resource (``answer``); existence and state are the
    action's own.
    Every method that writes runs in one audited transaction, and once for each Idempotency-Key.
    """

    authentication_classes = [ApiKeyAuthentication]
    throttle_classes = [KeyThrottle]
    permission_classes = [HasScope]
    schema = OperationSchema()
    # The way in, as the audit log names it.
    via = Via.API
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    # DRF would add Allow and Vary to every answer; the contract has Allow on 405 alone.
    default_response_headers: dict[str, str] = {}

    http: HttpRequest
    operation: Operation
    caller: AuthenticatedKey
    body: JsonObject
    query: JsonObject
    found: Any
    also_found: list[Any]
    # The code of the refusal that was answered last, in our own words.
    refusal_code: str | None = None
    # What the action returned, before it was put into an envelope.
    told: object

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Check everything that comes before the body."""
        self.http = request._request
        method = request.method or ""
        if method.lower() not in self.action_map:
            raise MethodNotAllowed(method=method, allowed=[name.upper() for name in self.action_map])
        self.perform_authentication(request)
        self.caller = request.auth  # type: ignore[assignment]
        self.check_throttles(request)
        self.check_key()
        self.check_headers()

    def check_key(self) -> None:
        """Check that the key may make such calls now. Raises KeyPaused, Forbidden."""
        operation = operation_of(self)
        if self.caller.paused_at is not None and not (operation and operation.answers_paused):
            raise KeyPaused(paused_at=show_time(self.caller.paused_at))
        self.check_permissions(self.request)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Answer whatever goes wrong in the envelope, and tell the audit log of it where a valid key asked."""
        refusal = refusal_of(exc, self.request._request)
        response = self._refuse(refusal)
        operation = operation_of(self)
        if operation is None or getattr(self, "caller", None) is None:
            return response
        try:
            self._audited(operation).record_refusal(response, refusal)
        except Error as error:
            return self._refuse(refusal_of(error, self.request._request))
        return response

    def _refuse(self, refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, NotFound) and refusal.missing:
            refusal = refusal.placed(places_of(refusal.missing, getattr(self, "body", {})))
        self.refusal_code = refusal.code
        return self.refuse(self.called(refusal.told_to(self.may_know_account)))

    # What a dialect does in its own way.

    def called(self, refusal: DomainError) -> DomainError:
        """Return the refusal as this operation calls it."""
        return refusal

    def refuse(self, refusal: DomainError) -> HttpResponse:
        """Answer with a refusal."""
        return failure(self.request._request, refusal)

    def repeat(self, kept: HttpResponse) -> HttpResponse:
        """Answer with what is kept of the first request, which may have come in by another door."""
        return kept

    def accept(self, result: object) -> HttpResponse:
        """Answer with what an action returned."""
        return success(self.http, result, status=self.operation.status)

    def check_headers(self) -> None:
        """Refuse headers that are not well formed. Raises InvalidRequest, NotAcceptable."""
        check_request_id(self.http)
        check_headers(self.http)

    def read_query(self) -> JsonObject:
        """Return what the query says. Raises ValidationError."""
        query: JsonObject = read_query(self.operation.query, self.http.GET)
        return query

    @property
    def endpoint(self) -> str:
        """What an Idempotency-Key is of, beside the caller: nothing, or the one operation."""
        return ""

    def may_know_account(self, account_id: str) -> bool:
        """Say whether the caller may know of the account with this id."""
        key: AuthenticatedKey | None = getattr(self, "caller", None)
        return key is not None and (key.has(Scope.LIST_ACCOUNTS) or key.can(Scope.READ_ACCOUNTS, account_id))

    def answer(self, operation: Operation, action: Callable[[], object]) -> HttpResponse:
        """Return the action's answer, once what it declares has been checked."""
        self.operation = operation
        raw_body = read_body(self.http) if self.http.method in METHODS_WITH_BODY else {}
        call = self._audited(operation)

        def execute() -> HttpResponse:
            with reading_at(clock.now()):
                self.authorize(raw_body)
            self.told = result = action()
            return result if isinstance(result, HttpResponse) else self.accept(result)

        if call.writes:
            return self._write(call, raw_body, execute)
        with bearing(bearable_seconds(self.http) if operation.is_list else None) as reading, self._planned():
            response = tell_age(execute(), reading)
        call.record_read(response, self.told)
        return response

    def _planned(self) -> AbstractContextManager[None]:
        """What is found by its id has one plan that is always right; whatever else is read has not."""
        return nullcontext() if self.action == "retrieve" else planned_anew()

    def _write(self, call: AuditedCall, raw_body: JsonObject, execute: Callable[[], HttpResponse]) -> HttpResponse:
        """Execute it once for each Idempotency-Key. Effect, entry of the audit log and kept answer commit together."""

        def record(response: HttpResponse) -> None:
            call.record_answer(response, error_code=self.refusal_code)

        def execute_recorded() -> HttpResponse:
            response = execute()
            record(response)
            return response

        key = self.http.headers.get(idempotency.HEADER)
        if key is None:
            return run_audited(execute_recorded, actor=self.actor, request_id=request_id_of(self.http))
        response = idempotency.execute_once(
            self._attempt(key, raw_body),
            execute=execute,
            refuse=self._refuse,
            authorize_replay=lambda: self.authorize_repeat(raw_body),
            record=record,
        )
        return self.repeat(response) if idempotency.REPLAYED_HEADER in response.headers else response

    def _audited(self, operation: Operation) -> AuditedCall:
        return AuditedCall(
            request=self.request._request,
            caller=self.caller,
            via=self.via,
            action=operation.action,
            writes=self.request.method in METHODS_THAT_WRITE and not operation.only_asks,
            named=[*self.kwargs.values()],
            makes=operation.makes,
        )

    @property
    def actor(self) -> str:
        """The caller, as the audit trail names it."""
        return f"key:{self.caller.id}"

    def authorize(self, raw_body: JsonObject) -> None:
        """Validate the input and check the resource, before an action runs."""
        self._read_input(raw_body)
        self.check_resource()

    def authorize_repeat(self, raw_body: JsonObject) -> None:
        """Validate the input once more and check the resource, before a stored answer is given out."""
        self._read_input(raw_body)
        self.check_repeat()

    def _read_input(self, raw_body: JsonObject) -> None:
        self.query, self.body = read_all(self.read_query, lambda: self.operation.body.read(raw_body))

    def check_resource(self) -> None:
        """Check that the key reaches what the request is about. Raises Forbidden, NotFound."""
        found = [self._reach(need.scope, need.resource) for need in self.operation.needs if need.resource is not None]
        self.found, *self.also_found = found or [None]

    def check_repeat(self) -> None:
        """Check that the key still reaches what a request was about whose answer is kept. Raises Forbidden.

        What is gone by now takes no answer away: only a key that reaches everything is told that it is missing.
        """
        for need in self.operation.needs:
            if need.resource is not None:
                with suppress(NotFound):
                    self._reach(need.scope, need.resource)

    def _reach(self, scope: Scope, resource: Resource) -> object:
        """Return what the resource finds. Raises Forbidden where no entry of the scope reaches it."""
        found = resource.find(self, scope)
        for ids in resource.demands_of(found):
            self.check_object_permissions(self.request, (scope, ids))
        return found

    def _attempt(self, key: str, raw_body: JsonObject) -> idempotency.Attempt:
        return idempotency.Attempt(
            caller=self.caller,
            key=key,
            request_id=request_id_of(self.http),
            method=self.http.method or "",
            path=escape_uri_path(self.http.path),
            endpoint=self.endpoint,
            body=raw_body,
        )


def check_headers(request: HttpRequest) -> None:
    """Refuse headers that no dialect takes. Raises InvalidRequest, NotAcceptable."""
    key = request.headers.get(idempotency.HEADER)
    if request.method in METHODS_THAT_WRITE and key is not None and not idempotency.ALLOWED.fullmatch(key):
        message = f"Send it once, 1 to {idempotency.MAX_LENGTH} visible ASCII characters but the comma, such as a UUID."
        raise InvalidRequest.of(idempotency.HEADER, "invalid", message)
    # Servers join a header that came twice with a comma, which no media type of ours holds.
    if request.method in METHODS_WITH_BODY and "," in request.headers.get("Content-Type", ""):
        raise InvalidRequest.of("Content-Type", "repeated", "This header is given more than once.")
    check_accept(request)


def check_accept(request: HttpRequest) -> None:
    """Raise NotAcceptable where the caller wants no JSON."""
    # An empty one names nothing that would do better. RFC 9110, 12.5.1, takes no header as "anything".
    accepted = [part for part in request.headers.get("Accept", "").split(",") if part.strip()]
    if accepted and not any(_is_json(MediaType(part)) for part in accepted):
        raise NotAcceptable()


def _is_json(kind: MediaType) -> bool:
    """Say whether the media type covers application/json, whatever its parameters say; ``q=0`` is one of them."""
    return kind.main_type in ("*", "application") and kind.sub_type in ("*", "json")
