"""X-Request-ID: the caller's or ours, in the answer, on every log line."""

import re
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path

from sequence.core.api.ids import new_id
from sequence.core.client_address import client_address
from sequence.core.errors import InvalidRequest

HEADER = "X-Request-ID"
MAX_LENGTH = 128
ALLOWED = re.compile(rf"[A-Za-z0-9._:/|-]{{1,{MAX_LENGTH}}}")

log = structlog.get_logger("sequence.requests")


class RequestIdMiddleware:
    """Give every request an id, echo it in the answer, and write one log line about the two.

    The header is a stranger's text: one that is not well formed never reaches a log. The API refuses such a request
    once it knows the caller (``check_request_id``), under an id made here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.headers.get(HEADER)
        request.request_id = choose_request_id(given)  # type: ignore[attr-defined]
        request.has_bad_request_id = given not in (None, request.request_id)  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.request_id)  # type: ignore[attr-defined]

        response = self.get_response(request)
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        if not _is_of_no_interest(request, response):
            log.info(
                "request",
                method=request.method,
                path=escape_uri_path(request.path),
                client=client_address(request),
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
        return response


def _is_of_no_interest(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Say whether it is a file of a page that was there: a dozen with each page, between whoever reads and the rest."""
    return request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/") and response.status_code < 400


def choose_request_id(given: str | None) -> str:
    """Return the id that the caller gave if it is well formed, else one made here."""
    return given if given is not None and ALLOWED.fullmatch(given) else new_id("req")


def request_id_of(request: HttpRequest) -> str:
    """Return the id that the middleware gave the request."""
    return request.request_id  # type: ignore[attr-defined]


def check_request_id(request: HttpRequest) -> None:
    """Raise InvalidRequest when the caller gave an id that is not well formed."""
    if request.has_bad_request_id:  # type: ignore[attr-defined]
        message = f"Use 1 to {MAX_LENGTH} characters of A-Z a-z 0-9 . _ : / | -"
        raise InvalidRequest.of(HEADER, "invalid", message)
