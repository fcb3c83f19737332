"""Makes ``.venv`` and puts into it what uv.lock names. Standard library only: nothing is installed yet."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sequence.local.launch.problem import LaunchProblem

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = LOCAL / "install.log"

# What was installed last; it lies inside the environment, and vanishes with it.
STAMP = VENV / "installed"

# What a shell reports of a program that Ctrl-C ended: nothing is running yet, and a half-made installation is redone.
INTERRUPTED = 130

# Pinned by hash: whoever takes over the package or the way to it changes nothing here.
UV = ROOT / "sequence" / "local" / "launch" / "uv.txt"


def continue_inside(module: str, arguments: list[str], *, with_tests: bool) -> NoReturn:
    """Install what is missing, then become ``module``, run by the Python of ``.venv``. Raises LaunchProblem."""
    ensure_installed(with_tests=with_tests)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])  # noqa: S606 - our own interpreter; no shell is wanted.


def ensure_installed(*, with_tests: bool) -> None:
    """Return once ``.venv`` holds what uv.lock names; needs no network if it did so before. Raises LaunchProblem."""
    try:
        _check_ours()
        LOCAL.mkdir(exist_ok=True)
        with _one_at_a_time():
            if not is_installed(with_tests):
                _install(with_tests)
    except OSError as error:
        raise LaunchProblem(f"Cannot install into {VENV}: {error}.") from error


def _check_ours() -> None:
    """Refuse a checkout whose private files belong to somebody else, before anything stumbles over them one by one."""
    for path in (LOCAL, LOCAL / "secrets.env"):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise LaunchProblem(
                f"{path} belongs to {_owner(path)}: start as {_owner(path)}, or use a checkout of your own."
            )


def is_installed(with_tests: bool) -> bool:
    """The tests need more than the server does: what is installed for them serves both."""
    if not (PYTHON.exists() and STAMP.exists()):
        return False
    return STAMP.read_text() in ([_state("tests")] if with_tests else [_state("tests"), _state("server")])


def _state(purpose: str) -> str:
    """Describe an installation, so that a changed lock file or another Python makes a new one."""
    digest = hashlib.sha256()
    for path in (ROOT / "uv.lock", ROOT / "pyproject.toml", UV):
        digest.update(path.read_bytes())
    return f"{purpose} {os.path.realpath(PYTHON)} {digest.hexdigest()}\n"


def _install(with_tests: bool) -> None:
    say = sys.stderr.write
    say("Installing into .venv (once, and after each change of uv.lock) …\n")
    STAMP.unlink(missing_ok=True)
    LOG.unlink(missing_ok=True)
    if not _is_usable():
        _make_venv()
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _execute(PYTHON, *pip, "--require-hashes", "--only-binary=:all:", "-r", UV)
    # The server's needs are added to what is there; the tests' are the whole, and drop what the lock file dropped.
    _execute(VENV / "bin" / "uv", "sync", "--frozen", *([] if with_tests else ["--no-dev", "--inexact"]))
    STAMP.write_text(_state("tests" if with_tests else "server"))


def _is_usable() -> bool:
    """An environment breaks when the Python that it was made from is upgraded or removed."""
    if not PYTHON.exists():
        return False
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([PYTHON, "-c", check], capture_output=True, check=False).returncode == 0  # noqa: S603


def _make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise LaunchProblem(
            f"{sys.executable} cannot make virtual environments: install its venv package "
            "(Debian, Ubuntu: apt install python3-venv)."
        )
    if VENV.exists():
        shutil.rmtree(VENV)
    _execute(sys.executable, "-m", "venv", VENV)


def _execute(*command: str | Path) -> None:
    """Run one step of the installation. Raises LaunchProblem with its last line; all lines are in the log."""
    done = subprocess.run(  # noqa: S603 - our own steps, and no shell.
        command,
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    with LOG.open("a") as log:
        log.write(done.stdout)
    if done.returncode:
        last_line = (done.stdout.strip().splitlines() or ["no output"])[-1].strip()
        raise LaunchProblem(f"The installation failed: {last_line} (all of it: {LOG})")


def _environment() -> dict[str, str]:
    """Return what a step finds in its environment. uv ends where it cannot keep a cache, pip goes on without one."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    if not _may_write(_cache_of_uv()):
        environment["UV_NO_CACHE"] = "1"
    return environment


def _cache_of_uv() -> Path:
    """Return where uv keeps what it fetched."""
    if named := os.environ.get("UV_CACHE_DIR"):
        return ROOT / named
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (caches if caches.is_absolute() else Path.home() / ".cache") / "uv"


def _may_write(folder: Path) -> bool:
    """Say whether this account may write into the folder, or make it: system accounts have no home, or cannot write."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep ./run and ./test from installing into the same environment at once."""
    with (LOCAL / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
