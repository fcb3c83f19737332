"""OpenAPI document: put in order, made once a process, in two spellings."""

import inspect
import json
from collections.abc import Callable
from functools import cache
from threading import RLock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from sequence.core.typing import JsonObject
from sequence.core.wired import wired

_METHODS = ("get", "post", "put", "patch", "delete")


OWN_PREFIX = "/api/v1/"


class _Generator(SchemaGenerator):
    """Looks at the addresses of one dialect."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def _get_paths_and_endpoints(self) -> list[object]:
        return [endpoint for endpoint in super()._get_paths_and_endpoints() if endpoint[0].startswith(self.prefix)]


def document() -> JsonObject:
    """Return the OpenAPI document of ``/api/v1``."""
    return document_of(OWN_PREFIX)


# Two threads of a new process may be asked for it at once, and each would leave parts of its own in the other's.
_making = RLock()


@cache
def document_of(prefix: str) -> JsonObject:
    """Return the OpenAPI document of the addresses under the prefix. Making it takes a second; it is kept."""
    with _making:
        made = _Generator(prefix).get_schema(public=True)
        describe: Callable[[JsonObject], JsonObject] = wired("DOCUMENTS")[prefix]
        return describe(made)


@cache
def as_json(prefix: str) -> bytes:
    """Return the document of the API under ``prefix`` as JSON, made once for each process."""
    return json.dumps(document_of(prefix), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def as_yaml(prefix: str) -> bytes:
    """Return the same document as YAML."""
    return OpenApiYamlRenderer().render(document_of(prefix))


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
