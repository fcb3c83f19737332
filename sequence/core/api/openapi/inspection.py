"""Serializers, paths and refusals as OpenAPI, in the envelope of this API."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta
from rest_framework.serializers import Serializer

from sequence.core.api import request_ids
from sequence.core.api.fields import DescribesItself, StrictSerializer
from sequence.core.api.ids import PrefixedIdField, id_pattern
from sequence.core.api.openapi import components
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject

_SHARED_SCHEMAS = {
    "RequestId": components.REQUEST_ID,
    "PageInfo": components.PAGE_INFO,
    "Detail": components.DETAIL,
}


class EnvelopeSchema(AutoSchema):
    """drf-spectacular's reading of serializers, with the strictness and the envelopes of this API.

    Subclasses build the operation; these are the pieces.
    """

    def open_registry(self, registry: Any) -> None:
        """Start an operation whose components go into ``registry``."""
        self.registry = registry
        for name, schema in _SHARED_SCHEMAS.items():
            self.register(ResolvedComponent.SCHEMA, name, schema)
        for name, header in components.HEADERS.items():
            self.register(ResolvedComponent.HEADER, name, header)

    def register(self, kind: str, name: str, schema: Mapping[str, Any]) -> dict[str, str]:
        """Keep ``schema`` as a component, and return the reference to it."""
        self.registry.register_on_missing(ResolvedComponent(name, kind, schema, object=name))
        return components.ref(kind, name)

    def header_refs(self, *names: str) -> JsonObject:
        return {name: components.ref("headers", name) for name in (request_ids.HEADER, *names)}

    def query_parameters(self, query: StrictSerializer) -> list[JsonObject]:
        """Return one parameter for each field of the query."""
        parameters = []
        for name, field in query.fields.items():
            schema = self._map_serializer_field(field, "request")
            description = schema.pop("description", "")
            parameters.append(
                {"name": name, "in": "query", "required": field.required, "description": description, "schema": schema}
            )
        return parameters

    def path_parameters(self, path: str) -> list[JsonObject]:
        """Return one parameter for each variable of the path; ``{account_id}`` is the id of an ``Account``."""
        return [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]

    def success(self, serializer: type[Serializer] | None, *, is_list: bool, examples: Mapping[str, Any]) -> JsonObject:
        """Return the ``content`` of a success, its envelope kept as a component."""
        if serializer is None:
            return components.media(components.answer({}, is_page=False), examples)
        data = self.resolve_serializer(serializer, "response").ref
        if is_list:
            data = {"type": "array", "items": data}
        name = f"{serializer.__name__}{'Page' if is_list else 'Answer'}"
        schema = self.register(ResolvedComponent.SCHEMA, name, components.answer(data, is_page=is_list))
        return components.media(schema, examples)

    def refusal(self, refusals: Sequence[type[DomainError]], *more_headers: str) -> JsonObject:
        """Return the response of one status that answers with any of the refusals."""
        samples = [refusal.sample() for refusal in refusals]
        name = "Or".join(refusal.code.title().replace("_", "") for refusal in refusals)
        schema = components.refusal(refusal.code for refusal in refusals)
        reference = self.register(ResolvedComponent.SCHEMA, f"{name}Failure", schema)
        headers = dict.fromkeys(header for sample in samples for header in sample.headers)
        return {
            "description": "\n\n".join(f"`{sample.code}`: {sample.text}" for sample in samples),
            "headers": self.header_refs(*headers, *more_headers),
            "content": components.media(
                reference, {sample.code: components.refusal_example(sample) for sample in samples}
            ),
        }

    def _map_serializer_field(self, field: object, direction: Any, bypass_extensions: bool = False) -> Any:
        if isinstance(field, DescribesItself):
            return append_meta(field.json_schema(), self._get_serializer_field_meta(field, direction))
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        # The mark by which drf-spectacular's own hook would find enumerations; ours stay where they are used.
        schema.pop("x-spec-enum-id", None)
        return schema

    def _insert_field_validators(self, field: object, schema: Any) -> None:
        if not isinstance(field, DescribesItself):
            super()._insert_field_validators(field, schema)

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> JsonObject:
        schema = super()._map_basic_serializer(serializer, direction)
        properties = schema.setdefault("properties", {})
        if "required" in schema:
            schema["required"] = [name for name in properties if name in schema["required"]]
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
            if serializer.min_fields:
                schema["minProperties"] = serializer.min_fields
            else:
                optional = [name for name, field in serializer.fields.items() if not field.required]
                properties.update({name: _or_null(properties[name]) for name in optional})
        return schema


def _or_null(schema: JsonObject) -> JsonObject:
    """Allow null as well, which counts as absent."""
    if "enum" in schema and None not in schema["enum"]:
        schema = {**schema, "enum": [*schema["enum"], None]}
    is_nullable = "null" in schema.get("type", ())
    return schema if is_nullable else append_meta(schema, {"nullable": True})


def _path_parameter(name: str) -> JsonObject:
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for model in apps.get_models():
        key = model._meta.pk
        noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
        if isinstance(key, PrefixedIdField) and name == f"{noun.replace(' ', '_')}_id":
            schema = {"type": "string", "pattern": id_pattern(key.prefix)}
            return {**parameter, "description": f"The id of the {noun}.", "schema": schema}
    return parameter
