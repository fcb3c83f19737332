"""Cluster, the embedded server: made once, started when nobody answers, stopped on request.

Its folder holds ``lock``, ``data`` (PostgreSQL's own folder, with server.log) and ``socket``. If root starts it where
the server's account cannot go, ``data`` is a link to a place where it can.
"""

import os
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict
from uuid import uuid4

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from sequence.local.postgres import APPLICATION, SUPERUSER, binaries
from sequence.local.postgres.account import Account, account_name, is_quotable, server_account
from sequence.local.postgres.errors import (
    FolderForbidden,
    FolderUnreachable,
    NotACluster,
    NotAnswering,
    OtherVersion,
    PathUnusable,
    ProgramFailed,
    StartupProblem,
)
from sequence.local.postgres.locking import exclusive
from sequence.local.postgres.processes import is_alive, recorded_pid, server_processes
from sequence.local.postgres.sockets import PORT, SOCKET_NAME, place_socket_folder, remove_short_folder, socket_folder

# Recovery after a crash reads up to a gigabyte of log; a machine that needs longer has another problem.
START_SECONDS = 60
STOP_SECONDS = 30
# libpq's shortest; only a server that hangs takes that long.
PING_SECONDS = 2

# A log that nobody rotates is moved aside at the next start once it is this large; one predecessor is kept.
LARGEST_LOG_BYTES = 10_000_000

SERVER_SETTINGS = {
    "listen_addresses": "",
    # Several test processes with fifty threads each, beside a development server.
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Routine, every few minutes, and all that a healthy server would ever log.
    "log_checkpoints": "off",
    # What `ps` shows.
    "cluster_name": "sequence",
}
# For tests: a power cut may take the whole cluster with it.
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Address(TypedDict):
    """Where the server listens, and the role that owns everything, as the driver takes them."""

    host: str
    port: int
    user: str


