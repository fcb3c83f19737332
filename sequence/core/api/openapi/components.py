"""Components of the OpenAPI document that every operation shares: headers, envelopes, refusals."""

from collections.abc import Iterable, Mapping

from sequence.core.api import request_ids
from sequence.core.api.envelope import CONTENT_TYPE
from sequence.core.api.schemas import object_of, ref
from sequence.core.errors import Detail, DomainError
from sequence.core.typing import JsonObject

# What the examples show; any id that a request may carry would do.
EXAMPLE_REQUEST_ID = "req_01HABC7002"

REQUEST_ID: JsonObject = {
    "type": "string",
    "pattern": f"^{request_ids.ALLOWED.pattern}$",
    "minLength": 1,
    "maxLength": request_ids.MAX_LENGTH,
    "examples": [EXAMPLE_REQUEST_ID],
}
REQUEST_ID_PARAMETER = {
    "name": request_ids.HEADER,
    "in": "header",
    "required": False,
    "description": "Your own identifier of the request, echoed in the header `X-Request-ID` and the body field "
    "`request_id`. Without one the server makes it.",
    "schema": REQUEST_ID,
}
PAGE_INFO: JsonObject = {
    "type": "object",
    "properties": {
        "end_cursor": {
            "type": ["string", "null"],
            "description": "Give it as `after` to get the next page. Null when the page is empty.",
        },
        "has_next_page": {"type": "boolean"},
    },
    "required": ["end_cursor", "has_next_page"],
}
DETAIL: JsonObject = {
    "type": "object",
    "description": "One fault of a request.",
    "properties": {
        "field": {"type": "string", "description": "Where, such as `steps[0].actions[1].amount_in_cents`."},
        "code": {"type": "string", "description": "Which, stable and machine-readable."},
        "message": {"type": "string", "description": "In words, for people."},
    },
    "required": list(Detail.__annotations__),
}
HEADERS: dict[str, JsonObject] = {
    request_ids.HEADER: {
        "description": "The identifier of this request: yours, or the one that the server made.",
        "required": True,
        "schema": REQUEST_ID,
    },
    "Retry-After": {
        "description": "Seconds after which the request may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "The scheme.", "required": True, "schema": {"type": "string"}},
}


def media(schema: Mapping[str, object], examples: Mapping[str, object]) -> JsonObject:
    """Return the ``content`` of a body. ``examples`` are values by name."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {CONTENT_TYPE: {"schema": schema, **({"examples": shown} if shown else {})}}


def answer(data: Mapping[str, object], *, is_page: bool) -> JsonObject:
    """Return the schema of a success whose ``data`` has the given schema."""
    properties: JsonObject = {"request_id": ref("RequestId"), "data": data}
    if is_page:
        properties["page_info"] = ref("PageInfo")
    return object_of(properties)


def error_of(codes: Iterable[str]) -> JsonObject:
    """Return the schema of what a failure tells, with one of the codes."""
    return {
        "type": "object",
        "properties": {
            "code": {"type": "string", "enum": list(codes), "description": "Stable and machine-readable."},
            "message": {"type": "string", "description": "For people; it may change."},
            "details": {
                "type": "array",
                "items": ref("Detail"),
                "description": "Each fault of the request, where there is something to point at.",
            },
        },
        "required": ["code", "message"],
    }


def refusal(error: JsonObject) -> JsonObject:
    """Return the schema of a failure whose ``error`` has the given schema."""
    return object_of({"request_id": ref("RequestId"), "error": error})


def refusal_example(refusal: DomainError) -> JsonObject:
    """Return the body of a refusal."""
    error: JsonObject = {"code": refusal.code, "message": refusal.text}
    if refusal.details:
        error["details"] = refusal.details
    return {"request_id": EXAMPLE_REQUEST_ID, "error": error}


def group_by_status(refusals: Iterable[type[DomainError]]) -> dict[int, list[type[DomainError]]]:
    """Return the refusals by their HTTP status, the lowest first, each code once: the most particular has it."""
    by_code = {refusal.code: refusal for refusal in refusals}
    groups: dict[int, list[type[DomainError]]] = {}
    for refusal in sorted(by_code.values(), key=lambda refusal: refusal.status):
        groups.setdefault(refusal.status, []).append(refusal)
    return groups
