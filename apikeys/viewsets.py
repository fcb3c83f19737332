"""The one door of the API. Every endpoint derives from KeyedViewSet and says what it needs in a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from apikeys import idempotency
from apikeys.authentication import ApiKeyAuthentication, AuthenticatedKey
from apikeys.idempotency import METHODS_THAT_WRITE
from apikeys.schema import OperationSchema
from apikeys.scopes import Scope
from apikeys.throttling import KeyThrottle
from sequence.api.bodies import METHODS_WITH_BODY, read_body
from sequence.api.envelope import failure, success
from sequence.api.failures import refusal_of
from sequence.api.fields import NoFields, StrictSerializer, read_query
from sequence.api.request_ids import check_request_id, request_id_of
from sequence.audit import run_audited
from sequence.errors import DomainError, Forbidden, InvalidRequest, MethodNotAllowed, NotAcceptable


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one endpoint needs and gives; the door enforces it and the OpenAPI document tells it.

    ``resource`` names the URL or query parameter whose value must be among the resources of the scope.
    ``response`` and ``status`` describe success; ``refusals`` lists what only this operation refuses. A list with
    ``has_pages`` shows a first page where no size is asked for, any other list everything. ``description`` says what
    summary, scope and refusals leave open; the examples are a body, and the ``data`` of the answer to it.
    """

    scope: Scope
    summary: str
    description: str = ""
    body: type[StrictSerializer] = NoFields
    query: type[StrictSerializer] = NoFields
    resource: str | None = None
    response: type[Serializer] | None = None
    is_list: bool = False
    has_pages: bool = False
    status: int = 200
    refusals: tuple[type[DomainError], ...] = ()
    example_body: Mapping[str, Any] | None = None
    example: Any = None


class KeyedViewSet(ViewSet):
    """An endpoint behind an API key.

    The checks run in the order of the contract: method, authentication, rate limit, scope, headers, size and media
    type, idempotency, validation, resource permission; existence and state are the action's own. An action that has no
    row in ``operations`` cannot be called at all, so that forgetting one closes a door instead of opening it.

    Every method that writes runs in one audited transaction, and once for each Idempotency-Key.
    An action finds its validated input in ``self.body`` and ``self.query``, and the caller in ``self.caller``.
    """

    authentication_classes = [ApiKeyAuthentication]
    throttle_classes = [KeyThrottle]
    schema = OperationSchema()
    permission_classes = []  # The scope is checked in _enter, which knows the operation.
    operations: ClassVar[Mapping[str, Operation]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    http: HttpRequest
    caller: AuthenticatedKey
    body: dict[str, Any]
    query: dict[str, Any]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer the request; whatever goes wrong is answered in the envelope too."""
        self.http, self.args, self.kwargs = request, args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        try:
            operation = self._enter()
            return self._answer(operation)
        except Exception as error:  # noqa: BLE001 - refusal_of logs what nobody expected
            return failure(request, refusal_of(error, request))

    def _enter(self) -> Operation:
        """Check everything that comes before the body, and return the operation that is asked for."""
        method = self.request.method or ""
        if method.lower() not in self.action_map:
            raise MethodNotAllowed(method=method, allowed=[name.upper() for name in self.action_map])
        self.perform_authentication(self.request)
        self.caller = self.request.auth  # type: ignore[assignment]
        self.check_throttles(self.request)
        operation = self.operations.get(self.action or "")
        if operation is None or not self.caller.has(operation.scope):
            raise Forbidden()
        self._check_headers(self.http)
        return operation

    def _check_headers(self, request: HttpRequest) -> None:
        check_request_id(request)
        key = request.headers.get(idempotency.HEADER)
        if request.method in METHODS_THAT_WRITE and key is not None and not idempotency.ALLOWED.fullmatch(key):
            message = f"Use 1 to {idempotency.MAX_LENGTH} visible ASCII characters, such as a UUID."
            raise InvalidRequest.of(idempotency.HEADER, "invalid", message)
        # An empty one names nothing that would do better. RFC 9110, 12.5.1, takes no header as "anything".
        if request.headers.get("Accept") and not request.accepts("application/json"):
            raise NotAcceptable()

    def _answer(self, operation: Operation) -> HttpResponse:
        request = self.http
        raw_body = read_body(request) if request.method in METHODS_WITH_BODY else {}

        def execute() -> HttpResponse:
            self._validate(operation, raw_body)
            self._check_resource(operation)
            return self._run_action()

        if request.method not in METHODS_THAT_WRITE:
            return execute()
        key = request.headers.get(idempotency.HEADER)
        if key is None:
            actor = f"key:{self.caller.id}"
            return run_audited(execute, actor=actor, request_id=request_id_of(request))
        return self._execute_once(key, operation, raw_body, execute)

    def _execute_once(
        self, key: str, operation: Operation, raw_body: dict[str, Any], execute: Callable[[], HttpResponse]
    ) -> HttpResponse:
        request = self.http

        def authorize_replay() -> None:
            self._validate(operation, raw_body)
            self._check_resource(operation)

        attempt = idempotency.Attempt(
            caller=self.caller,
            key=key,
            request_id=request_id_of(request),
            method=request.method or "",
            path=escape_uri_path(request.path),
            body=raw_body,
        )
        return idempotency.execute_once(
            attempt,
            execute=execute,
            refuse=lambda refusal: failure(request, refusal),
            authorize_replay=authorize_replay,
        )

    def _validate(self, operation: Operation, raw_body: dict[str, Any]) -> None:
        query = operation.query(data=read_query(self.http.GET))
        query.is_valid(raise_exception=True)
        self.query = query.validated_data
        body = operation.body(data=raw_body, context={"caller": self.caller})
        body.is_valid(raise_exception=True)
        self.body = body.validated_data

    def _check_resource(self, operation: Operation) -> None:
        """Refuse a resource outside the key's list. Endpoints whose resource is in the body override this."""
        if operation.resource is not None:
            resource_id = self.kwargs.get(operation.resource) or self.query[operation.resource]
            self.caller.require(operation.scope, resource_id)

    def _run_action(self) -> HttpResponse:
        action: Callable[..., Any] = getattr(self, self.action or "")
        result = action(**self.kwargs)
        if isinstance(result, HttpResponse):
            return result
        status = self.operations[self.action or ""].status
        return success(self.http, result, status=status)
