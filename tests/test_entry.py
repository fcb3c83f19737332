"""The web server's entry, given requests as granian gives them."""

import asyncio
import json
import threading

import pytest
from django.http import HttpResponse

from sequence import entry
from sequence.core.errors import RequestTimeout
from sequence.entry import Entry, environ_of
from tests.api_docs.conformance import assert_described


def scope(path="/api/v1/transfers", headers=(), **more):
    return {
        "type": "http",
        "method": "POST",
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8000),
        "headers": [(b"content-length", b"4"), *headers],
        **more,
    }


def echo(environ, start_response):
    start_response("201 Created", [("X-Kind", "echo")])
    return [environ["wsgi.input"].read()]


def ask(scope, *messages, application=echo, pending=None):
    """Return the status, headers and body of the answer to a request whose body comes in these messages.

    Those that nobody took are left in ``pending``.
    """
    pending = [] if pending is None else pending
    pending += messages
    sent = []

    async def receive():
        return pending.pop(0) if pending else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    asyncio.run(Entry(application)(scope, receive, send))
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


async def never_more():
    return await asyncio.Event().wait()


def never(environ, start_response):
    raise AssertionError("Django was called.")


class TestEntry:
    def test_gives_the_body_when_it_is_whole(self):
        assert ask(scope(), part(b"ab", more=True), part(b"cd")) == (201, {b"x-kind": b"echo"}, b"abcd")

    @pytest.mark.parametrize(("path", "is_json"), [("/api/v1/transfers", True), ("/admin/login/", False)])
    def test_refuses_a_body_that_does_not_arrive_without_calling_django(self, monkeypatch, path, is_json):
        monkeypatch.setattr(entry, "BODY_SECONDS", 0.05)

        status, headers, body = ask(scope(path), part(b"ab", more=True), application=never)

        assert status == 408
        assert headers[b"connection"] == b"close"
        if is_json:
            assert json.loads(body)["error"]["code"] == "request_timeout"
            assert json.loads(body)["request_id"] == headers[b"x-request-id"].decode()

    @pytest.mark.parametrize(("name", "is_taken"), [("x-request-id", True), ("x_request_id", False)])
    @pytest.mark.parametrize(("given", "is_good"), [("run-7", True), ("run 7", False), ("", False), ("a" * 129, False)])
    def test_refuses_under_the_id_that_the_caller_gave(self, monkeypatch, name, is_taken, given, is_good):
        monkeypatch.setattr(entry, "BODY_SECONDS", 0.05)
        sent = scope(headers=[(name.encode(), given.encode())])

        _, headers, body = ask(sent, part(b"ab", more=True), application=never)

        told = json.loads(body)["request_id"]
        assert headers[b"x-request-id"].decode() == told
        assert (told == given) == (is_taken and is_good)
        assert told == given or told.startswith("req_")

    @pytest.mark.parametrize(("limit", "status"), [("BODY_SECONDS", 408), ("MAX_PENDING_BYTES", 503)])
    def test_refuses_as_the_document_says(self, monkeypatch, limit, status):
        monkeypatch.setattr(entry, limit, 0.05)
        answered, headers, body = ask(scope(), part(b"ab", more=True), application=never)
        response = HttpResponse(body, status=answered, headers={k.decode(): v.decode() for k, v in headers.items()})
        response.json = lambda: json.loads(body)

        assert answered == status
        assert headers[b"cache-control"] == b"no-store"
        assert_described(response, "POST", "/api/v1/transfers")

    def test_waits_no_longer_than_the_document_says(self):
        assert RequestTimeout.sample_names["seconds"] == entry.BODY_SECONDS

    def test_forgets_a_client_that_has_gone(self):
        assert ask(scope(), part(b"ab", more=True), {"type": "http.disconnect"}, application=never) is None

    def test_holds_no_more_bodies_than_fit_into_memory(self, monkeypatch):
        monkeypatch.setattr(entry, "MAX_PENDING_BYTES", 3)

        status, headers, body = ask(scope(), part(b"ab", more=True), part(b"cd"), application=never)

        assert (status, json.loads(body)["error"]["code"]) == (503, "temporarily_unavailable")
        assert headers[b"retry-after"] == b"1"

    def test_reads_one_byte_more_than_a_body_may_have(self):
        chunked = scope(headers=[(b"transfer-encoding", b"chunked")])
        parts = [part(bytes(700_000), more=True), part(bytes(700_000), more=True), part(b"never read")]

        assert len(ask(chunked, *parts)[2]) == 1024 * 1024 + 1

    @pytest.mark.parametrize("length", [(b"transfer-encoding", b"chunked"), (b"content-length", b"2000000")])
    @pytest.mark.parametrize("last", [part(b"the end"), {"type": "http.disconnect"}])
    def test_takes_the_rest_of_a_body_that_is_too_large_once_it_has_answered(self, length, last):
        pending = []

        status, _, _ = ask(scope(headers=[length]), *[part(bytes(700_000), more=True)] * 3, last, pending=pending)

        assert (status, pending) == (201, [])

    @pytest.mark.parametrize(("limit", "value", "left"), [("DRAINED_BYTES", 500_000, 1), ("DRAIN_SECONDS", 0.05, 0)])
    def test_takes_no_more_of_it_than_is_harmless(self, monkeypatch, limit, value, left):
        monkeypatch.setattr(entry, limit, value)
        pending = []

        ask(scope(headers=[(b"content-length", b"2000000")]), *[part(bytes(300_000), more=True)] * 3, pending=pending)

        assert len(pending) == left

    def test_closes_a_streamed_answer_that_broke(self):
        class Broken:
            streaming = True
            is_closed = False

            def __iter__(self):
                yield b"begun"
                raise RuntimeError

            def close(self):
                self.is_closed = True

        answer = Broken()

        def application(environ, start_response):
            start_response("200 OK", [])
            return answer

        with pytest.raises(RuntimeError):
            ask(scope(), part(b"abcd"), application=application)
        assert answer.is_closed

    def test_sends_a_whole_answer_in_djangos_thread(self):
        threads = []

        async def send(message):
            threads.append(threading.current_thread().name)

        asyncio.run(Entry(echo)(scope(headers=[(b"content-length", b"0")]), never_more, send))

        assert [name.rstrip("_0") for name in threads] == ["django", "django"]

    def test_tells_of_a_server_that_would_wait_for_the_event_loop(self):
        async def send(message):
            await asyncio.sleep(0)

        with pytest.raises(RuntimeError, match="only the event loop may send it"):
            asyncio.run(Entry(echo)(scope(headers=[(b"content-length", b"0")]), never_more, send))


class TestEnviron:
    def test_leaves_out_names_with_an_underscore(self):
        sent = [(b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded_proto", b"https"), (b"x-forwarded-for", b"192.0.2.9")]

        environ = environ_of(scope(headers=sent), b"")

        assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.9"
        assert "HTTP_X_FORWARDED_PROTO" not in environ

    def test_joins_what_came_twice(self):
        sent = [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"a/b"), (b"accept", b"c/d")]

        environ = environ_of(scope(headers=sent), b"")

        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_ACCEPT"] == "a/b,c/d"

    def test_keeps_bytes_as_they_were_sent(self):
        environ = environ_of(scope(raw_path=b"/a%C3%BC%FF", headers=[(b"x-name", b"\xc3\xbc")]), b"")

        assert environ["PATH_INFO"].encode("latin-1") == b"/a\xc3\xbc\xff"
        assert environ["HTTP_X_NAME"].encode("latin-1") == b"\xc3\xbc"
