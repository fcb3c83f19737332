"""Serializers, paths and refusals as OpenAPI, in the envelope of this API."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta, safe_ref
from rest_framework.serializers import Serializer

from sequence.core.api import request_ids
from sequence.core.api.fields import DescribesItself, StrictSerializer
from sequence.core.api.ids import PrefixedIdField, id_pattern
from sequence.core.api.openapi import components
from sequence.core.api.schemas import NULL, Named, Variants, ref
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

    shared_schemas: ClassVar[Mapping[str, JsonObject]] = _SHARED_SCHEMAS

    def open_registry(self, registry: Any) -> None:
        """Start an operation whose components go into ``registry``."""
        self.registry = registry
        for name, schema in self.shared_schemas.items():
            self.register(ResolvedComponent.SCHEMA, name, schema)
        for name, header in components.HEADERS.items():
            self.register(ResolvedComponent.HEADER, name, header)

    def register(self, kind: str, name: str, schema: Mapping[str, object]) -> JsonObject:
        """Keep ``schema`` as a component, and return the reference to it."""
        component = ResolvedComponent(name, kind, schema, object=name)
        self.registry.register_on_missing(component)
        if self.registry[component].schema != schema:
            raise ImproperlyConfigured(f"Two different {kind} are called {name}.")
        return ref(name, kind)

    def header_refs(self, *names: str) -> JsonObject:
        return {name: ref(name, "headers") for name in (request_ids.HEADER, *names)}

    def query_parameters(self, query: StrictSerializer) -> list[JsonObject]:
        """Return one parameter for each field of the query."""
        parameters = []
        for name, field in query.fields.items():
            schema = dict(self._map_serializer_field(field, "request"))
            description = schema.pop("description", "")
            parameters.append(
                {
                    "name": name,
                    "in": "query",
                    "required": field.required,
                    "description": description,
                    "schema": safe_ref(schema),
                }
            )
        return parameters

    def path_parameters(self, path: str) -> list[JsonObject]:
        """Return one parameter for each variable of the path; ``{account_id}`` is the id of an ``Account``."""
        return [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]

    def success(self, serializer: type[Serializer], *, is_list: bool) -> JsonObject:
        """Return the ``content`` of a success, its envelope kept as a component."""
        data = self.resolve_serializer(serializer, "response").ref
        if is_list:
            data = {"type": "array", "items": data}
        name = f"{serializer.__name__}{'Page' if is_list else 'Answer'}"
        schema = self.register(ResolvedComponent.SCHEMA, name, components.answer(data, is_page=is_list))
        return components.media(schema, {})

    def refusal(self, refusals: Sequence[type[DomainError]], *more_headers: str) -> JsonObject:
        """Return the response of one status that answers with any of the refusals."""
        samples = [refusal.sample() for refusal in refusals]
        name = "Or".join(refusal.code.title().replace("_", "") for refusal in refusals)
        told = components.error_of(refusal.code for refusal in refusals)
        error = self.register(ResolvedComponent.SCHEMA, f"{name}Refusal", told)
        reference = self.register(ResolvedComponent.SCHEMA, f"{name}Failure", components.refusal(error))
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
            schema = self._with_names(field.json_schema(), direction)
            return append_meta(schema, self._get_serializer_field_meta(field, direction))
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        # The mark by which drf-spectacular's own hook would find enumerations; ``Word`` names ours.
        schema.pop("x-spec-enum-id", None)
        return schema

    def _with_names(self, node: Any, direction: Any) -> Any:
        """Return the schema with a reference in place of everything in it that has a name."""
        if isinstance(node, type):
            return self.resolve_serializer(node, direction).ref
        if isinstance(node, Named):
            return self.register(ResolvedComponent.SCHEMA, node.name, self._with_names(node.schema, direction))
        if isinstance(node, Variants):
            options = {value: self._with_names(option, direction) for value, option in node.options.items()}
            return self.register(ResolvedComponent.SCHEMA, node.name, node.schema(options))
        if isinstance(node, dict):
            return {name: self._with_names(inner, direction) for name, inner in node.items()}
        return [self._with_names(inner, direction) for inner in node] if isinstance(node, list) else node

    def _insert_field_validators(self, field: object, schema: object) -> None:
        if not isinstance(field, DescribesItself):
            super()._insert_field_validators(field, schema)

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> JsonObject:
        schema = super()._map_basic_serializer(serializer, direction)
        properties = schema.setdefault("properties", {})
        # In their order, and what is read only as well: an answer has it, a request need not.
        schema["required"] = [name for name, field in serializer.fields.items() if field.required]
        if not schema["required"]:
            del schema["required"]
        if isinstance(serializer, StrictSerializer):
            if not serializer.is_open:
                schema["additionalProperties"] = False
            if serializer.min_fields:
                schema["minProperties"] = serializer.min_fields
            else:
                optional = [name for name, field in serializer.fields.items() if not field.required]
                properties.update({name: _or_left_out(properties[name]) for name in optional})
        return schema


def _or_left_out(schema: JsonObject) -> JsonObject:
    """Allow null as well, which counts as absent. What it is then stands in words: of a field with a ``default`` many
    tools make one that must be there.
    """
    schema = dict(schema)
    if "default" in schema:
        default = f"`{json.dumps(schema.pop('default'))}` where it is left out."
        schema["description"] = f"{schema.get('description', '')} {default}".strip()
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if named := schema.pop("allOf", None):
        return {"oneOf": [*named, NULL], **schema}
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
