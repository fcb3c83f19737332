"""Collection of all operations, for Postman, Bruno and Insomnia, made from the OpenAPI document.

The format is Postman's, version 2.1, which the others read: https://schema.postman.com/collection/json/v2.1.0/.
"""

import json
import re
from collections.abc import Collection, Iterator
from functools import cache

from sequence.core.api.envelope import CONTENT_TYPE
from sequence.core.api.openapi.document import document
from sequence.core.api.openapi.story import steps_of
from sequence.core.typing import JsonObject

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_SERVER = "http://127.0.0.1:8000"
# Made anew by the program at each sending.
_UNIQUE = "{{$guid}}"


@cache
def collection() -> JsonObject:
    """Return the collection: a folder for each tag, a request for each operation."""
    described = document()
    folders: dict[str, list[JsonObject]] = {}
    names = dict.fromkeys(name for path in described["paths"] for name in re.findall(r"{(\w+)}", path))
    for path, item in described["paths"].items():
        for method, operation in item.items():
            folders.setdefault(operation["tags"][0], []).append(
                _item(path, method.upper(), operation, described, names)
            )
    return {
        "info": {
            "name": described["info"]["title"],
            "schema": _SCHEMA,
            "description": described["info"]["description"],
        },
        "auth": {
            "type": "apikey",
            "apikey": [
                {"key": "key", "value": "Authorization"},
                {"key": "value", "value": "ApiKey {{key}}"},
                {"key": "in", "value": "header"},
            ],
        },
        "variable": [{"key": "server", "value": _SERVER}, *({"key": name, "value": ""} for name in ("key", *names))],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


@cache
def as_json() -> bytes:
    """Return the collection as the file that Postman and Bruno take."""
    return json.dumps(collection(), ensure_ascii=False, indent=1).encode()


def _item(
    path: str, method: str, operation: JsonObject, described: JsonObject, variables: Collection[str]
) -> JsonObject:
    request: JsonObject = {
        "method": method,
        "header": list(_headers(operation, described)),
        "url": _url(path, operation, variables),
        "description": operation["description"],
    }
    if "requestBody" in operation:
        text = json.dumps(_body(operation), ensure_ascii=False, indent=2)
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return {"name": operation["summary"], "request": request}


def _headers(operation: JsonObject, described: JsonObject) -> Iterator[JsonObject]:
    if "requestBody" in operation:
        yield {"key": "Content-Type", "value": CONTENT_TYPE}
    parameters = described["components"]["parameters"]
    referred = [parameters[one["$ref"].rpartition("/")[2]]["name"] for one in operation["parameters"] if "$ref" in one]
    if "Idempotency-Key" in referred:
        yield {"key": "Idempotency-Key", "value": _UNIQUE}


def _url(path: str, operation: JsonObject, variables: Collection[str]) -> JsonObject:
    """Return the address with variables of the collection; filters wait, switched off."""
    filled = re.sub(r"{(\w+)}", r"{{\1}}", path)
    query = [
        {
            "key": (name := parameter["name"]),
            "value": f"{{{{{name}}}}}" if name in variables else str(parameter.get("example", "")),
            "description": parameter["description"],
            "disabled": not parameter["required"],
        }
        for parameter in operation["parameters"]
        if parameter.get("in") == "query"
    ]
    needed = "&".join(f"{one['key']}={one['value']}" for one in query if not one["disabled"])
    return {
        "raw": f"{{{{server}}}}{filled}{'?' if needed else ''}{needed}",
        "host": ["{{server}}"],
        "path": filled.strip("/").split("/"),
        **({"query": query} if query else {}),
    }


def _body(operation: JsonObject) -> object:
    bodies = [step["body"] for step in steps_of(operation["operationId"]) if step["body"] is not None]
    return bodies[0] if bodies else {}
