"""``GET …/schema`` of each dialect: public, since it tells nothing that a key protects."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers

from sequence.core.api.dialects import SpellRefusal
from sequence.core.api.envelope import CONTENT_TYPE, failure, spell_refusal
from sequence.core.api.failures import refusal_of
from sequence.core.api.fields import StrictSerializer, read_query
from sequence.core.api.openapi import document
from sequence.core.api.request_ids import check_request_id
from sequence.core.errors import MethodNotAllowed, NotAcceptable

YAML = "application/yaml"
_METHODS = ("GET", "HEAD")
_FORMATS = {"json": CONTENT_TYPE, "yaml": YAML}
# In the order of preference where the caller has none.
_MEDIA_TYPES = (CONTENT_TYPE, "application/vnd.oai.openapi+json", YAML, "application/vnd.oai.openapi")


class SchemaQuery(StrictSerializer):
    """Query of ``GET /schema``. A browser cannot choose its Accept header, hence the parameter."""

    format = serializers.ChoiceField(choices=list(_FORMATS), required=False)


@csrf_exempt
def schema(
    request: HttpRequest, prefix: str = document.OWN_PREFIX, spell: SpellRefusal = spell_refusal
) -> HttpResponse:
    """Answer with the OpenAPI document, as JSON or, if asked for by ``Accept`` or ``?format=yaml``, as YAML."""
    try:
        if prefix == document.OWN_PREFIX:
            _check(request)
        media_type = _choose_media_type(request)
        make = document.as_yaml if media_type in _MEDIA_TYPES[2:] else document.as_json
        content = make(prefix)
    except Exception as error:  # noqa: BLE001 - refusal_of logs what nobody expected
        return failure(request, refusal_of(error, request), spell)
    return HttpResponse(content, content_type=media_type, headers={"Content-Length": str(len(content))})


def _check(request: HttpRequest) -> None:
    """Refuse what only another dialect lets pass."""
    if request.method not in _METHODS:
        raise MethodNotAllowed(method=request.method or "", allowed=_METHODS)
    check_request_id(request)
    read_query(SchemaQuery, request.GET)


def _choose_media_type(request: HttpRequest) -> str:
    if request.GET.get("format") in _FORMATS:
        return _FORMATS[request.GET["format"]]
    media_type = request.get_preferred_type(_MEDIA_TYPES)
    if media_type is None:
        raise NotAcceptable(f"This document is {CONTENT_TYPE} or {YAML}.")
    return media_type
