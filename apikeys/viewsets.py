"""Viewset base of the API: every endpoint stands behind a key, in the contract's order of checks."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.request import MediaType
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from apikeys import idempotency
from apikeys.authentication import ApiKeyAuthentication, AuthenticatedKey
from apikeys.errors import KeyPaused
from apikeys.idempotency import METHODS_THAT_WRITE
from apikeys.operations import Operation, operation_of
from apikeys.permissions import HasScope
from apikeys.schema import OperationSchema
from apikeys.scopes import Scope
from apikeys.throttling import KeyThrottle
from sequence.core.api.bodies import METHODS_WITH_BODY, read_body
from sequence.core.api.envelope import failure, success
from sequence.core.api.failures import refusal_of
from sequence.core.api.fields import read_query, show_time
from sequence.core.api.request_ids import check_request_id, request_id_of
from sequence.core.audit import run_audited
from sequence.core.errors import DomainError, InvalidRequest, MethodNotAllowed, NotAcceptable


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
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    # DRF would add Allow and Vary to every answer; the contract has Allow on 405 alone.
    default_response_headers: dict[str, str] = {}

    http: HttpRequest
    operation: Operation
    caller: AuthenticatedKey
    body: dict[str, Any]
    query: dict[str, Any]
    found: Any

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check everything that comes before the body."""
        self.http = request._request
        method = request.method or ""
        if method.lower() not in self.action_map:
            raise MethodNotAllowed(method=method, allowed=[name.upper() for name in self.action_map])
        self.perform_authentication(request)
        self.caller = request.auth  # type: ignore[assignment]
        self.check_throttles(request)
        self._check_paused()
        self.check_permissions(request)
        _check_headers(self.http)

    def _check_paused(self) -> None:
        operation = operation_of(self)
        if self.caller.paused_at is not None and not (operation and operation.answers_paused):
            raise KeyPaused(paused_at=show_time(self.caller.paused_at))

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Answer whatever goes wrong in the envelope."""
        return self._refuse(refusal_of(exc, self.request._request))

    def _refuse(self, refusal: DomainError) -> HttpResponse:
        return failure(self.request._request, refusal.told_to(self._may_know_account))

    def _may_know_account(self, account_id: str) -> bool:
        key: AuthenticatedKey | None = getattr(self, "caller", None)
        return key is not None and (key.has(Scope.LIST_ACCOUNTS) or key.can(Scope.READ_ACCOUNTS, account_id))

    def answer(self, operation: Operation, action: Callable[[], Any]) -> HttpResponse:
        """Return the action's answer, once what it declares has been checked."""
        self.operation = operation
        raw_body = read_body(self.http) if self.http.method in METHODS_WITH_BODY else {}

        def execute() -> HttpResponse:
            self.authorize(raw_body)
            result = action()
            return result if isinstance(result, HttpResponse) else success(self.http, result, status=operation.status)

        if self.http.method not in METHODS_THAT_WRITE:
            return execute()
        key = self.http.headers.get(idempotency.HEADER)
        if key is None:
            return run_audited(execute, actor=self.actor, request_id=request_id_of(self.http))
        return idempotency.execute_once(
            self._attempt(key, raw_body),
            execute=execute,
            refuse=self._refuse,
            authorize_replay=lambda: self.authorize(raw_body),
        )

    @property
    def actor(self) -> str:
        """The caller, as the audit trail names it."""
        return f"key:{self.caller.id}"

    def authorize(self, raw_body: dict[str, Any]) -> None:
        """Validate the input and check the resource, before an action runs and before a stored answer is given out."""
        self.query = self.operation.query.read(read_query(self.http.GET))
        self.body = self.operation.body.read(raw_body)
        if self.operation.resource is not None:
            self.found = self.operation.resource.find(self)
            self.check_object_permissions(self.request, self.found)

    def _attempt(self, key: str, raw_body: dict[str, Any]) -> idempotency.Attempt:
        return idempotency.Attempt(
            caller=self.caller,
            key=key,
            request_id=request_id_of(self.http),
            method=self.http.method or "",
            path=escape_uri_path(self.http.path),
            body=raw_body,
        )


def _check_headers(request: HttpRequest) -> None:
    check_request_id(request)
    key = request.headers.get(idempotency.HEADER)
    if request.method in METHODS_THAT_WRITE and key is not None and not idempotency.ALLOWED.fullmatch(key):
        message = f"Send it once, 1 to {idempotency.MAX_LENGTH} visible ASCII characters but the comma, such as a UUID."
        raise InvalidRequest.of(idempotency.HEADER, "invalid", message)
    # Servers join a header that came twice with a comma, which no media type of ours holds.
    if request.method in METHODS_WITH_BODY and "," in request.headers.get("Content-Type", ""):
        raise InvalidRequest.of("Content-Type", "repeated", "This header is given more than once.")
    # An empty one names nothing that would do better. RFC 9110, 12.5.1, takes no header as "anything".
    if request.headers.get("Accept") and not any(map(_is_json, request.accepted_types)):
        raise NotAcceptable()


def _is_json(kind: MediaType) -> bool:
    """Say whether the media type covers application/json; what its parameters ask for is of no matter to JSON."""
    return kind.main_type in ("*", "application") and kind.sub_type in ("*", "json")
