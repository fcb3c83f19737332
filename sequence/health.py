"""``/healthz``: whether this process answers and reaches its database, for load balancers and monitors."""

import os
from collections.abc import Callable

import structlog
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from sequence import start_token
from sequence.core.database.availability import reason_of

PATH = "/healthz"

log = structlog.get_logger("sequence.health")


class HealthMiddleware:
    """Answer before anything else does: a load balancer asks by address, in clear, and often.

    So no host is checked, nothing leads to https, and no line is logged. The answer tells nothing worth hiding.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.start_token = os.environ.get(start_token.VARIABLE, "")
        self.start_path = start_token.start_path(self.start_token)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == PATH:
            return _answer()
        if self.start_token and request.path == self.start_path:
            return _text(f"{self.start_token}\n", status=200)
        return self.get_response(request)


def _answer() -> HttpResponse:
    try:
        _ask_database()
    except Error as error:
        log.warning("database_unreachable", reason=reason_of(error))
        return _text("The database cannot be reached.\n", status=503)
    return _text("ok\n", status=200)


def _ask_database() -> None:
    """Raise Error if the database does not answer. A connection that broke unseen is opened anew before it counts."""
    try:
        _select()
    except Error:
        connection.close()
        _select()


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _text(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})
