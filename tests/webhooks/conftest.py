"""Receivers of webhooks on this machine, and endpoints that lead to them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from sequence.core.events.telling import tell
from sequence.core.worker import run_once
from sequence.webhooks.models import WebhookEndpoint
from sequence.webhooks.services import create_webhook


@dataclass
class Received:
    """A request as it arrived."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[BaseHTTPRequestHandler, Received], None]


def answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Behaviour:
    """Return the behaviour of a receiver that answers so."""

    def behave(handler: BaseHTTPRequestHandler, received: Received) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


@dataclass
class Receiver:
    """A server that keeps what it is sent, and behaves as it is told."""

    behave: Behaviour = field(default_factory=lambda: answer(204))
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def names(self) -> list[str]:
        return [request.json["event"] for request in self.requests]

    @property
    def numbers(self) -> list[int]:
        return [request.json["sequence"] for request in self.requests]


@contextmanager
def receiving(receiver: Receiver, port: int = 0) -> Iterator[Receiver]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received = Received({name.lower(): value for name, value in self.headers.items()}, body, self.path)
            with lock:
                receiver.requests.append(received)
                receiver.at_once += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
            try:
                receiver.behave(self, received)
            except OSError:
                self.close_connection = True
            finally:
                with lock:
                    receiver.at_once -= 1

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


@pytest.fixture
def other_receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


@pytest.fixture(autouse=True)
def _this_machine_is_open(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def endpoint_at(acme) -> Callable[..., WebhookEndpoint]:
    """Return a function that makes an endpoint of Acme."""

    def make(url: str, **options: Any) -> WebhookEndpoint:
        options = {"organization": acme, "addresses": None, "created_by": "test", **options}
        return create_webhook(url=url, **options)[0]

    return make


@pytest.fixture
def endpoint(endpoint_at, receiver) -> WebhookEndpoint:
    return endpoint_at(receiver.url)


@pytest.fixture
def happen(acme) -> Callable[..., None]:
    """Return a function that tells of something that happened, many times over."""

    def tell_all(times: int = 1, event: str = "audit.checkpoint", organization=acme) -> None:
        for _ in range(times):
            tell(event, organization_id=organization.id, data=_DATA, at=timezone.now())

    return tell_all


_DATA = {
    "organization_id": "00000000-0000-4000-8000-000000000001",
    "sequence": 1,
    "hash": "00",
    "signed_at": "2026-01-02T03:04:05Z",
    "key_id": "ak1",
    "signature": "",
}


@pytest.fixture
def work() -> Callable[..., int]:
    return run_once


@pytest.fixture
def reader(client_with) -> Any:
    return client_with("READ_EVENTS")
