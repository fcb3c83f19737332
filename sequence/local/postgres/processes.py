"""Which processes hold a data folder. A pid in a file proves nothing: after a crash it may belong to any program."""

import os
import subprocess
from pathlib import Path


def server_processes(data: Path) -> list[int]:
    """Return the pids of the PostgreSQL processes that live on ``data``, the postmaster's children included.

    Every one of them stays in its data folder, so that children which outlived a killed postmaster are found as well.
    Zombies have no folder any more, and do not count. Only root sees the processes of other accounts.
    """
    if not Path("/proc/self/cwd").exists():
        return _postmaster_by_ps(data)
    folder = os.path.realpath(data)
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _lives_in(entry, folder)]


def recorded_pid(lock_file: Path) -> int | None:
    """Return the pid in the first line of one of PostgreSQL's lock files; None if there is none to read."""
    try:
        return int(lock_file.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def is_alive(pid: int) -> bool:
    """Say whether there is a process of this number, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # It lives, and is somebody else's.
    return True


def _lives_in(pid: str, folder: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd") == folder and _proc_name(pid) == "postgres"
    except OSError:
        return False  # It ended meanwhile, or is not ours to look at.


def _proc_name(pid: str) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _postmaster_by_ps(data: Path) -> list[int]:
    """The same without /proc, as on macOS: believe the pid file if the process has the right name."""
    pid = recorded_pid(data / "postmaster.pid")
    if pid is None:
        return []
    command = ["/bin/ps", "-p", str(pid), "-o", "comm="]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a number, and no shell.
    return [pid] if found.stdout.strip().endswith("postgres") else []
