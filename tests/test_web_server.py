"""The web server as ./run and production start it, met by clients who mean it no good."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from sequence.local.launch import install, web
from sequence.local.launch.address import Address
from sequence.local.launch.problem import LaunchProblem
from sequence.local.launch.serve import is_answering
from tests.client import Api
from tests.ports import free_port
from tests.production import PRODUCTION_ENVIRONMENT
from tests.roles import APPLICATION
from tests.staff import sign_in
from tests.transfers.chaos.site import PATIENCE_SECONDS, ROOT, Site, database_url, wait_until

SOCKETS = 200
# Each of them has a cursor of its own in the database.
SLOW_READERS = 5
# What a client may wait for while all of those are open; who waits for them waits until they end.
AT_ONCE_SECONDS = 5


@pytest.fixture
def start(api: Api, tmp_path, transactional_db) -> Iterator:
    """Return a function that starts the server with one process, and returns its port."""
    with contextlib.ExitStack() as stack:

        def start_web(**environment: str) -> int:
            site = stack.enter_context(Site(database_url(), tmp_path / "site.log", **environment))
            site.start_web()
            [port] = site.ports
            wait_until(lambda: answers(port), "the web server answers")
            return port

        yield start_web


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return get(port, "/healthz")[0] == 200
    return False


def get(port: int, path: str, **headers: str) -> tuple[int, float]:
    """Return the status, and how many seconds it took to come."""
    began = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(line):
        line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = line.getresponse()
        response.read()
    return response.status, time.perf_counter() - began


def send(port: int, raw: bytes) -> bytes:
    """Send the bytes as they are, and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as line:
        line.sendall(raw)
        return b"".join(iter(lambda: line.recv(65536), b""))


class Served:
    """A server that is up, and the headers with which its proxy, if any, hands requests on."""

    def __init__(self, port: int, key: str, **headers: str) -> None:
        self.port = port
        self.headers = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.key = {"Authorization": key}

    def get(self, path: str, **headers: str) -> tuple[int, float]:
        return get(self.port, path, **self.headers, **headers)

    def begin(self, line: str, rest: str, **headers: str) -> bytes:
        """Return a request as it is sent: ``rest`` follows the headers, or is the last of them."""
        sent = "".join(f"{name}: {value}\r\n" for name, value in {**self.headers, **headers}.items())
        return f"{line} HTTP/1.1\r\n{sent}{rest}".encode()

    def assert_answers_at_once(self) -> None:
        for status, seconds in (self.get("/healthz"), self.get("/api/v1/accounts", **self.key)):
            assert status == 200
            assert seconds < AT_ONCE_SECONDS


@pytest.fixture
def deploy(api: Api, tmp_path, transactional_db, settings) -> Iterator:
    """Return a function that starts one of the two commands, each with one web process, and returns what it serves.

    Acme is there, so that ./run makes no demo.
    """
    if not install.is_installed(with_tests=True):
        pytest.skip("Would install anew, below the feet of these tests: use ./test.")
    key, port = api.headers["Authorization"], free_port()
    shared = {"PORT": str(port), "WEB_WORKERS": "1"}
    secrets = {"API_KEY_PEPPER": settings.API_KEY_PEPPER, "BANK_NUMBER_KEYS": ",".join(settings.BANK_NUMBER_KEYS)}
    proxied = {"Host": PRODUCTION_ENVIRONMENT["ALLOWED_HOSTS"], "X-Forwarded-Proto": "https"}

    def start(command: str) -> Served:
        if command == "./run":
            return begin([str(ROOT / "run")], database_url(), {}, Served(port, key))
        if APPLICATION is None:
            pytest.skip("Production wants a role that owns nothing, and DATABASE_URL names one role for all.")
        environment = PRODUCTION_ENVIRONMENT | secrets | {"BEHIND_PROXY": "1"}
        production = [sys.executable, "-m", "sequence.local.launch.web"]
        return begin(production, database_url(user=APPLICATION), environment, Served(port, key, **proxied))

    def begin(command: list[str], url: str, environment: dict[str, str], served: Served) -> Served:
        site = stack.enter_context(Site(url, tmp_path / "site.log", **shared, **environment))
        stack.callback(site.terminate, site.start(command))
        wait_until(lambda: answers(port), f"{command} answers")
        return served

    with contextlib.ExitStack() as stack:
        yield start


