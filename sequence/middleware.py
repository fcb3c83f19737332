"""Django's middleware for the staff's pages, kept off the API's path: a program has no session, cookie or form.

And https and the host for the API, whose keys a redirect would not protect.
"""

from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from sequence.core.admin.staff_sessions import end_if_over
from sequence.core.api.fallbacks import is_api, refuse
from sequence.core.database.planning import planned_anew
from sequence.core.errors import HttpsRequired, InvalidRequest


class _SkipsTheApi:
    """Mixed in before a middleware: requests of the API go straight on."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class ApiDoor:
    """Refuse a request of the API that came in clear, where pages lead to https, or for a host that is not ours.

    Whatever the API answers is for the caller alone, and for now: no cache keeps it, not even the open document.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response = self._refusal(request) or self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    def _refusal(self, request: HttpRequest) -> HttpResponseBase | None:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return refuse(request, HttpsRequired())
        try:
            request.get_host()
        except DisallowedHost:
            return refuse(request, InvalidRequest.of("Host", "invalid", "This server does not answer for this host."))
        return None


class PlannedAnew:
    """Let what the staff's pages ask be planned for its values: they ask seldom, and in many ways.

    The API's reads say so themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        with planned_anew():
            return self.get_response(request)


class StaticFiles(_SkipsTheApi, WhiteNoiseMiddleware):
    pass


class ContentSecurityPolicy(_SkipsTheApi, CSPMiddleware):
    pass


class Sessions(_SkipsTheApi, SessionMiddleware):
    pass


class Common(_SkipsTheApi, CommonMiddleware):
    pass


class Csrf(_SkipsTheApi, CsrfViewMiddleware):
    pass


class Authentication(_SkipsTheApi, AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        end_if_over(request.session)
        super().process_request(request)


class Messages(_SkipsTheApi, MessageMiddleware):
    pass
