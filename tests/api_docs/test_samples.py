"""The samples beside each operation: they say what they seem to say, in each language."""

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest

from sequence.core.api.openapi.samples import Sample
from tests.api_docs.conformance import operations

POD = Sample(
    "POST", "/api/v1/accounts/pods", headers={"Idempotency-Key": "k"}, body={"nickname": "Nia's", "description": None}
)
RUNNERS = {
    "curl": ["/bin/sh", "-euc"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}


def test_every_operation_has_some():
    for _, path, operation in operations():
        languages = [sample["label"] for sample in operation["x-codeSamples"]]
        assert languages == ["curl", "Python", "JavaScript"], path


def test_those_in_python_are_python_and_ask_once():
    for _, path, operation in operations():
        sent = ast.walk(ast.parse(operation["x-codeSamples"][1]["source"]))
        assert [node.func.attr for node in sent if is_call_of(node, "urlopen")] == ["urlopen"], path


def is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", RUNNERS)
def test_works(live_server, api, language):
    if shutil.which(RUNNERS[language][0]) is None:
        pytest.skip(f"There is no {RUNNERS[language][0]} here.")
    key = api.headers["Authorization"].removeprefix("ApiKey ")
    done = subprocess.run(  # noqa: S603 - our own sample
        [*RUNNERS[language], getattr(POD, language)()],
        env={**os.environ, "SERVER": live_server.url, "KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    [account] = api.get("/accounts").json()["data"]
    assert account["name"] == "Nia's"
    assert account["id"] in done.stdout


def test_a_query_is_part_of_the_address():
    sample = Sample("GET", "/api/v1/x", query={"at": "2026-03-02T09:00:00Z", "first": 2})
    assert all("/api/v1/x?at=2026-03-02T09:00:00Z&first=2" in one["source"] for one in sample.in_every_language())
    assert json.dumps(sample.in_every_language())
