"""Viewset base of this dialect: the door of the API, with its own envelope, spelling and leniency."""

from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.authentication import ApiKeyAuthentication
from apikeys.errors import RequestInProgress
from apikeys.viewsets import KeyedViewSet, check_headers
from sequence.core.api.envelope import failure, json_response
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit_log.models import Via
from sequence.core.errors import DomainError, NotFound
from sequence.core.typing import JsonObject
from sequence.platform.errors import spell_refusal, without_details
from sequence.platform.operations import PlatformOperation
from sequence.platform.pages import read_query
from sequence.platform.schema import PlatformSchema


class BearerAuthentication(ApiKeyAuthentication):
    """The same keys under the scheme that this dialect's clients send; ours is understood too."""

    schemes = ("bearer", "apikey")


class PlatformViewSet(KeyedViewSet):
    """An endpoint of the dialect. What is allowed is decided by the base; here it is only spelled.

    A request's id that is not well formed is replaced, which the middleware has done, instead of refused.
    """

    authentication_classes = [BearerAuthentication]
    schema = PlatformSchema()
    via = Via.PLATFORM

    operation: PlatformOperation

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        self.check_open()
        super().initial(request, *args, **kwargs)

    def check_open(self) -> None:
        """Raise NotFound where the dialect is switched off."""
        if not settings.PLATFORM_API:
            raise NotFound()

    def called(self, refusal: DomainError) -> DomainError:
        operation = getattr(self, "operation", None)
        if isinstance(refusal, RequestInProgress) and operation is not None:
            return operation.in_progress(retry_after=refusal.retry_after)
        return refusal

    def refuse(self, refusal: DomainError) -> HttpResponse:
        return failure(self.request._request, refusal, spell_refusal)

    def repeat(self, kept: HttpResponse) -> HttpResponse:
        if kept.status_code >= HTTPStatus.BAD_REQUEST:
            kept.content = without_details(kept.content)
        return kept

    def accept(self, result: object) -> HttpResponse:
        body = {"requestId": request_id_of(self.http), "data": result}
        return json_response(body, self.operation.status)

    def check_headers(self) -> None:
        check_headers(self.http)

    def read_query(self) -> JsonObject:
        reader = cast(Any, self.operation.query)
        query: JsonObject = read_query(reader, self.http.GET)
        return query

    @property
    def endpoint(self) -> str:
        return self.operation.endpoint

    @property
    def narrowed_to(self) -> set[str] | None:
        """The ids that a list is narrowed to, for a key that may not list everything; None for one that may."""
        operation = self.operation
        if operation.scope is None or operation.named_by is None or self.caller.has(operation.scope):
            return None
        return self.caller.named(operation.named_by)
