"""A client of the vendor's dialect, which holds each answer against the dialect's own document and the vendor's."""

import json
import re
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

from sequence.core.api.ids import parse_id
from sequence.core.api.openapi.document import document_of
from sequence.platform.document import _own_path
from sequence.platform.operations import PREFIX
from sequence.platform.table import OPERATIONS, declared
from tests.api_docs.conformance import faults
from tests.platform.reference import strays

DOCUMENT = f"{PREFIX}/"
TEMPLATES = {_own_path(declared(*one).route): PREFIX + declared(*one).path for one in OPERATIONS}


def plain(own: str) -> str:
    """Return the dialect's spelling of an id of ours."""
    uuid = parse_id(own.partition("_")[0], own)
    assert isinstance(uuid, UUID)
    return str(uuid)


class Platform:
    """Sends JSON with one key. Paths are given without ``/platform/v1``."""

    def __init__(self, token: str | None, scheme: str = "Bearer") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {} if token is None else {"Authorization": f"{scheme} {token}"}

    def get(self, path: str, **options: Any) -> HttpResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.request("PATCH", path, body, **options)

    def data(self, path: str) -> Any:
        """Return the ``data`` of what a GET answers."""
        response = self.get(path)
        assert response.status_code == 200, response.content
        return response.json()["data"]

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        sent = {**self.headers, **(headers or {})}
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(method, PREFIX + path, data=content, content_type=content_type, headers=sent)
        check_answer(response, method)
        return response


def check_answer(response: HttpResponse, method: str) -> None:
    """Fail if a document, ours or the vendor's, has the operation that was asked for but not this answer of it."""
    match = getattr(response, "resolver_match", None)
    route = "" if match is None else "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route)
    operation = document_of(DOCUMENT)["paths"].get(TEMPLATES.get(route, ""), {}).get(method.lower())
    if operation is None or response.headers["Content-Type"] == "text/plain":
        return
    described = operation["responses"].get(str(response.status_code))
    assert described, f"{method} {route} does not describe {response.status_code}: {response.content!r}"
    schema = described["content"]["application/json"]["schema"]
    body = response.json()
    found = faults(body, schema, DOCUMENT)
    assert not found, f"{method} {route}, {response.status_code}: {found}"
    found = strays(method, TEMPLATES[route].removeprefix(PREFIX), response.status_code, body)
    assert not found, f"{method} {route}, {response.status_code}, beside the vendor's document: {found}"
