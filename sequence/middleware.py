"""Django's middleware for the staff's pages, kept off the API's path: a program has no session, cookie or form."""

from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from sequence.api.fallbacks import is_api


class _SkipsTheApi:
    """Mixed in before a middleware: requests of the API go straight on."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


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
    pass


class Messages(_SkipsTheApi, MessageMiddleware):
    pass
