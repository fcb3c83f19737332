"""OpenAPI operations of this dialect: the same declarations, under its names and in its envelope."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.serializers import Serializer

from apikeys.operations import Operation, operation_of
from apikeys.schema import OperationSchema
from sequence.core.api.fields import StrictSerializer
from sequence.core.api.openapi import components
from sequence.core.api.schemas import object_of, ref
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject
from sequence.platform.errors import code_of, tell


class BearerScheme(OpenApiAuthenticationExtension):
    """The security scheme behind ``BearerAuthentication``."""

    target_class = "sequence.platform.viewsets.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> JsonObject:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `Bearer sk_…`."}


class PlatformSchema(OperationSchema):
    """An operation of a ``PlatformViewSet``, read from its declaration."""

    shared_schemas: ClassVar[Mapping[str, JsonObject]] = {"RequestId": components.REQUEST_ID}

    def name_of(self, operation: Operation) -> str:
        return str(self._declared.name)

    @property
    def _declared(self) -> Any:
        return operation_of(self.view)

    def query_parameters(self, query: StrictSerializer) -> list[JsonObject]:
        parameters = super().query_parameters(query)
        old = {name for name, field in query.fields.items() if getattr(field, "is_deprecated", False)}
        return [{**each, "deprecated": True} if each["name"] in old else each for each in parameters]

    def path_parameters(self, path: str) -> list[JsonObject]:
        return [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
            for name in self._declared.variables
        ]

    def group(self, refusals: Sequence[type[DomainError]]) -> dict[int, list[type[DomainError]]]:
        by_code = {(refusal.status, code_of(refusal)): refusal for refusal in [*refusals, self._declared.in_progress]}
        hidden = {(409, "REQUEST_IN_PROGRESS")} if self._declared.in_progress.__name__ != "RequestInProgress" else set()
        if not self._writes:
            hidden |= {(409, "REQUEST_IN_PROGRESS")}
        groups: dict[int, list[type[DomainError]]] = {}
        for (status, code), refusal in sorted(by_code.items(), key=lambda item: item[0][0]):
            if (status, code) not in hidden:
                groups.setdefault(status, []).append(refusal)
        return groups

    def success(self, serializer: type[Serializer], *, is_list: bool) -> JsonObject:
        data = self.resolve_serializer(serializer, "response").ref
        envelope = object_of({"requestId": ref("RequestId"), "data": data})
        schema = self.register(ResolvedComponent.SCHEMA, f"{serializer.__name__}Answer", envelope)
        return components.media(schema, {})

    def refusal(self, refusals: Sequence[type[DomainError]], *more_headers: str) -> JsonObject:
        told = [tell(refusal.sample()) for refusal in refusals]
        codes = {"type": "string", "enum": [one.code for one in told]}
        error = object_of({"code": codes, "message": {"type": "string"}})
        headers = dict.fromkeys(header for one in told for header in one.headers)
        return {
            "description": "\n\n".join(f"`{one.code}`: {one.message}" for one in told),
            "headers": self.header_refs(*headers, *more_headers),
            "content": components.media(object_of({"requestId": ref("RequestId"), "error": error}), {}),
        }
