"""Answers where no endpoint answers: unknown addresses, and what breaks outside a view."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from sequence.core.api.envelope import failure
from sequence.core.api.request_ids import request_id_of
from sequence.core.errors import InvalidRequest, NotFound, UnexpectedError

API_PREFIX = "/api/v1"


def is_api(request: HttpRequest) -> bool:
    """Say whether the address belongs to the API."""
    return is_api_path(request.path)


def is_api_path(path: str) -> bool:
    """Say whether the path belongs to the API."""
    return path == API_PREFIX or path.startswith(f"{API_PREFIX}/")


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """404 in the envelope, for every address under the API that is none of its own."""
    return failure(request, NotFound())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(request, InvalidRequest()) if is_api(request) else defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(request, NotFound()) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, *_: Any) -> HttpResponse:
    if is_api(request):
        return failure(request, UnexpectedError(request_id=request_id_of(request)))
    return defaults.server_error(request)
