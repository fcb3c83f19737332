"""``/healthz``: whether this process answers and reaches its database, for load balancers and monitors."""

import hashlib
import os
from collections.abc import Callable

import structlog
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from sequence.core.database.availability import reason_of

PATH = "/healthz"

# The variable with the secret of one start, by which ./run knows the server that it started from any other one.
START_TOKEN = "START_TOKEN"  # noqa: S105 - a name.

log = structlog.get_logger("sequence.health")


class HealthMiddleware:
    """Answer before anything else does: a load balancer asks by address, in clear, and often.

    So no host is checked, nothing leads to https, and no line is logged. The answer tells nothing worth hiding.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.start_token = os.environ.get(START_TOKEN, "")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == PATH:
            return _answer()
        if self.start_token and request.path == start_path(self.start_token):
            return _text(f"{self.start_token}\n", status=200)
        return self.get_response(request)


def start_path(token: str) -> str:
    """Return where the server of one start, and no other, answers with its token.

    The path is known to who knows the token, and does not tell it: whoever else listens there cannot answer.
    """
    return f"{PATH}/{hashlib.sha256(token.encode()).hexdigest()}"


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
