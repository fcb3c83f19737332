"""Clients that others' generators make of the document: typed in full, and working.

The generators come from their registries into a folder of the test's own. Where one cannot be had, its test says so
and is skipped.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sequence.core.api.openapi.document import OWN_PREFIX, as_json

pytestmark = pytest.mark.full

PROGRAMS = Path(__file__).parent / "client_programs"
NODE_PACKAGES = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3"]
PYTHON_PACKAGES = ["openapi-python-client==0.29.1"]
# What both programs tell of the rule that they wrote and the run that they set off.
TOLD = {
    "conditions": "all(TRANSFER_AMOUNT GREATER_THAN 100, any(DATE LESS_THAN_OR_EQUAL LAST_DAY_OF_MONTH))",
    "same": True,
    "share": 50,
    "name": "Pay",
    "because": "50000",
    "cut": 20000,
    # Nothing is in the source yet.
    "moved": ["skip"],
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with the document and the programs."""
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "openapi.json").write_bytes(as_json(OWN_PREFIX))
    return tmp_path


@pytest.fixture
def server(live_server, api) -> dict[str, str]:
    """Where the programs find a server, and a key that may do everything."""
    return {"SERVER": live_server.url, "KEY": api.headers["Authorization"].removeprefix("ApiKey ")}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Return what the command says. It must succeed."""
    done = start(*command, cwd=cwd, **environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def start(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)  # noqa: S603


def tool(name: str) -> str:
    """Return where the tool is: beside Python, or where the machine keeps its tools."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"There is no {name} here, which gets the generator.")
    return found


def install(*command: str, cwd: Path) -> None:
    """Get what the rest needs, or skip the test."""
    try:
        done = start(*command, cwd=cwd)
    except subprocess.TimeoutExpired:
        pytest.skip(f"The registry does not answer: {' '.join(command)}")
    if done.returncode != 0:
        pytest.skip(f"The generator cannot be had here: {' '.join(command)}: {done.stderr[-500:]}")


def check(told: dict[str, Any]) -> None:
    """Compare what a program told; what a condition of the date saw is another number each day."""
    seen = re.sub(r"DATE was \d+", "DATE was today", told.pop("seen"))
    assert seen == "all(TRANSFER_AMOUNT was 50000: yes, any(DATE was today: yes): yes): yes"
    assert told == TOLD


class TestTypeScript:
    def test_compiles_strictly_and_works(self, folder, server):
        node, npm = tool("node"), tool("npm")
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        install(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *NODE_PACKAGES, cwd=folder)
        modules = folder / "node_modules"

        run(node, modules / "openapi-typescript/bin/cli.js", "openapi.json", "-o", "schema.d.ts", cwd=folder)
        strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
        run(node, modules / "typescript/bin/tsc", *strict, "program.ts", cwd=folder)

        check(json.loads(run(node, "program.js", cwd=folder, **server)))
        types = (folder / "schema.d.ts").read_text()
        schemas = types.partition("export interface components {")[2].partition("export type $defs")[0]
        assert "ConditionTrace: " in schemas
        assert re.findall(r".*(?:unknown|any|Record<string, never>)(?:\[\])?;.*", schemas) == []


class TestPython:
    def test_has_a_class_for_everything_and_works(self, folder, server):
        uv = tool("uv")
        isolated = [uv, "run", "--isolated", "--no-project", *(f"--with={package}" for package in PYTHON_PACKAGES)]
        install(*isolated, "openapi-python-client", "--version", cwd=folder)

        generate = ["generate", "--path", "openapi.json", "--output-path", "router", "--meta", "none"]
        run(*isolated, "openapi-python-client", *generate, "--fail-on-warning", cwd=folder)
        run(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "program.py", cwd=folder)

        check(json.loads(run(*isolated, "python", "program.py", cwd=folder, **server)))
        models = [path.read_text() for path in (folder / "router/models").glob("*.py")]
        names = [name for model in models for name in re.findall(r"^class (\w+)", model, re.MULTILINE)]
        assert len(names) > 100
        assert [name for name in names if re.search(r"\d", name)] == []
        fields = [field for model in models for field in re.findall(r"^    \w+: .*", model, re.MULTILINE)]
        assert [each for each in fields if re.search(r"\bAny\b", each) and "additional_properties" not in each] == []
