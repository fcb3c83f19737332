"""An installation, and the embedded server in it, as an account has them that no one made a home for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sequence.local.launch.install import ROOT
from tests.postgres.conftest import IS_ROOT

INSTALL = "from sequence.local.launch.install import ensure_installed; ensure_installed(with_tests=False)"


@pytest.mark.full
class TestInstallation:
    @pytest.fixture
    def checkout(self, place, person) -> Path:
        """A checkout of the person's, who has a home and may not write there, on a path that a shell would misread."""
        target = place / "at $HOME"
        leave = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, target, ignore=leave)
        (target / "home").mkdir()
        if IS_ROOT:
            subprocess.run(["/bin/chown", "-R", person.name, target], check=True)  # noqa: S603
        (target / "home").chmod(0o555)
        return target

    def test_needs_no_home_and_no_open_umask(self, checkout, person):
        # What leads to the network stays; a cache or a database that this machine has is not for them.
        ours = ("UV_", "XDG_", "DATABASE_", "POSTGRES_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours) or "CERT" in name}
        environment = {**kept, "HOME": str(checkout / "home")}

        def run(*command: str | Path) -> str:
            done = subprocess.run(  # noqa: S603 - our own programs
                command,
                cwd=checkout,
                env=environment,
                umask=0o077,
                capture_output=True,
                text=True,
                check=False,
                **person.switch,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run(person.python, "-c", INSTALL)
        manage = (checkout / ".venv/bin/python", "manage.py")
        try:
            run(*manage, "postgres", "start")
        finally:
            run(*manage, "postgres", "stop")
