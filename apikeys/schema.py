"""OpenAPI operations: the declaration that the door enforces is the one that the document tells."""

import re
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apikeys import idempotency
from apikeys.errors import IdempotencyKeyMismatch, KeyPaused, RateLimitExceeded, RequestInProgress
from apikeys.operations import Operation, operation_of
from apikeys.scopes import ResourceKind, Scope
from sequence.core.api.bodies import MAX_BYTES, METHODS_WITH_BODY
from sequence.core.api.openapi import components
from sequence.core.api.openapi.inspection import EnvelopeSchema
from sequence.core.api.pagination import DEFAULT_SIZE, MAX_SIZE
from sequence.core.errors import (
    DatabaseAway,
    DomainError,
    Forbidden,
    InvalidRequest,
    NotAcceptable,
    PayloadTooLarge,
    RequestTimeout,
    TemporarilyUnavailable,
    Unauthorized,
    UnexpectedError,
    UnsupportedMediaType,
)
from sequence.core.typing import JsonObject

# What the door refuses, whichever operation is asked for.
_ALWAYS: tuple[type[DomainError], ...] = (
    InvalidRequest,
    Unauthorized,
    Forbidden,
    NotAcceptable,
    RateLimitExceeded,
    KeyPaused,
    DatabaseAway,
    UnexpectedError,
)
_WITH_BODY: tuple[type[DomainError], ...] = (
    PayloadTooLarge,
    UnsupportedMediaType,
    RequestTimeout,
    TemporarilyUnavailable,
)
_WHEN_WRITING: tuple[type[DomainError], ...] = (IdempotencyKeyMismatch, RequestInProgress)

