"""Answers where no endpoint answers: unknown addresses, and what breaks outside a view."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from sequence.core.api.dialects import dialect_of
from sequence.core.api.envelope import failure, spell_refusal
from sequence.core.api.failures import database_away
from sequence.core.api.request_ids import request_id_of
from sequence.core.database.availability import is_away
from sequence.core.errors import DatabaseAway, DomainError, InvalidRequest, NotFound, UnexpectedError


def is_api(request: HttpRequest) -> bool:
    """Say whether the address belongs to the API, in whichever dialect."""
    return dialect_of(request.path) is not None


def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with a refusal in the dialect of the address."""
    return failure(request, error, dialect_of(request.path) or spell_refusal)


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """404 in the dialect, for every address under it that is none of its own."""
    return refuse(request, NotFound())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refuse what Django itself found wrong: in the dialect of the API that was asked, or on a page. ``handler400``."""
    return refuse(request, InvalidRequest()) if is_api(request) else defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a person who may not do this, with a page: the API refuses by itself. ``handler403``."""
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refuse an address that is none: in the dialect of the API that was asked, or on a page. ``handler404``."""
    return refuse(request, NotFound()) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, *_: object) -> HttpResponse:
    """500, or 503 while the database is away. Django calls this where it handles what broke."""
    error = sys.exception()
    if error is not None and is_away(error):
        return _unavailable(request, database_away(error))
    if is_api(request):
        return refuse(request, UnexpectedError(request_id=request_id_of(request)))
    return defaults.server_error(request)


def _unavailable(request: HttpRequest, refusal: DatabaseAway) -> HttpResponse:
    if is_api(request):
        return refuse(request, refusal)
    # Without the request: who is signed in stands in the database.
    response = HttpResponse(render_to_string("503.html"), status=refusal.status)
    for name, value in refusal.headers.items():
        response[name] = value
    # Django's own line has a traceback, as for a defect; the reason is in the log already.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
