"""Real servers in folders of their own: nothing here uses Django's test database."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sequence.local.launch.install import ROOT
from sequence.local.postgres.account import Account
from sequence.local.postgres.binaries import ROOTS_HOME
from sequence.local.postgres.cluster import Cluster
from sequence.local.postgres.processes import server_processes

IS_ROOT = os.geteuid() == 0

# Not the account that root's servers get, so that the two can be told apart.
STRANGER = "games"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own; servers left in it are stopped."""
    folder = Path(tempfile.mkdtemp(prefix="place-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    for data in [*folder.rglob("data")]:
        discard(data)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pristine() -> Iterator[Path]:
    """A cluster that was made once; a copy is had sooner than a new one."""
    folder = Path(tempfile.mkdtemp(prefix="pristine-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    cluster = Cluster(folder / "cluster", durable=False)
    cluster.ensure_running()
    cluster.stop()
    yield cluster.folder
    shutil.rmtree(folder)


@pytest.fixture
def make_cluster(place: Path, pristine: Path) -> Callable[..., Cluster]:
    def make(name: str, *, durable: bool = False) -> Cluster:
        """A cluster that does not run yet."""
        subprocess.run(["/bin/cp", "-a", pristine, place / name], check=True)  # noqa: S603
        return Cluster(place / name, durable=durable)

    return make


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    return make_cluster("cluster")


def discard(data: Path) -> None:
    """Kill what lives on ``data``, and remove it if it is a link to root's home."""
    kill_all(data)
    socket = data.parent / "socket"
    if socket.is_symlink():
        shutil.rmtree(os.readlink(socket), ignore_errors=True)
    if data.is_symlink() and data.resolve().is_relative_to(ROOTS_HOME):
        shutil.rmtree(data.resolve())


def kill_all(data: Path) -> None:
    """Kill every process that lives on ``data``, as a machine that runs out of memory might."""
    while pids := server_processes(data):
        for pid in pids:
            kill(pid)
        time.sleep(0.02)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def connect(cluster: Cluster, database: str = "postgres") -> psycopg.Connection[Any]:
    return psycopg.connect(dbname=database, autocommit=True, **cluster.address())


def ask(cluster: Cluster, question: str, database: str = "postgres") -> Any:
    with connect(cluster, database) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def wait_until(condition: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)


def environment_for(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a program that uses the embedded server in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PYTEST_CURRENT_TEST")}
    return {**kept, "POSTGRES_DIR": str(folder), "POSTGRES_DURABLE": "0", "WEB_WORKERS": "1", **variables}


@dataclass(frozen=True)
class Person:
    """Somebody who runs Python programs of this checkout; not root, even if the tests are."""

    name: str
    python: str
    switch: dict[str, Any] = field(default_factory=dict)

    def run(self, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        site_packages = str(Path(psycopg.__file__).parent.parent)
        return subprocess.run(  # noqa: S603
            [self.python, *arguments],
            cwd=ROOT,
            # Their own secrets: .local belongs to whoever runs the tests.
            env={**environment, "PYTHONPATH": site_packages, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
            **self.switch,
        )


@pytest.fixture(scope="session")
def person() -> Person:
    if not IS_ROOT:
        return Person(pwd.getpwuid(os.geteuid()).pw_name, sys.executable)
    entry = pwd.getpwnam(STRANGER)
    switch = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    major_minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    check = f"import sys, psycopg, sequence.local.postgres.base; assert sys.version.startswith('{major_minor}.')"
    for python in (sys.executable, "/usr/bin/python3", f"/usr/local/bin/python{major_minor}"):
        somebody = Person(STRANGER, python, switch)
        if Account.of(entry.pw_uid).can_run(Path(python)) and not somebody.run("-c", check, environment={}).returncode:
            return somebody
    pytest.skip("No Python that an ordinary user of this machine may run with what the tests have installed.")


def processes_with(variable: str) -> list[int]:
    """Return the pids of the processes, but for this one, that were started with NAME=value in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):  # It ended meanwhile, or is not ours to look at.
                if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
