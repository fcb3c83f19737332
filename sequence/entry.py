"""Entry of the web server: takes a request in whole, however slowly it comes, and only then gives it to Django.

Django runs under WSGI in one thread of each process. A server that starts it while the body is still on its way lends
that thread to whoever sends slowly. Here the event loop waits, for any number of clients at once, and for seconds.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import structlog

from sequence.core.api.bodies import MAX_BYTES
from sequence.core.api.dialects import SpelledRefusal, dialect_of
from sequence.core.api.request_ids import choose_request_id
from sequence.core.errors import DomainError, RequestTimeout, TemporarilyUnavailable
from sequence.core.typing import JsonObject
from sequence.wsgi import application as django

T = TypeVar("T")

# What the server and the application tell each other, and what they know of a request.
Message = MutableMapping[str, Any]
Scope = Message
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A megabyte takes eight seconds on a poor line of one megabit.
BODY_SECONDS = 15
# A reader who takes nothing for this long has gone, or holds on to a cursor in the database.
READER_SECONDS = 30
# Of a body that was refused for its size: how much is taken and thrown away, and for how long, so that a client that
# sends all of it before it reads gets to read. Closed at once, the connection would break under it.
DRAINED_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 5
# Of bodies that are on their way to one process. A thousand that are as large as they may be would fill its memory.
MAX_PENDING_BYTES = 64 * 1024 * 1024
# A body on a good line takes no longer.
BUSY_SECONDS = 1

# Each part of a streamed answer costs a change of threads.
PART_BYTES = 64 * 1024

# A proxy that adds to what the client claimed, instead of replacing it, adds at the end; Django reads the beginning.
PROXY_PROTO = "HTTP_X_FORWARDED_PROTO"

# WSGI knows these two without the HTTP_ of other headers.
UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

log = structlog.get_logger("sequence.entry")


class Entry:
    """ASGI outside, WSGI inside."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.pending_bytes = 0
        # One thread: its database connection stays its own, and nothing waits for Python's lock.
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="django")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            body = await self._read(scope, receive)
        except ConnectionAbortedError:
            return
        except (RequestTimeout, TemporarilyUnavailable) as refusal:
            await _refuse(scope, refusal, send)
            return
        answer = await self._in_thread(lambda: self._answer(scope, body, send))
        if answer.whole is None:
            await self._write(answer, send)
        if len(body) > MAX_BYTES or declared_bytes(scope) > MAX_BYTES:
            await _drain(receive)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body, or its first ``MAX_BYTES`` and one, by which Django knows that it is too large.

        Raises RequestTimeout after ``BODY_SECONDS``, TemporarilyUnavailable while bodies fill the memory that they may
        have, and ConnectionAbortedError when the client has gone.
        """
        size = declared_bytes(scope)
        if size == 0 or size > MAX_BYTES:
            return b""
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await self._collect(receive, parts)
        except TimeoutError:
            raise RequestTimeout(seconds=BODY_SECONDS) from None
        finally:
            self.pending_bytes -= sum(map(len, parts))
        return b"".join(parts)[: MAX_BYTES + 1]

    async def _collect(self, receive: Receive, parts: list[bytes]) -> None:
        size, more = 0, True
        while more and size <= MAX_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            self.pending_bytes += len(part)
            if self.pending_bytes > MAX_PENDING_BYTES:
                raise TemporarilyUnavailable(retry_after=BUSY_SECONDS)
            more = message.get("more_body", False)

    def _answer(self, scope: Scope, body: bytes, send: Send) -> "Answer":
        """Let Django answer, and send the answer from here if it is whole; a streamed one is left to ``_write``.

        The event loop would have to win Python's lock back from this thread before it could send the same.
        """
        answer = Answer(self.application, environ_of(scope, body))
        if answer.whole is not None:
            _send_at_once(send(answer.start))
            _send_at_once(send({"type": "http.response.body", "body": answer.whole}))
        return answer

    async def _write(self, answer: "Answer", send: Send) -> None:
        """Send the answer part by part; between two parts the thread is free for others."""
        await send(answer.start)
        try:
            while (part := await self._in_thread(answer.next_part)) is not None:
                async with asyncio.timeout(READER_SECONDS):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            log.warning("reader_gone", seconds=READER_SECONDS)
        finally:
            await self._in_thread(answer.close)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)


class Answer:
    """What the WSGI application answers. All of it belongs to the thread that made it, but for the parts it gave."""

    def __init__(self, application: Callable[..., Iterable[bytes]], environ: JsonObject) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.response = application(environ, self._start)
        self.parts: Iterator[bytes] = iter(self.response)
        self.whole: bytes | None = None
        if not getattr(self.response, "streaming", False):
            try:
                self.whole = b"".join(self.parts)
            finally:
                self.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    @property
    def start(self) -> Message:
        """The message that begins it."""
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}

    def next_part(self) -> bytes | None:
        """Return what is sent next, None at the end. Files come in small pieces, which are sent together."""
        part = b""
        for piece in self.parts:
            part += piece
            if len(part) >= PART_BYTES:
                break
        return part or None

    def close(self) -> None:
        """Let Django end the request."""
        if hasattr(self.response, "close"):
            self.response.close()


def _send_at_once(sending: Awaitable[None]) -> None:
    """Send what the server takes without waiting, as granian does both messages of a whole answer, in any thread.

    Raises RuntimeError if it would wait.
    """
    for _ in sending.__await__():
        raise RuntimeError("The web server waits before it takes a whole answer: only the event loop may send it.")


async def _drain(receive: Receive) -> None:
    """Take what is left of a body, part by part, and keep none of it."""
    left, more = DRAINED_BYTES, True
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return


def declared_bytes(scope: Scope) -> int:
    """Return how long the body says that it is: 0 where there is none, 1 where only its end will tell."""
    size = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            size = int(value) if value.isdigit() else 1
        elif name == b"transfer-encoding":
            return 1
    return size


def environ_of(scope: Scope, body: bytes) -> JsonObject:
    """Return the request as WSGI has it. A header with an underscore in its name is left out.

    WSGI writes ``X-Forwarded-For`` and ``X_Forwarded_For`` alike, but a proxy sets the first and passes the second on.
    Of X-Forwarded-Proto the last word counts, as of X-Forwarded-For.
    """
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        joint = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    if PROXY_PROTO in environ:
        environ[PROXY_PROTO] = environ[PROXY_PROTO].rpartition(",")[2].strip()
    return environ


async def _refuse(scope: Scope, refusal: DomainError, send: Send) -> None:
    """Answer without Django: in the dialect of the API that was asked, and in plain words elsewhere."""
    request_id = choose_request_id(environ_of(scope, b"").get("HTTP_X_REQUEST_ID"))
    spelled = (dialect_of(scope["path"]) or _in_plain_words)(request_id, refusal)
    headers = {
        "content-type": spelled.content_type,
        "content-length": str(len(spelled.content)),
        "cache-control": "no-store",
        "connection": "close",
        "x-request-id": request_id,
        **spelled.headers,
    }
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    log.info("request_refused", status=spelled.status, request_id=request_id, client=(scope.get("client") or [""])[0])
    await send({"type": "http.response.start", "status": spelled.status, "headers": sent})
    await send({"type": "http.response.body", "body": spelled.content})


def _in_plain_words(request_id: str, refusal: DomainError) -> SpelledRefusal:
    """Tell a browser, which asked for a page."""
    content = f"{refusal.text}\n".encode()
    return SpelledRefusal(refusal.status, "text/plain; charset=utf-8", content, refusal.headers)


application = Entry(django)
