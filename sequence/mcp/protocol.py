"""Protocol: revisions, JSON-RPC messages, and how a refusal of either goes over the wire.

https://modelcontextprotocol.io/specification has the revisions; JSON-RPC 2.0 is at https://www.jsonrpc.org/specification.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequence.core.api.bodies import UNSTORABLE, is_storable
from sequence.core.api.dialects import SpelledRefusal
from sequence.core.api.envelope import CONTENT_TYPE, as_json
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject

MODERN = "2026-07-28"
# Those that begin with ``initialize``, the newest first.
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
SUPPORTED = (MODERN, *LEGACY)

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADERS_DIFFER, UNSUPPORTED_VERSION = -32020, -32022
# What the server refuses before it looks at a message: JSON-RPC leaves these numbers to servers.
REFUSED = -32000

_VERSION_IN_META = "io.modelcontextprotocol/protocolVersion"
SERVER_IN_META = "io.modelcontextprotocol/serverInfo"


@dataclass
class RpcError(Exception):
    """A refusal of the protocol: JSON-RPC's code, and the HTTP status that it goes with."""

    code: int
    message: str
    status: int = 400
    data: JsonObject | None = None
    id: str | int | None = None

    def answer(self) -> HttpResponse:
        error = {"code": self.code, "message": self.message, **({"data": self.data} if self.data else {})}
        return respond({"jsonrpc": "2.0", "id": self.id, "error": error}, self.status)


@dataclass(frozen=True)
class Message:
    """A JSON-RPC message that a client sent. One without ``id`` is a notification, which gets no answer."""

    method: str
    params: JsonObject = field(default_factory=dict)
    id: str | int | None = None

    @property
    def is_notification(self) -> bool:
        return self.id is None

    @property
    def meta(self) -> Mapping[str, object]:
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}

    @property
    def version(self) -> object:
        """The revision that it says it is of; None where it says none, as in those with a handshake."""
        return self.meta.get(_VERSION_IN_META)


def read_message(raw: bytes) -> Message:
    """Return the one message of a request's body. Raises RpcError."""
    try:
        body = json.loads(
            raw.decode(),
            object_pairs_hook=_with_distinct_names,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError):
        raise RpcError(PARSE_ERROR, "This is no JSON.") from None
    if isinstance(body, list):
        raise RpcError(INVALID_REQUEST, "Send one message in each request: there are no batches.")
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0" or not isinstance(body.get("method"), str):
        raise RpcError(INVALID_REQUEST, 'Send a JSON-RPC request: {"jsonrpc": "2.0", "id", "method", "params"}.')
    id, params = body.get("id"), body.get("params", {})
    if not is_storable(body["method"]):
        raise RpcError(INVALID_REQUEST, UNSTORABLE)
    if "id" in body and (isinstance(id, bool) or not isinstance(id, (str, int)) or not is_storable(str(id))):
        raise RpcError(INVALID_REQUEST, "An id is a text or a whole number.")
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "The params are an object.", id=id)
    return Message(body["method"], params, id)


def is_modern(message: Message, request: HttpRequest) -> bool:
    """Say whether each request tells its revision itself; raises RpcError for one that no revision of ours is."""
    told = request.headers.get("MCP-Protocol-Version")
    if message.version is None and told != MODERN:
        if told is not None and told not in LEGACY:
            raise _unsupported(told, message)
        return False
    if message.is_notification:
        if told != MODERN:
            raise _unsupported(str(told or message.version), message)
        return True
    _check_headers(message, request)
    if message.version != MODERN:
        raise _unsupported(message.version, message)
    return True


def _check_headers(message: Message, request: HttpRequest) -> None:
    """Raise RpcError unless the headers, by which others route, say what the body does."""
    wanted = {"MCP-Protocol-Version": message.version, "Mcp-Method": message.method}
    if message.method == "tools/call":
        wanted["Mcp-Name"] = message.params.get("name")
    for header, value in wanted.items():
        if request.headers.get(header) != value:
            text = f"The header {header} is missing, or says another thing than the body."
            raise RpcError(HEADERS_DIFFER, text, id=message.id)


def _unsupported(version: object, message: Message) -> RpcError:
    data = {"supported": list(SUPPORTED), "requested": version}
    return RpcError(UNSUPPORTED_VERSION, "This revision of the protocol is not spoken here.", data=data, id=message.id)


def _with_distinct_names(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Return the object. One that says two things under one name says nothing that money could be moved by."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands twice in one object.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is out of range.")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


def respond(body: object, status: int = 200) -> HttpResponse:
    """Answer with the body as JSON."""
    return HttpResponse(as_json(body), status=status, content_type=CONTENT_TYPE)


def spell_refusal(request_id: str, error: DomainError) -> SpelledRefusal:
    """Return a refusal at the door, before there is a message, as JSON-RPC tells it."""
    data: JsonObject = {"code": error.code.upper(), "requestId": request_id}
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": error.text, "data": data}}
    return SpelledRefusal(error.status, CONTENT_TYPE, as_json(body), error.headers)
