"""A shell for the commands of README and guides, as a reader has one: real commands, and a server of the tests.

``.venv/bin/python manage.py …`` is carried out in the tests' own process, since Django takes a second to start, and
``sleep`` lets a worker do what is due instead of waiting for one. All else is what stands there.
"""

import contextlib
import fnmatch
import io
import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from sequence.core.worker import run_once
from sequence.webhooks.dispatcher import Dispatcher

_STEP = re.compile(r"^```sh\n(.*?)^```$(?:\n\n```(\w+)\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
PATIENCE_SECONDS = 120
WORKER_SECONDS = 0.2

# Hands its arguments to the tests and prints what they answer; any other program runs as it is.
_PYTHON = """\
#!{python} -SI
import json, os, socket, sys
if sys.argv[1:2] != ["manage.py"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.create_connection(("127.0.0.1", {port})) as line, line.makefile("rw") as file:
    file.write(json.dumps(sys.argv[2:]) + "\\n")
    file.flush()
    code, out, err = json.loads(file.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""
# The rails of the tests take no time, nor does their worker.
_SLEEP = '#!/bin/sh\nexec "$WHERE"/.venv/bin/python manage.py work\n'


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class Step:
    """Commands of a page, and what it shows of their output at once below them, if anything."""

    commands: str
    shown: Block | None


def steps_of(text: str) -> list[Step]:
    """Return what a reader types, and sees."""
    return [
        Step(match[1], Block(match[2], match[3]) if match[2] in ("json", "text") else None)
        for match in re.finditer(_STEP, text)
    ]


class Shell:
    """A folder that looks like a checkout in which ``./run`` is at work."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        python = folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        _write_program(python, _PYTHON.format(python=sys.executable, port=port))
        (folder / "bin").mkdir()
        _write_program(folder / "bin" / "sleep", _SLEEP)
        (folder / "docs").symlink_to(Path(settings.BASE_DIR) / "docs")

    def outputs_of(self, scripts: list[str]) -> list[str]:
        """Run the scripts in one shell, which ends at the first command that fails, and return what each printed."""
        files = [self.folder / f"output-{number}" for number in range(len(scripts))]
        parts = [f"exec >'{file}' 2>&1\n{text}" for file, text in zip(files, scripts, strict=True)]
        running = subprocess.Popen(  # noqa: S603 - what stands in our own pages
            ["/bin/sh", "-euc", "\n".join(parts)],
            cwd=self.folder,
            start_new_session=True,
            env={
                "PATH": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin",
                "WHERE": str(self.folder),
                "LANG": "C.UTF-8",
            },
            stdin=subprocess.DEVNULL,
        )
        try:
            code = running.wait(PATIENCE_SECONDS)
        finally:
            # What was begun in the background ends with the page, however that ends.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
        printed = [file.read_text() for file in files if file.exists()]
        assert code == 0, f"{scripts[len(printed) - 1]}\nprinted:\n{printed[-1]}"
        return printed


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """Give a shell, and carry out what its commands ask for."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                answer = _carry_out(json.loads(self.rfile.readline()))
                self.wfile.write(json.dumps(answer).encode() + b"\n")
            finally:
                connections.close_all()

    is_over = threading.Event()
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}),
            threading.Thread(target=_work, args=[is_over]),
        ]
        for thread in threads:
            thread.start()
        try:
            yield Shell(folder, server.server_address[1])
        finally:
            is_over.set()
            server.shutdown()
            for thread in threads:
                thread.join()


def _work(is_over: threading.Event) -> None:
    """Be a worker, for programs that wait for one."""
    try:
        while not is_over.wait(WORKER_SECONDS):
            run_once()
    finally:
        connections.close_all()


def _carry_out(arguments: list[str]) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command, after a worker has done what it made due."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    if arguments != ["work"]:
        try:
            call_command(*arguments, stdout=out, stderr=err)
        except CommandError as error:
            code = error.returncode
            err.write(f"CommandError: {error}\n")
    run_once()
    Dispatcher().run_due()
    return code, out.getvalue(), err.getvalue()


def assert_printed(expected: Block, output: str) -> None:
    """Fail unless the output is what the page shows: its last JSON, or lines of text. ``…`` stands for anything."""
    if expected.language == "json":
        found = _last_json(output)
        assert fits(json.loads(expected.text), found), f"{expected.text}\nis not in\n{json.dumps(found, indent=2)}"
        return
    lines = output.splitlines()
    for line in filter(None, expected.text.splitlines()):
        assert any(_is_like(line, one) for one in lines), f"{line!r} is not in\n{output}"


def _last_json(output: str) -> Any:
    decoder, found, position = json.JSONDecoder(), None, 0
    while (start := output.find("{", position)) >= 0:
        found, position = decoder.raw_decode(output, start)
    return found


def fits(shown: Any, found: Any) -> bool:
    """Say whether what is shown is there: of an object the fields that are shown, of a list all, up to an ellipsis."""
    if isinstance(shown, dict):
        return isinstance(found, dict) and all(
            name == "…" or (name in found and fits(value, found[name])) for name, value in shown.items()
        )
    if isinstance(shown, list):
        whole = [value for value in shown if value != "…"]
        is_open = len(whole) < len(shown)
        return (
            isinstance(found, list)
            and (len(found) == len(whole) or (is_open and len(found) > len(whole)))
            and all(fits(*pair) for pair in zip(whole, found, strict=False))
        )
    if shown == "…":
        return True
    return _is_like(shown, found) if isinstance(shown, str) and isinstance(found, str) else shown == found


def _is_like(shown: str, found: str) -> bool:
    escaped = re.sub(r"([*?\[])", r"[\1]", shown)
    # Servers spell the names of headers in their own way.
    return fnmatch.fnmatchcase(found.lower(), escaped.replace("…", "*").lower())