@dataclass(frozen=True)
class Cluster:
    """An embedded server by its folder. ``durable`` counts for the next start."""

    folder: Path
    durable: bool = True

    @classmethod
    def of(cls, database: Mapping[str, Any]) -> "Cluster":
        """Return the cluster that an entry of settings.DATABASES describes."""
        return cls(Path(database["CLUSTER_DIR"]).absolute(), database["DURABLE"])

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def address(self) -> Address:
        """Return the connection parameters, whether or not the server runs. Raises FolderForbidden."""
        self._check_owner()
        return {"host": str(socket_folder(self.folder)), "port": PORT, "user": SUPERUSER}

    def pid(self) -> int | None:
        """Return the postmaster's pid, or None when it does not run. Raises FolderForbidden."""
        self._check_owner()
        pid = recorded_pid(self.data / "postmaster.pid")
        return pid if pid in server_processes(self.data) else None

    def is_answering(self) -> bool:
        where = make_conninfo(host=self.address()["host"], port=PORT, connect_timeout=PING_SECONDS)
        return pq.PGconn.ping(where.encode()) == pq.Ping.OK

    def ensure_running(self) -> bool:
        """Return once the server answers: True if this call started it, False if it ran. Raises StartupProblem."""
        try:
            if self.is_answering():
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            with exclusive(self.folder / "lock", patience_seconds=2 * START_SECONDS):
                return self._start_unless_running()
        except PermissionError as error:
            raise FolderForbidden(self.folder, _owner(self.folder)) from error
        except OSError as error:
            raise StartupProblem(f"The database in {self.folder} cannot start: {error}") from error

    def ensure_application_role(self) -> None:
        """Create the role that serves on the running server unless it exists. It has no power but what is granted."""
        with psycopg.connect(dbname="postgres", autocommit=True, **self.address()) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
                return
            try:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APPLICATION)))
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                return  # Another process was faster.

    def ensure_database(self, name: str) -> None:
        """Create the database ``name`` on the running server unless it exists."""
        with psycopg.connect(dbname="postgres", autocommit=True, **self.address()) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # Another process was faster.

    def stop(self) -> bool:
        """Stop the server and return True, or False if none ran. Open connections are cut. Raises StartupProblem."""
        if self.pid() is None:
            return False
        account = server_account(self.data)
        with exclusive(self.folder / "lock", patience_seconds=2 * START_SECONDS):
            pg_ctl = binaries.bin_folder_for(account) / "pg_ctl"
            stop = (pg_ctl, "stop", "-D", self.data.resolve(), "-w", f"--timeout={STOP_SECONDS}", "--silent")
            try:
                account.run(*stop, "--mode=fast")
            except ProgramFailed:
                account.run(*stop, "--mode=immediate")  # Loses nothing: the next start recovers, as after a crash.
            remove_short_folder(self.folder)
        return True

    def _start_unless_running(self) -> bool:
        if self._wait_while_held():
            return False
        account = server_account(self.data)
        programs = binaries.bin_folder_for(account)
        for path in (programs, self.data.resolve()):
            if not is_quotable(path):
                raise PathUnusable(path)
        if not self.data.exists():
            self._create(account, programs)
        self._check_usable(account, programs)
        self._start(account, programs)
        return True

    def _wait_while_held(self) -> bool:
        """Return True once the server answers, or False once no process of it is left.

        In between it is starting, recovering or stopping, or its postmaster died and a child has not noticed yet.
        """
        deadline = time.monotonic() + START_SECONDS
        while pids := server_processes(self.data):
            if self.is_answering():
                return True
            if time.monotonic() > deadline:
                raise NotAnswering(self.data.resolve(), pids, START_SECONDS)
            time.sleep(0.05)
        return False

    def _create(self, account: Account, programs: Path) -> None:
        """Make a new data folder. The name ``data`` appears last, so that what bears it is whole."""
        is_reachable = account.can_enter(self.folder)
        home = self.folder if is_reachable else _shared_home()
        draft = home / ("data.new" if is_reachable else f"draft-{uuid4().hex}")
        if draft.exists():
            shutil.rmtree(draft)  # A start that was killed half-way; we hold the lock, so it is nobody's.
        draft.mkdir(mode=0o700)
        account.give(draft)
        self._initdb(account, programs, draft)
        if is_reachable:
            draft.rename(self.data)
        else:
            self.data.symlink_to(draft.rename(home / f"{self.folder.name}-{uuid4().hex}"))
        _sync(self.folder)

    def _initdb(self, account: Account, programs: Path, draft: Path) -> None:
        account.run(
            programs / "initdb",
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            # PostgreSQL's own C.UTF-8: the same order and letter case on every machine, whatever locales it has.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        )

    def _check_usable(self, account: Account, programs: Path) -> None:
        if not account.can_enter(self.data.resolve()):
            raise FolderUnreachable(self.data.resolve(), account.name)
        version_file = self.data / "PG_VERSION"
        if not version_file.exists():
            raise NotACluster(self.data)
        found = version_file.read_text().strip()
        needed = account.run(programs / "postgres", "--version").split()[-1].split(".")[0]
        if found != needed:
            raise OtherVersion(self.data, found, needed)

    def _start(self, account: Account, programs: Path) -> None:
        """Start the server; the caller holds the lock and knows that no process of it lives."""
        socket = place_socket_folder(self.folder, account)
        _remove_misleading_lock(self.data / "postmaster.pid")
        _remove_misleading_lock(socket / f"{SOCKET_NAME}.lock")
        self._move_large_log_aside()
        settings = SERVER_SETTINGS | ({} if self.durable else UNSAFE_SETTINGS)
        settings["unix_socket_directories"] = str(socket)
        # pg_ctl hands its options to a shell.
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        data = self.data.resolve()
        try:
            account.run(
                *(programs / "pg_ctl", "start", "-D", data, "-w", f"--timeout={START_SECONDS}", "--silent"),
                *(f"--log={data / self.log.name}", f"--options={options}"),
            )
        except ProgramFailed as error:
            raise ProgramFailed("PostgreSQL's start", self._last_words() or str(error)) from error

    def _last_words(self) -> str:
        """Return the log's last line that says why the server gave up."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 10_000))
            lines = log.read().decode(errors="replace").splitlines()
        return next((line for line in reversed(lines) if "FATAL:" in line or "PANIC:" in line), "")

    def _move_large_log_aside(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _check_owner(self) -> None:
        """Raise FolderForbidden if the data is not ours; root may use everybody's, and runs the server as its owner."""
        if os.geteuid() == 0:
            return
        try:
            owner = self.data.stat().st_uid
        except FileNotFoundError:
            return
        except PermissionError as error:
            raise FolderForbidden(self.folder, _owner(self.folder)) from error
        if owner != os.geteuid():
            raise FolderForbidden(self.data, account_name(owner))


def _remove_misleading_lock(lock_file: Path) -> None:
    """Remove one of PostgreSQL's lock files if it would refuse to start because of it.

    It sees for itself that a dead pid means a crash, and then looks for orphans; but a pid that now belongs to another
    program, and a file that lost its content, make it believe in a server that we know is not there.
    """
    pid = recorded_pid(lock_file)
    if pid is None or is_alive(pid):
        lock_file.unlink(missing_ok=True)


def _shared_home() -> Path:
    """Return root's folder for clusters of an account that cannot enter the project's, making it if need be."""
    home = binaries.ROOTS_HOME / "clusters"
    home.mkdir(parents=True, exist_ok=True)
    for folder in (binaries.ROOTS_HOME, home):
        folder.chmod(0o755)
    return home


def _sync(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut; initdb has done so for what was renamed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _owner(path: Path) -> str:
    """Return who owns ``path``, or the nearest folder above it that we may look at."""
    while True:
        try:
            return account_name(path.stat().st_uid)
        except (PermissionError, FileNotFoundError):
            path = path.parent
