"""``GET /api/v1/schema``: public, since it tells nothing that a key protects."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers

from sequence.core.api.envelope import CONTENT_TYPE, failure
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
def schema(request: HttpRequest) -> HttpResponse:
    """Answer with the OpenAPI document, as JSON or, if asked for by ``Accept`` or ``?format=yaml``, as YAML."""
    try:
        media_type = _choose_media_type(request)
        content = document.as_yaml() if media_type in _MEDIA_TYPES[2:] else document.as_json()
    except Exception as error:  # noqa: BLE001 - refusal_of logs what nobody expected
        return failure(request, refusal_of(error, request))
    return HttpResponse(content, content_type=media_type, headers={"Content-Length": str(len(content))})


def _choose_media_type(request: HttpRequest) -> str:
    if request.method not in _METHODS:
        raise MethodNotAllowed(method=request.method or "", allowed=_METHODS)
    check_request_id(request)
    query = SchemaQuery(data=read_query(request.GET))
    query.is_valid(raise_exception=True)
    if "format" in query.validated_data:
        return _FORMATS[query.validated_data["format"]]
    media_type = request.get_preferred_type(_MEDIA_TYPES)
    if media_type is None:
        raise NotAcceptable(f"This document is {CONTENT_TYPE} or {YAML}.")
    return media_type