_SCHEME_NAME = "ApiKeyAuth"
_IDEMPOTENCY_PARAMETER = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "A unique key of your own, which makes repeating the request safe: for 24 hours the same key "
    "returns the original answer without executing again. Recommended: a UUID v4.",
    "schema": {
        "type": "string",
        "pattern": f"^{idempotency.ALLOWED.pattern}$",
        "minLength": 1,
        "maxLength": idempotency.MAX_LENGTH,
    },
}
_REPLAYED = {
    "description": "`true` on the stored answer to a repeated request; absent on the first.",
    "schema": {"type": "string", "enum": ["true"]},
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The security scheme behind ``ApiKeyAuthentication``."""

    target_class = "apikeys.authentication.ApiKeyAuthentication"
    name = _SCHEME_NAME

    def get_security_definition(self, auto_schema: Any) -> JsonObject:
        description = "Format: `ApiKey <key>`, such as `ApiKey sk_…`. A key carries explicit permissions."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class OperationSchema(EnvelopeSchema):
    """An operation of a ``KeyedViewSet``, read from its declaration."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> JsonObject | None:
        """Return the OpenAPI operation, or None for an action without one, which cannot be called."""
        viewset: Any = self.view
        operation = operation_of(viewset)
        if operation is None:
            return None
        self.open_registry(registry)
        self.method = method
        described: JsonObject = {
            "operationId": f"{_noun(type(viewset).__name__)}_{viewset.action}",
            "summary": operation.summary,
            "description": _description(operation),
            "tags": [_tag(path)],
            "parameters": self._parameters(path, operation),
            "security": self.get_auth(),
            "responses": {**self._success(operation), **self._refusals(operation)},
            **({"x-required-scope": operation.scope.value} if operation.scope else {}),
        }
        if method in METHODS_WITH_BODY:
            described["requestBody"] = self._body(operation)
        return described

    def _parameters(self, path: str, operation: Operation) -> list[JsonObject]:
        query = self.query_parameters(operation.query())
        if operation.has_pages:
            for parameter in query:
                if parameter["name"] == "first":
                    parameter["schema"]["default"] = DEFAULT_SIZE
        shared = [self.register("parameters", "RequestId", components.REQUEST_ID_PARAMETER)]
        if self._writes:
            shared.append(self.register("parameters", "IdempotencyKey", _IDEMPOTENCY_PARAMETER))
        return [*self.path_parameters(path), *query, *shared]

    def _body(self, operation: Operation) -> JsonObject:
        body = operation.body()
        component = self.resolve_serializer(body, "request")
        examples = {"example": operation.example_body} if operation.example_body is not None else {}
        return {
            "content": components.media(component.ref, examples),
            # An absent body counts as {}.
            "required": body.min_fields > 0 or any(field.required for field in body.fields.values()),
        }

    def _success(self, operation: Operation) -> JsonObject:
        response: JsonObject = {
            "description": "Done; there is no body." if operation.status == 204 else "Success.",
            "headers": self.header_refs(*self._replayed),
        }
        if operation.status != 204:
            response["content"] = self.success(
                operation.response, is_list=operation.is_list, examples=_example_answer(operation)
            )
        return {str(operation.status): response}

    def _refusals(self, operation: Operation) -> JsonObject:
        refusals = [*_ALWAYS]
        if self._writes:
            refusals += _WHEN_WRITING
        if self.method in METHODS_WITH_BODY:
            refusals += _WITH_BODY
        groups = components.group_by_status([*refusals, *operation.refusals])
        return {
            str(status): self.refusal(group, *(self._replayed if any(one.is_outcome for one in group) else ()))
            for status, group in groups.items()
        }

    @property
    def _writes(self) -> bool:
        return self.method in idempotency.METHODS_THAT_WRITE

    @property
    def _replayed(self) -> tuple[str, ...]:
        """The header of a stored answer, where answers are stored."""
        if not self._writes:
            return ()
        self.register("headers", idempotency.REPLAYED_HEADER, _REPLAYED)
        return (idempotency.REPLAYED_HEADER,)


def _noun(viewset_name: str) -> str:
    """``RuleExecutionViewSet`` becomes ``rule_execution``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", viewset_name.removesuffix("ViewSet")).lower()


def _tag(path: str) -> str:
    """``/api/v1/rule-executions/{id}`` becomes ``Rule executions``."""
    return path.split("/")[3].replace("-", " ").capitalize()


def _description(operation: Operation) -> str:
    if operation.scope is None:
        return f"{operation.description}\n\nAny valid key may call this.".strip()
    where = f" on `{operation.resource.label}`" if operation.resource else ""
    needs = f"Needs the scope `{operation.scope}`{where}: {operation.scope.label}."
    return f"{operation.description}\n\n{needs}".strip()


def _example_answer(operation: Operation) -> JsonObject:
    if operation.example is None:
        return {}
    answer = {"request_id": components.EXAMPLE_REQUEST_ID, "data": operation.example}
    if operation.is_list:
        answer["page_info"] = {"end_cursor": None, "has_next_page": False}
    return {"example": answer}


def introduce(result: JsonObject, **_: object) -> JsonObject:
    """A hook of drf-spectacular: explain, before the operations, what they have in common."""
    text = Template((Path(__file__).parent / "introduction.md").read_text()).substitute(
        scopes="\n".join(_scope_row(scope) for scope in Scope),
        default_size=DEFAULT_SIZE,
        max_size=MAX_SIZE,
        body_seconds=RequestTimeout.sample_names["seconds"],
        max_mebibytes=MAX_BYTES // 1024**2,
        idempotency_hours=idempotency.LIFETIME // timedelta(hours=1),
        rate_limit=settings.RATE_LIMIT_PER_MINUTE,
    )
    return {**result, "info": {**result["info"], "description": text}}


_RESOURCES = {
    ResourceKind.NONE: "none",
    ResourceKind.ACCOUNT: "account ids or `*`",
    ResourceKind.RULE: "rule ids or `*`",
    ResourceKind.ACCOUNT_PAIR: "pairs `{source, target, max_amount?, …}`",
}


def _scope_row(scope: Scope) -> str:
    return f"| `{scope}` | {_RESOURCES[scope.resource_kind]} | {scope.label} |"
