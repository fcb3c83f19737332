"""The collection: every operation, ready to send."""

import json
import re

import pytest
from django.test import Client

from tests.api_docs.conformance import faults, follow, operation_of, operations


@pytest.fixture(scope="module")
def collection() -> dict:
    answer = Client().get("/docs/collection.json")
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.content)


def requests_of(collection: dict) -> list[dict]:
    return [item["request"] for folder in collection["item"] for item in folder["item"]]


def test_has_every_operation(collection):
    sent = {
        (one["method"], "/" + "/".join(one["url"]["path"]).replace("{{", "{").replace("}}", "}"))
        for one in requests_of(collection)
    }
    assert sent == {(method, path) for method, path, _ in operations()}


def test_has_a_value_for_each_variable(collection):
    used = set(re.findall(r"{{(\w+)}}", json.dumps(collection)))
    assert used == {variable["key"] for variable in collection["variable"]}


def test_sends_bodies_that_the_document_allows(collection):
    for request in requests_of(collection):
        path = "/" + "/".join(request["url"]["path"]).replace("{{", "{").replace("}}", "}")
        body = operation_of(request["method"], path).get("requestBody")
        assert ("body" in request) == (body is not None)
        if body:
            schema = body["content"]["application/json"]["schema"]
            assert faults(json.loads(request["body"]["raw"]), follow(schema)) == [], path
