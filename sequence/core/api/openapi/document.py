"""OpenAPI document: put in order, made once a process, in two spellings."""

import inspect
import json
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from sequence.core.typing import JsonObject

_METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> JsonObject:
    """Return the OpenAPI document of every address in ``ROOT_URLCONF``. Making it takes a second; it is kept."""
    return SchemaGenerator().get_schema(public=True)


@cache
def as_json() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def as_yaml() -> bytes:
    return OpenApiYamlRenderer().render(document())


def arrange(result: JsonObject, generator: Any, **_: object) -> JsonObject:
    """A hook of drf-spectacular: methods in one order in every process, and each tag with its viewset's docstring."""
    paths = {
        path: {method: item[method] for method in _METHODS if method in item} for path, item in result["paths"].items()
    }
    tags: dict[str, str] = {}
    for path, _regex, method, callback in generator.endpoints:
        operation = paths.get(path, {}).get(method.lower(), {})
        for tag in operation.get("tags", []):
            tags.setdefault(tag, inspect.getdoc(callback.cls) or "")
    described = [{"name": name, "description": description} for name, description in tags.items()]
    return {**result, "paths": paths, "tags": described}
