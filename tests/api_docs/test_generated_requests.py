"""Requests that schemathesis makes up from the document, good and bad, sent through the whole WSGI application."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import positive_data_acceptance

from sequence.core.api.openapi.document import document
from sequence.wsgi import application
from tests.api_docs.conformance import operations

# Of requests that fit the document, and as many that do not.
FEW, EXAMPLES = 2, 10
# The same requests in every run; another number makes others.
SEED = 20240423


@pytest.fixture
def _test_transaction_survives() -> Iterator[None]:
    """Keep Django from closing, around each request, the connection in whose transaction the test runs."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# Faults that lie between fields, in other rows, or in a cursor's seal.
BEYOND_A_SCHEMA = {
    "bad_cursor",
    "exactly_one",
    "in_the_future",
    "max_depth",
    "max_places",
    "not_a_liability",
    "not_before_to",
    "out_of_reach",
    "repeated",
    "same_account",
    "too_long_before",
    "unknown_account",
    "wrong_account",
    "wrong_type",
}


# What may stand inside an emoji and nowhere else, which no pattern says.
OF_EMOJI = ("\\u200d", "\\ufe0e", "\\ufe0f")


def _is_beyond_a_schema(error: dict[str, Any], body: Any, query: Any) -> bool:
    """Say whether a request that fits its schema was refused for what no schema can say."""
    if error["code"] == "idempotency_key_mismatch":
        return True
    # To JSON Schema 1.0 is an integer; to money it is not.
    # What belongs to another type of action is told as what it is: to be left out.
    faults = [fault for fault in error.get("details", []) if not fault["message"].startswith("Leave it out: ")]
    codes = {fault["code"] for fault in faults}
    if any(character in json.dumps([body, query], default=str) for character in OF_EMOJI):
        codes.discard("invisible_character")
    return (bool(error.get("details")) and codes <= BEYOND_A_SCHEMA) or _holds_a_float(body)


def _holds_a_float(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_holds_a_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The document, read once: with it, schemathesis reads the literals of the application's code, to try them too."""
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    return schema


@pytest.mark.usefixtures("_test_transaction_survives")
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=str)
@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in operations()])
def test_no_request_leaves_the_document(api, schema, by_length, method, path, mode):
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails

    @seed(SEED)
    @settings(
        max_examples=by_length(FEW, EXAMPLES, EXAMPLES),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def send(case):
        response = case.call_and_validate(headers=api.headers, excluded_checks=[positive_data_acceptance])
        if mode is schemathesis.GenerationMode.POSITIVE and response.status_code == 400:
            assert _is_beyond_a_schema(response.json()["error"], case.body, case.query), response.text

    send()
