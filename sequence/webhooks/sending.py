"""Sending of one request: to the very address that was checked, within ten seconds, without the database.

This stands on httpcore, the part of httpx that makes connections, rather than on httpx: what the promises are about (to
which address, until when, how much is read) is its network backend, and what httpx adds (redirects, cookies, proxies of
the environment) would have to be switched off.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import httpcore

from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject
from sequence.webhooks.addresses import Target, check_addresses, read_url, resolve
from sequence.webhooks.errors import AddressNotAllowed

# From the look-up of the name to the status.
LIMIT_SECONDS = 10.0
# Of an answer, its head included. Only its status is of use to us.
MAX_ANSWER_BYTES = 64 * 1024
# An endpoint that was told something is soon told more.
KEEP_OPEN_SECONDS = 60.0
REQUESTS_AT_ONCE = 4
USER_AGENT = "Sequence-Webhooks/1"


@dataclass(frozen=True)
class Answer:
    """How a request ended: with a status, or with the word for what kept it from having one."""

    status_code: int | None
    error: str | None
    duration_ms: int
    retry_after: str | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether it was taken: 2xx, and nothing else."""
        return self.status_code is not None and 200 <= self.status_code < 300


class TooMuch(Exception):
    """The answer goes on after all that is read of one."""


@dataclass
class Budget:
    """What is left of a request's time, and of the bytes that are read of its answer."""

    ends_at: float
    bytes_left: int = MAX_ANSWER_BYTES

    def seconds_left(self) -> float:
        """Return the time that is left. Raises ReadTimeout when there is none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The ten seconds are over.")
        return left

    def take(self, data: bytes) -> bytes:
        """Return what was read, counted. Raises TooMuch."""
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise TooMuch
        return data


# Each request runs in a thread, and all its reading and writing in that thread.
_budget: ContextVar[Budget] = ContextVar("budget")


class _LimitedStream(httpcore.NetworkStream):
    """A connection whose every step ends when the request's time does, however slowly bytes arrive."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        budget = _budget.get()
        return budget.take(self._stream.read(max_bytes, budget.seconds_left()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _budget.get().seconds_left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _budget.get().seconds_left()
        return _LimitedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _LimitedNetwork(httpcore.NetworkBackend):
    """Connects to the address that it is given, which is a number: no name is ever looked up here."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _budget.get().seconds_left()
        return _LimitedStream(self._network.connect_tcp(host, port, left, local_address, socket_options))


@cache
def _certificates() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


class Sender:
    """Sends to one endpoint, over connections that stay open. A connection belongs to an address, never to a name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = httpcore.ConnectionPool(
            ssl_context=_certificates(),
            max_connections=2 * REQUESTS_AT_ONCE,
            max_keepalive_connections=REQUESTS_AT_ONCE,
            keepalive_expiry=KEEP_OPEN_SECONDS,
            network_backend=_LimitedNetwork(),
        )

    def send(self, body: bytes, sign: Callable[[], Mapping[str, str]]) -> Answer:
        """Send it once, signed when it leaves, and return how that ended. Raises nothing."""
        began = time.monotonic()
        budget = Budget(began + LIMIT_SECONDS)
        token = _budget.set(budget)
        try:
            status_code, retry_after = self._exchange(read_url(self.url), body, sign)
            return Answer(status_code, None, _milliseconds_since(began), retry_after)
        except Exception as error:  # noqa: BLE001 - whatever it was, the request was not acknowledged; `_word_for` tells
            return Answer(None, _word_for(error), _milliseconds_since(began))
        finally:
            _budget.reset(token)

    def _exchange(self, target: Target, body: bytes, sign: Callable[[], Mapping[str, str]]) -> tuple[int, str | None]:
        """Return the status of the answer, and what it says of when to come again."""
        addresses = resolve(target)
        check_addresses(target, addresses)
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            **sign(),
        }
        failed: Exception = OSError("The name stands for no address.")
        for address in addresses:
            try:
                return self._request(target, str(address), headers, body)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                _budget.get().seconds_left()
                failed = error
        raise failed

    def _request(self, target: Target, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        url = httpcore.URL(scheme=target.scheme, host=address, port=target.port, target=target.path)
        # The certificate has to be the name's, though the connection goes to a number.
        extensions: JsonObject = {} if target.literal else {"sni_hostname": target.host.rstrip(".")}
        left = _budget.get().seconds_left()
        extensions["timeout"] = {"connect": left, "read": left, "write": left, "pool": left}
        with self._pool.stream(
            "POST", url, headers=[*headers.items()], content=body, extensions=extensions
        ) as response:
            _read_on(response)
            return response.status, _header(response, b"retry-after")

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()


def _read_on(response: httpcore.Response) -> None:
    """Read the rest of an answer, which lets its connection be used again. What is wrong with it changes no status."""
    try:
        for _ in response.iter_stream():
            pass
    except (TooMuch, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return


def _header(response: httpcore.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in response.headers if name.lower() == wanted), None)


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


# What kept a request from an answer, in the words of a try's ``error``.
_WORDS: list[tuple[type[Exception], str]] = [
    (AddressNotAllowed, "address_not_allowed"),
    (InvalidRequest, "bad_url"),
    (socket.gaierror, "name_not_resolved"),
    (httpcore.TimeoutException, "timeout"),
    (TooMuch, "answer_too_large"),
    (httpcore.ProtocolError, "bad_answer"),
]


def _word_for(error: Exception) -> str:
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    return "tls_failed" if _is_about_tls(error) else "connection_failed"


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


class Senders:
    """The senders of a process, one for each endpoint; those that nothing was sent to for longest make room."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._senders: dict[str, Sender] = {}
        self._lock = Lock()

    def of(self, endpoint_id: str, url: str) -> Sender:
        """Return the endpoint's sender."""
        with self._lock:
            sender = self._senders.pop(endpoint_id, None)
            if sender is None or sender.url != url:
                sender = Sender(url)
            self._senders[endpoint_id] = sender
            if len(self._senders) > self._most:
                del self._senders[next(iter(self._senders))]
            return sender

    def close(self) -> None:
        """Close all that is open."""
        with self._lock:
            for sender in self._senders.values():
                sender.close()
            self._senders.clear()