@pytest.mark.full
class TestSlowClients:
    @pytest.fixture
    def trickle(self):
        """Return a function that opens sockets, each with a request, and never reads from them."""
        with contextlib.ExitStack() as stack:

            def trickle(port: int, begun: bytes, count: int) -> list[socket.socket]:
                lines = [stack.enter_context(socket.socket()) for _ in range(count)]
                for line in lines:
                    # So small that the kernels' buffers do not take a large answer for a client who does not read it.
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    line.settimeout(PATIENCE_SECONDS)
                    line.connect(("127.0.0.1", port))
                    line.sendall(begun)
                return lines

            yield trickle

    @pytest.mark.parametrize("command", [pytest.param("./run", marks=pytest.mark.full), "production"])
    def test_keep_nobody_else_waiting(self, deploy, trickle, command):
        served = deploy(command)
        of_length, in_json = "Content-Length: 1000\r\n\r\n", {"Content-Type": "application/json"}
        begun = [
            served.begin("POST /admin/login/", f"{of_length}username="),
            served.begin("POST /api/v1/transfers", f'{of_length}{{"a', **served.key, **in_json),
            served.begin("POST /api/v1/transfers", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            served.begin("GET /healthz", "X-Slow: "),
        ]
        lines = [line for raw in begun for line in trickle(served.port, raw, SOCKETS // len(begun))]

        for _ in range(3):
            for line in lines:
                with contextlib.suppress(ConnectionError):  # The server may have had enough of it by then.
                    line.sendall(b"1")
            served.assert_answers_at_once()

    @pytest.fixture
    def long_list(self, transactional_db) -> str:
        """Return the session of somebody who may export a list that no kernel takes in for a client."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sequence_signin (at, outcome, person, name_digest, address, request_id, beyond_limit)"
                " SELECT now(), 'wrong', '', repeat('d', 64), NULL, repeat('r', 128), 0 FROM generate_series(1, 60000)"
            )
        return sign_in(is_superuser=True).cookies["sessionid"].value

    @pytest.mark.full
    def test_keep_nobody_else_waiting_when_they_read_slowly(self, deploy, trickle, long_list):
        served = deploy("./run")
        asked = served.begin("GET /admin/sequence/signin/export/", "\r\n", Cookie=f"sessionid={long_list}")
        lines = trickle(served.port, asked, SLOW_READERS)
        for line in lines:
            assert line.recv(12) == b"HTTP/1.1 200"
        wait_until(lambda: served.get("/healthz")[1] < AT_ONCE_SECONDS / 10, "what they do not read is waiting")

        for _ in range(3):
            served.assert_answers_at_once()


@pytest.mark.full
class TestHeaders:
    # A name of mixed case and kind, as proxies pass them on.
    WITH_AN_UNDERSCORE = (
        "X_Forwarded_Proto: https",
        "x_forwarded_proto: https",
        "X-Forwarded_Proto: https",
        "X_Forwarded-Proto: https",
    )

    def test_with_an_underscore_do_not_pass_for_what_the_proxy_says(self, start, api):
        port = start(BEHIND_PROXY="1", SECURE_SSL_REDIRECT="1")
        request = "GET /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        request += f"Authorization: {api.headers['Authorization']}\r\n"

        for header in self.WITH_AN_UNDERSCORE:
            assert b"https_required" in send(port, f"{request}{header}\r\n\r\n".encode()), header
            assert b"https_required" in send(port, f"{request}X-Forwarded-Proto: http\r\n{header}\r\n\r\n".encode())
            assert b'"data"' in send(port, f"{request}X-Forwarded-Proto: https\r\n{header}\r\n\r\n".encode())

    def test_that_are_no_ascii_arrive(self, start, api):
        port = start()
        head = "POST /api/v1/accounts/pods HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: {api.headers['Authorization']}\r\n"
        body = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

        answer = send(port, f"{head}Idempotency-Key: ü\r\n{body}".encode())

        assert b"Idempotency-Key" in answer

    @pytest.mark.full
    def test_of_a_body_that_is_too_large_are_enough_to_refuse_it(self, start, api):
        port = start()
        head = (
            f"POST /api/v1/transfers HTTP/1.1\r\nHost: localhost\r\nAuthorization: {api.headers['Authorization']}\r\n"
        )

        answer = send(port, f"{head}Content-Length: 99999999\r\nConnection: close\r\n\r\n".encode())

        assert b"413" in answer.partition(b"\r\n")[0]


@pytest.mark.full
class TestLargeBodies:
    @pytest.mark.parametrize("mebibytes", [2, 16])
    def test_are_refused_to_a_client_that_sends_all_before_it_reads(self, start, api, mebibytes):
        line = http.client.HTTPConnection("127.0.0.1", start(), timeout=10)
        headers = {"Authorization": api.headers["Authorization"], "Content-Type": "application/json"}

        with contextlib.closing(line):
            line.request("POST", "/api/v1/transfers", bytes(mebibytes * 1024 * 1024), headers)
            response = line.getresponse()

            assert response.status == 413
            assert b"payload_too_large" in response.read()


@pytest.mark.full
class TestPorts:
    @pytest.fixture
    def starts(self) -> Iterator:
        """Return a function that starts the server by its command, and returns without waiting for it."""
        started: list[subprocess.Popen[str]] = []

        def start(**environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "sequence.local.launch.web"],
                cwd=ROOT,
                env={**os.environ, **environment},
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            started.append(process)
            return process

        yield start
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @pytest.mark.full
    def test_are_not_shared_with_a_server_that_is_there(self, start):
        port = start()
        done = subprocess.run(
            [sys.executable, "-m", "sequence.local.launch.web"],
            cwd=ROOT,
            env={"PORT": str(port), "PATH": "/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

        assert done.returncode == 1
        assert done.stderr.startswith(f"Port {port} is taken")

    @pytest.mark.full
    def test_go_to_one_of_several_servers_that_start_in_one_instant(self, starts, db):
        port = free_port()
        rivals = [starts(PORT=str(port), WEB_WORKERS="1", DATABASE_URL=database_url()) for _ in range(4)]
        wait_until(lambda: answers(port), "one of them answers")
        wait_until(lambda: sum(rival.poll() is not None for rival in rivals) == len(rivals) - 1, "the others end")

        refused = [rival.communicate()[1] for rival in rivals if rival.returncode is not None]
        assert {rival.returncode for rival in rivals} == {None, 1}
        assert [words.partition(":")[0] for words in refused] == [f"Port {port} is taken"] * 3

    def test_are_free_again_once_their_server_was_killed(self):
        address = Address("127.0.0.1", free_port())
        code = "import os; from sequence.local.launch.address import Address; h = Address.from_environment().hold();"
        environment = {**os.environ, "PORT": str(address.port), "HOST": address.host}
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", f"{code} os.kill(os.getpid(), 9)"], cwd=ROOT, env=environment, check=False
        )

        with address.hold(), pytest.raises(LaunchProblem, match="is taken"):
            address.hold()
        address.hold().close()

    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - nothing is served.
    def test_are_held_from_the_look_until_the_server_listens(self, host):
        port = free_port()
        with Address("127.0.0.1", port).hold():
            with pytest.raises(LaunchProblem, match="is taken"):
                Address(host, port).hold()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            Address("127.0.0.2", port).hold().close()

    def test_are_held_against_other_programs(self):
        port = free_port()
        with Address("127.0.0.1", port).hold(), pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port))

    def test_go_to_one_of_two_who_look_in_one_instant(self, monkeypatch):
        address, both_bound = Address("127.0.0.1", free_port()), threading.Barrier(2, timeout=PATIENCE_SECONDS)
        bind = socket.socket.bind

        def bind_and_wait_for_the_other(line: socket.socket, place: tuple[str, int]) -> None:
            bind(line, place)
            both_bound.wait()

        monkeypatch.setattr(socket.socket, "bind", bind_and_wait_for_the_other)
        with ThreadPoolExecutor(2) as threads:
            rivals = [threads.submit(address.hold) for _ in range(2)]
        [won] = [rival.result() for rival in rivals if rival.exception() is None]
        won.close()

    def test_tell_only_who_knows_the_token_of_the_start_that_it_is_this_one(self, start):
        port = start(START_TOKEN="secret")
        address = Address("127.0.0.1", port)

        assert is_answering(address, "secret")
        assert not is_answering(address, "another")
        assert b"secret" not in send(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    def test_are_taken_from_the_environment(self):
        command = web.command(Address("127.0.0.1", free_port()), workers=2)

        assert command[command.index("--workers") + 1] == "2"
