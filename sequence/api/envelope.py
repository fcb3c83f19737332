"""The shape of every answer: ``{"request_id", "data"}`` or ``{"request_id", "error"}``, as UTF-8 JSON."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequence.api.pagination import Page
from sequence.api.request_ids import request_id_of
from sequence.errors import DomainError

CONTENT_TYPE = "application/json"


def success(request: HttpRequest, data: Any, *, status: int = 200) -> HttpResponse:
    """Answer with ``data``: anything JSON can say, or a ``Page`` of it."""
    if isinstance(data, Page):
        return json_response({"request_id": request_id_of(request), "data": data.items, "page_info": data.info}, status)
    return json_response({"request_id": request_id_of(request), "data": data}, status)


def no_content() -> HttpResponse:
    """Answer 204: done, and nothing to say."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


def failure(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with a refusal, its headers included."""
    body: dict[str, Any] = {"code": error.code, "message": error.text}
    if error.details:
        body["details"] = error.details
    response = json_response({"request_id": request_id_of(request), "error": body}, error.status)
    for name, value in error.headers.items():
        response[name] = value
    return response


def json_response(body: Any, status: int) -> HttpResponse:
    """Return ``body`` as compact JSON with every character as itself."""
    raw = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return HttpResponse(raw, status=status, content_type=CONTENT_TYPE, headers={"Content-Length": str(len(raw))})
