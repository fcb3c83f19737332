"""What clients claim behind a proxy, header by header, from the entry to those who believe it."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from sequence.core.admin import sign_in_limits
from sequence.core.admin.sign_in import TOO_MANY
from sequence.core.models import SignIn
from sequence.entry import environ_of
from sequence.wsgi import application

CLIENT = "192.0.2.1"
PROXY = "10.0.0.1"
TOKEN = "a" * 32
ATTEMPTS = 2

# Names under which servers, proxies and frameworks have believed a client's address. Each is the client's own here.
NAMES_OF_ADDRESSES = [
    "X_Forwarded_For",
    "x_forwarded_for",
    "X-Forwarded_For",
    "X_Forwarded-For",
    "HTTP_X_FORWARDED_FOR",
    "HTTP-X-Forwarded-For",
    "X-Forwarded-For-",
    "X--Forwarded-For",
    "X-Forwarded",
    "Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X_Real_IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "Remote-Addr",
    "REMOTE_ADDR",
    "Via",
]
NAMES_OF_PROTOCOLS = [
    "X_Forwarded_Proto",
    "x_forwarded_proto",
    "X-Forwarded_Proto",
    "X_Forwarded-Proto",
    "HTTP_X_FORWARDED_PROTO",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Url-Scheme",
    "Front-End-Https",
    "wsgi.url_scheme",
    "wsgi_url_scheme",
]


def send(headers: list[tuple[str, str]], path: str = "/api/v1/accounts", body: bytes = b"") -> tuple[int, str]:
    """Return status and body of the answer to a request whose headers granian hands on like this."""
    sent = [("Host", "localhost")] if "Host" not in dict(headers) else []
    scope = {
        "method": "POST" if body else "GET",
        "http_version": "1.1",
        "scheme": "http",
        "raw_path": path.encode(),
        "query_string": b"",
        "client": (PROXY, 1),
        "server": ("127.0.0.1", 8000),
        # hyper writes names in small letters.
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [*sent, *headers]],
    }
    answer: list[int] = []
    response = application(environ_of(scope, body), lambda status, _: answer.append(int(status[:3])))
    text = b"".join(response).decode()
    response.close()
    return answer[0], text


def try_to_sign_in(*headers: tuple[str, str]) -> str:
    form = f"username=ann&password=wrong&csrfmiddlewaretoken={TOKEN}".encode()
    declared = [
        ("Cookie", f"csrftoken={TOKEN}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(form))),
    ]
    status, page = send([*declared, *headers], "/admin/login/", form)
    assert status == 200
    return page


@pytest.fixture(autouse=True)
def _one_connection():
    """Let the request leave the test's connection open, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def few(db, settings, monkeypatch):
    """Few attempts are allowed, so that each claim can be tried out."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(sign_in_limits, "ATTEMPTS_UNDER_ONE_NAME", ATTEMPTS)
    User.objects.create_user("ann", password="correct horse battery staple", is_staff=True)


@pytest.fixture
def proxied(settings):
    settings.BEHIND_PROXY = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


class TestTheLimitOfSignIns:
    def attempts(self, *claims) -> list[bool]:
        """Return for each attempt, each with another address in its claim, whether it was one too many."""
        return [TOO_MANY in try_to_sign_in(*claims_of) for claims_of in claims]

    @pytest.mark.parametrize("name", NAMES_OF_ADDRESSES)
    def test_counts_whom_the_proxy_saw(self, few, proxied, name):
        seen = ("X-Forwarded-For", CLIENT)
        before = [[(name, f"203.0.113.{number}"), seen] for number in range(2)]
        after = [[seen, (name, f"203.0.113.{number}")] for number in range(2)]

        assert self.attempts(*before, *after) == [False, False, True, True]
        assert set(SignIn.objects.values_list("address", flat=True)) == {CLIENT}

    @pytest.mark.parametrize(
        "spelling",
        [
            "203.0.113.{n}, 192.0.2.1",
            "203.0.113.{n},192.0.2.1:{n}00",
            "192.0.2.1:4{n}",
            "garbage {n}, ::ffff:192.0.2.1",
        ],
    )
    def test_reads_the_end_of_what_the_proxy_made_longer(self, few, proxied, spelling):
        assert self.attempts(*([("X-Forwarded-For", spelling.format(n=n))] for n in (1, 2, 3))) == [False, False, True]

    def test_reads_the_last_of_several_headers(self, few, proxied):
        claims = ([("X-Forwarded-For", f"203.0.113.{n}"), ("X-Forwarded-For", CLIENT)] for n in (1, 2, 3))

        assert self.attempts(*claims) == [False, False, True]

    def test_counts_those_without_an_address_as_one(self, few, proxied):
        assert self.attempts([], [("X-Forwarded-For", "unknown")], [("X-Forwarded-For", "")]) == [False, False, True]

    @pytest.mark.parametrize("name", ["X-Forwarded-For", *NAMES_OF_ADDRESSES])
    def test_believes_nobody_without_a_proxy(self, few, name):
        assert self.attempts(*([(name, f"203.0.113.{n}")] for n in (1, 2, 3))) == [False, False, True]
        assert set(SignIn.objects.values_list("address", flat=True)) == {PROXY}


class TestHttps:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.SECURE_SSL_REDIRECT = True

    @staticmethod
    def is_believed(*headers: tuple[str, str]) -> bool:
        status, text = send(list(headers))
        assert json.loads(text)["error"]["code"] in ("https_required", "unauthorized")
        return status == 401

    @pytest.mark.parametrize("name", NAMES_OF_PROTOCOLS)
    @pytest.mark.parametrize("value", ["https", "on"])
    def test_is_believed_under_no_other_name(self, db, proxied, name, value):
        said = ("X-Forwarded-Proto", "http")

        assert not self.is_believed((name, value))
        assert not self.is_believed((name, value), said)
        assert not self.is_believed(said, (name, value))

    def test_is_believed_of_the_proxy(self, db, proxied):
        assert self.is_believed(("X-Forwarded-Proto", "https"))
        assert self.is_believed(("X-Forwarded-Proto", "http, https"))

    @pytest.mark.parametrize("value", ["http", "https, http", "https,http ", "", "httpss", "https;", "HTTPS, ws"])
    def test_is_not_believed_of_whoever_stood_before_the_proxy(self, db, proxied, value):
        assert not self.is_believed(("X-Forwarded-Proto", value))
        assert not self.is_believed(("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", value))

    def test_is_not_believed_without_a_proxy(self, db):
        assert not self.is_believed(("X-Forwarded-Proto", "https"))


class TestTheHost:
    @pytest.mark.parametrize("name", ["X-Forwarded-Host", "X_Forwarded_Host", "X-Host", "X-Original-Host", "HTTP_HOST"])
    @pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/schema", "/api/v1", "/docs", "/admin/login/"])
    def test_is_the_one_that_was_asked_for(self, db, proxied, name, path):
        assert send([("Host", "evil.example"), (name, "localhost")], path)[0] == 400

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "a b", "*", "localhost:x"]
    )
    def test_is_one_of_ours_for_the_api_too(self, db, host):
        status, text = send([("Host", host)])

        assert status == 400
        assert json.loads(text)["error"]["details"][0]["field"] == "Host"

    def test_may_not_come_twice(self, db):
        assert send([("Host", "localhost"), ("Host", "evil.example")])[0] == 400
