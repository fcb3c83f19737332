"""``./test`` inside ``.venv``: a database of its own around pytest."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sequence.local.launch.database import running_cluster
from sequence.local.launch.install import INTERRUPTED, LOCAL
from sequence.local.postgres.cluster import Cluster
from sequence.local.postgres.errors import StartupProblem, in_one_line

# A file stays in one process, so that what is made once for it is made once; in the order that tests/conftest.py gives.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")


def main(arguments: list[str]) -> int:
    """Run pytest with ``arguments`` and return its exit code, or 1 if there is no database to test on."""
    if os.environ.get("DATABASE_URL"):
        return run_pytest(arguments)
    os.environ.setdefault("POSTGRES_DIR", str(LOCAL / "test-postgres"))
    os.environ.setdefault("POSTGRES_DURABLE", "0")
    try:
        with running_cluster(Cluster(Path(os.environ["POSTGRES_DIR"]), durable=False)):
            return run_pytest(arguments)
    except StartupProblem as problem:
        sys.stderr.write(f"{in_one_line(problem)}\n")
        return 1
    except KeyboardInterrupt:  # Before pytest runs; from then on it is pytest's.
        return INTERRUPTED


def run_pytest(arguments: list[str]) -> int:
    """Run pytest on all cores, and return its exit code."""
    command = [sys.executable, "-m", "pytest", "-n", "auto", *BY_FILE, *arguments]
    with subprocess.Popen(command, env=with_bytecode(os.environ)) as pytest, left_to(pytest):  # noqa: S603 - no shell.
        return pytest.wait()


def with_bytecode(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with a place for compiled modules, even where Python was told to keep none.

    The tests start dozens of programs, and each of them would compile Django anew: three seconds of a processor.
    """
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(LOCAL / "bytecode"), **kept}


@contextmanager
def left_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let ``process`` decide what a signal means: the terminal tells it of Ctrl-C itself, SIGTERM we pass on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
