"""A client of the API, as a program would be one."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.api_docs.conformance import check_answer


class Api:
    """Sends JSON with one key. Paths are given without ``/api/v1``."""

    def __init__(self, token: str | None, **headers: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = dict(headers)
        if token is not None:
            self.headers["Authorization"] = f"ApiKey {token}"

    def get(self, path: str, **options: Any) -> HttpResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> HttpResponse:
        return self.request("DELETE", path, **options)

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
        """Send ``body`` as JSON, or ``raw`` as it is, and hold the answer against the document, whatever is tested."""
        sent = {**self.headers, **(headers or {})}
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(method, f"/api/v1{path}", data=content, content_type=content_type, headers=sent)
        check_answer(response)
        return response
