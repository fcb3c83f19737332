"""The collection as its readers run it: every request sent by a runner of Postman's format, to a server."""

import json
from typing import Any

import pytest

from tests.api_docs.test_generated_clients import install, run, tool
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, run_now, write_enabled
from tests.transfers.steps import fund, transfer_between

pytestmark = pytest.mark.full

RUNNER = "newman@6.2.2"
# What a request meets that is understood, done or refused: its body names what the story has, and this server has not.
UNDERSTOOD = {200, 201, 202, 204, 400, 403, 404, 409}
TOLD = {None, "invalid_request", "not_found", "account_not_empty", "transfer_not_cancellable", "key_paused"}
# What needs nothing but the variables; one by one until the rule is deleted, and the key paused by itself.
DONE = {
    "Create a pod, a sub-account with a purpose",
    "Read an account with its balance",
    "List the transfers of an account, newest first",
    "Read a transfer from or to an account that the key may read",
    "List the cards of a pod",
    "Read a rule with its trigger, steps, conditions and actions",
    "Delete a rule",
    "Read an execution with its trace and transfers",
    "List what keys, staff and commands did, newest first",
    "Pause this key until a person resumes it",
}


@pytest.fixture
def variables(live_server, acme, api) -> dict[str, str]:
    """What a reader fills in: the server, a key, and an id of each kind that is there."""
    income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
    fund(income, 100_00)
    written = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
    return {
        "server": live_server.url,
        "key": api.headers["Authorization"].removeprefix("ApiKey "),
        "account_id": rent.id,
        "transfer_id": transfer_between(api, income, rent, 5_00).id,
        "rule_id": written.id,
        "rule_execution_id": run_now(api, written)["id"],
    }


def test_sends_every_request_as_the_server_understands_it(tmp_path, variables, client):
    node, npm = tool("node"), tool("npm")
    install(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", RUNNER, cwd=tmp_path)
    collection = client.get("/docs/collection.json").content
    (tmp_path / "collection.json").write_bytes(collection)

    filled = [part for name, value in variables.items() for part in ("--env-var", f"{name}={value}")]
    report = ["--reporters", "json", "--reporter-json-export", "told.json", "--suppress-exit-code"]
    run(node, "node_modules/newman/bin/newman.js", "run", "collection.json", *filled, *report, cwd=tmp_path)

    told = json.loads((tmp_path / "told.json").read_text())["run"]
    answers = {each["item"]["name"]: answer_of(each) for each in told["executions"]}
    assert told["failures"] == []
    assert len(answers) == sum(len(folder["item"]) for folder in json.loads(collection)["item"])
    assert {name: answer for name, answer in answers.items() if answer[0] not in UNDERSTOOD} == {}
    assert {code for _, code in answers.values()} <= TOLD
    assert {name for name, (status, _) in answers.items() if status < 300} >= DONE


def answer_of(execution: dict[str, Any]) -> tuple[int, str | None]:
    """Return the status of an answer, and the code of a refusal."""
    response = execution["response"]
    body = bytes(response["stream"]["data"])
    return response["code"], json.loads(body).get("error", {}).get("code") if body else None
