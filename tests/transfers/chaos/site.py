"""Web and worker processes on a database, as an operator would run them, and a client that never gives up."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.db import connection

from sequence.local.launch import web
from sequence.local.launch.address import Address
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
# What a client or a test waits for at most. Only a failing test ever waits that long.
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.05


def database_url(*, user: str | None = None) -> str:
    """Return the address of the database that the tests use, as a child process reads it: as their role, or another."""
    connection.ensure_connection()
    info = connection.connection.info
    password = info.password if user is None else ""
    return make_url(host=info.host, port=info.port, user=user or info.user, password=password, name=info.dbname)


def make_url(*, host: str, port: int, user: str, name: str, password: str = "") -> str:
    where = urlencode({"host": host, "port": port})
    return f"postgres://{quote(user)}:{quote(password)}@/{quote(name)}?{where}"


class Site:
    """Processes that are started, killed and started again. Use it in a ``with``: it leaves none behind."""

    def __init__(self, url: str, log: Path, **environment: str) -> None:
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "RATE_LIMIT_ENABLED": "false",
            "SIMULATED_RAIL_DELAY_SECONDS": "0",
            "LOG_LEVEL": "INFO",
            **environment,
        }
        self.log = log
        self.ports: list[int] = []
        self.commands: list[list[str]] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        for index in range(len(self.processes)):
            self.kill(index)

    def start_web(self) -> int:
        """Start a web process on a port of its own and return its index."""
        port = free_port()
        self.ports.append(port)
        return self.start(web.command(Address("127.0.0.1", port), workers=1))

    def start_worker(self) -> int:
        """Start a worker and return its index."""
        return self.start([sys.executable, "manage.py", "run_worker"])

    def wait_for_workers(self) -> None:
        """Return once every worker that was started is up."""
        count = sum("run_worker" in command for command in self.commands)
        wait_until(lambda: self.log.read_text().count("worker_started") >= count, "the workers start")

    def start(self, command: list[str]) -> int:
        """Start any command and return its index."""
        self.commands.append(command)
        self.processes.append(self._launch(command))
        return len(self.processes) - 1

    def _launch(self, command: list[str]) -> "subprocess.Popen[bytes]":
        # A session of its own, so that a kill reaches the children of a web server too.
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own programs
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, index: int) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[index].pid, signal.SIGKILL)
        self.processes[index].wait(PATIENCE_SECONDS)

    def restart(self, index: int) -> None:
        self.kill(index)
        self.processes[index] = self._launch(self.commands[index])

    def terminate(self, index: int) -> int:
        """Ask a process to end, and return its exit code."""
        self.processes[index].terminate()
        return self.processes[index].wait(PATIENCE_SECONDS)


class Persistent:
    """A client that sends a request until it has an answer, whatever dies meanwhile."""

    def __init__(self, ports: list[int], token: str, hosts: Mapping[int, str] | None = None) -> None:
        """``hosts`` names the hosts of ports that are not on this machine."""
        self.ports, self.hosts = ports, hosts or {}
        self.headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/json"}
        self.attempts = 0

    def post(self, path: str, body: dict[str, Any], *, idempotency_key: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of an answer that is one: no 5xx, and none that says "try again"."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.attempts += 1
            port = self.ports[self.attempts % len(self.ports)]
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, answer = self._send(port, path, body, idempotency_key)
                if status < 500 and answer.get("error", {}).get("code") != "request_in_progress":
                    return status, answer
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"POST {path} had no answer in {PATIENCE_SECONDS} seconds.")

    def _send(self, port: int, path: str, body: dict[str, Any], idempotency_key: str) -> tuple[int, dict[str, Any]]:
        line = http.client.HTTPConnection(self.hosts.get(port, "127.0.0.1"), port, timeout=10)
        try:
            headers = {**self.headers, "Idempotency-Key": idempotency_key}
            line.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            response = line.getresponse()
            return response.status, json.loads(response.read())
        finally:
            line.close()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return once ``condition()`` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not in {PATIENCE_SECONDS} seconds.")
        time.sleep(PAUSE_SECONDS)
