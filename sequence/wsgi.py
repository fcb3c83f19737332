"""WSGI application that the web server loads."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

from sequence.core.typing import JsonObject


class Utf8Request(WSGIRequest):
    """A request whose query is UTF-8, whatever charset its Content-Type claims.

    Django would decode the query by that charset, and breaks before any view can answer where Python knows a codec of
    that name that is not for text: ``charset=hex``.
    """

    def _set_content_type_params(self, meta: JsonObject) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Application(WSGIHandler):
    """Django's handler, as it is called once a request is whole."""

    request_class = Utf8Request


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
django.setup(set_prefix=False)
application = Application()
