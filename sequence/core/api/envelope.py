"""Envelope of every answer: ``{"request_id", "data"}`` or ``{"request_id", "error"}``, as UTF-8 JSON."""

import json
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from sequence.core.api.dialects import SpelledRefusal, SpellRefusal
from sequence.core.api.pagination import Page
from sequence.core.api.request_ids import request_id_of
from sequence.core.errors import DomainError
from sequence.core.typing import JsonObject

CONTENT_TYPE = "application/json"


def success(request: HttpRequest, data: object, *, status: int = 200) -> HttpResponse:
    """Answer with ``data``: anything JSON can say, or a ``Page`` of it."""
    if isinstance(data, Page):
        return json_response({"request_id": request_id_of(request), "data": data.items, "page_info": data.info}, status)
    return json_response({"request_id": request_id_of(request), "data": data}, status)


def no_content(status: int = 204) -> HttpResponse:
    """Answer that it is done, or taken, and that there is nothing to say."""
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


def spell_refusal(request_id: str, error: DomainError) -> SpelledRefusal:
    """Return a refusal as ``/api/v1`` spells it."""
    told: JsonObject = {"code": error.code, "message": error.text}
    if error.details:
        told["details"] = error.details
    content = as_json({"request_id": request_id, "error": told})
    return SpelledRefusal(error.status, CONTENT_TYPE, content, error.headers)


def failure(request: HttpRequest, error: DomainError, spell: SpellRefusal = spell_refusal) -> HttpResponse:
    """Answer with a refusal, its headers included."""
    spelled = spell(request_id_of(request), error)
    response = _response(spelled.content, spelled.status, spelled.content_type)
    for name, value in spelled.headers.items():
        response[name] = value
    # Django would log an error for 503, though nothing of ours is broken. The request has its own line.
    response._has_been_logged = error.status == HTTPStatus.SERVICE_UNAVAILABLE  # type: ignore[attr-defined]
    return response


def as_json(body: object) -> bytes:
    """Return ``body`` as compact JSON with every character as itself."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def json_response(body: object, status: int) -> HttpResponse:
    """Answer with the body as JSON, whatever the client would accept."""
    return _response(as_json(body), status, CONTENT_TYPE)


def _response(raw: bytes, status: int, content_type: str) -> HttpResponse:
    return HttpResponse(raw, status=status, content_type=content_type, headers={"Content-Length": str(len(raw))})
