"""OpenAPI operations: the declaration that the door enforces is the one that the document tells."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from apikeys import idempotency
from apikeys.errors import IdempotencyKeyMismatch, KeyPaused, RateLimitExceeded, RequestInProgress
from apikeys.operations import Need, Operation, operation_of
from apikeys.scopes import ResourceKind, Scope
from sequence.core.api import called_reasons
from sequence.core.api.bodies import MAX_BYTES, METHODS_WITH_BODY
from sequence.core.api.fields import NoFields
from sequence.core.api.openapi import components
from sequence.core.api.openapi.inspection import EnvelopeSchema
from sequence.core.api.openapi.story import illustrate
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
_IDEMPOTENCY_KEY = {
    "type": "string",
    "pattern": f"^{idempotency.ALLOWED.pattern}$",
    "minLength": 1,
    "maxLength": idempotency.MAX_LENGTH,
}
_IDEMPOTENCY_PARAMETER = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "A unique key of your own, which makes repeating the request safe: for 24 hours the same key "
    "returns the original answer without executing again. Recommended: a UUID v4.",
    "schema": _IDEMPOTENCY_KEY,
}
# Variables of addresses that are no ids.
_OTHER_VARIABLES: dict[str, JsonObject] = {
    "idempotency_key": {"description": "What was sent as `Idempotency-Key`.", "schema": _IDEMPOTENCY_KEY},
}
_REASON_PARAMETER = {
    "name": called_reasons.HEADER,
    "in": "header",
    "required": False,
    "description": "Why you call, for whoever approves or audits: UTF-8, cut at 1,000 characters, never refused.",
    "schema": {"type": "string"},
}
_REPLAYED = {
    "description": "`true` on the stored answer to a repeated request; absent on the first.",
    "schema": {"type": "string", "enum": ["true"]},
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The security scheme behind ``ApiKeyAuthentication``."""

    target_class = "apikeys.authentication.ApiKeyAuthentication"
    name = _SCHEME_NAME

    def get_security_definition(self, auto_schema: AutoSchema) -> JsonObject:
        description = "Format: `ApiKey <key>`, such as `ApiKey sk_…`. A key carries explicit permissions."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class OperationSchema(EnvelopeSchema):
    """An operation of a ``KeyedViewSet``, read from its declaration."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> JsonObject | None:
        """Return the OpenAPI operation, or None for an action without one, which cannot be called."""
        viewset: object = self.view
        operation = operation_of(viewset)
        if operation is None:
            return None
        self.open_registry(registry)
        self.method = method
        described: JsonObject = {
            "operationId": self.name_of(operation),
            "summary": operation.summary,
            "description": _description(operation),
            "tags": [self.tag_of(path)],
            "parameters": self._parameters(path, operation),
            "security": self.get_auth(),
            "responses": {**self._success(operation), **self._refusals(operation)},
            **({"x-required-scope": operation.scope.value} if operation.scope else {}),
            **({"x-also-required-scopes": [need.scope.value for need in operation.also]} if operation.also else {}),
        }
        # One that takes no fields is best sent without a body, and so described.
        if operation.body is not NoFields:
            described["requestBody"] = self._body(operation)
        return described

    def name_of(self, operation: Operation) -> str:
        """Return what the document calls the operation."""
        viewset: Any = self.view
        return f"{_noun(type(viewset).__name__)}_{viewset.action}"

    def tag_of(self, path: str) -> str:
        """``/api/v1/rule-executions/{id}`` becomes ``Rule executions``."""
        return path.split("/")[3].replace("-", " ").capitalize()

    def group(self, refusals: Sequence[type[DomainError]]) -> dict[int, list[type[DomainError]]]:
        """Return the refusals by their HTTP status, each code once."""
        return components.group_by_status(refusals)

    def _parameters(self, path: str, operation: Operation) -> list[JsonObject]:
        query = self.query_parameters(operation.query())
        if operation.has_pages:
            for parameter in query:
                if parameter["name"] == "first":
                    parameter["schema"]["default"] = DEFAULT_SIZE
        shared = [
            self.register("parameters", "RequestId", components.REQUEST_ID_PARAMETER),
            self.register("parameters", "CalledReason", _REASON_PARAMETER),
        ]
        if self._writes:
            shared.append(self.register("parameters", "IdempotencyKey", _IDEMPOTENCY_PARAMETER))
        in_path = [{**one, **_OTHER_VARIABLES.get(one["name"], {})} for one in self.path_parameters(path)]
        return [*in_path, *query, *shared]

    def _body(self, operation: Operation) -> JsonObject:
        body = operation.body()
        component = self.resolve_serializer(body, "request")
        return {
            "content": components.media(component.ref, {}),
            # An absent body counts as {}.
            "required": body.min_fields > 0 or any(field.required for field in body.fields.values()),
        }

    def _success(self, operation: Operation) -> JsonObject:
        response: JsonObject = {
            "description": "Done; there is no body." if operation.response is None else "Success.",
            "headers": self.header_refs(*self._replayed),
        }
        if operation.response is not None:
            response["content"] = self.success(operation.response, is_list=operation.is_list)
        return {str(operation.status): response}

    def _refusals(self, operation: Operation) -> JsonObject:
        refusals = [*_ALWAYS]
        if self._writes:
            refusals += _WHEN_WRITING
        if self.method in METHODS_WITH_BODY:
            refusals += _WITH_BODY
        groups = self.group([*refusals, *operation.refusals])
        return {
            str(status): self.refusal(group, *(self._replayed if any(one.is_outcome for one in group) else ()))
            for status, group in groups.items()
        }

    @property
    def _writes(self) -> bool:
        operation = operation_of(self.view)
        return self.method in idempotency.METHODS_THAT_WRITE and not (operation and operation.only_asks)

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


def _description(operation: Operation) -> str:
    if operation.scope is None:
        return f"{operation.description}\n\nAny valid key may call this.".strip()
    needs = " ".join(_need_in_words(need) for need in operation.needs)
    if operation.named_by:
        needs += f" Or `{operation.named_by}` on ids, and then only these are listed."
    return f"{operation.description}\n\n{needs}".strip()


def _need_in_words(need: Need) -> str:
    where = f" on `{need.resource.label}`" if need.resource else ""
    return f"Needs the scope `{need.scope}`{where}: {need.scope.label}."


def introduce(result: JsonObject) -> JsonObject:
    """Return the document with what all operations have in common, before them."""
    text = Template((Path(__file__).parent / "introduction.md").read_text()).substitute(
        scopes="\n".join(_scope_row(scope) for scope in Scope),
        default_size=DEFAULT_SIZE,
        max_size=MAX_SIZE,
        body_seconds=RequestTimeout.sample_names["seconds"],
        max_mebibytes=MAX_BYTES // 1024**2,
        idempotency_hours=idempotency.LIFETIME // timedelta(hours=1),
        rate_limit=settings.RATE_LIMIT_PER_MINUTE,
    )
    return illustrate({**result, "info": {**result["info"], "description": text}})


_RESOURCES = {
    ResourceKind.NONE: "none",
    ResourceKind.ACCOUNT: "account ids or `*`",
    ResourceKind.RULE: "rule ids or `*`",
    ResourceKind.ACCOUNT_PAIR: "pairs `{source, target, max_amount?, …}`",
}


def _scope_row(scope: Scope) -> str:
    return f"| `{scope}` | {_RESOURCES[scope.resource_kind]} | {scope.label} |"
