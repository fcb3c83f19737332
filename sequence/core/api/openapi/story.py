"""Story of the document's examples: requests that were sent, and what was answered, from ``docs/examples/story.json``.

A test tells it again and compares; nothing in an example is made up.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.text import slugify

from sequence.core.api.envelope import CONTENT_TYPE
from sequence.core.api.openapi.samples import Sample
from sequence.core.typing import JsonObject

# From where on a status tells of a refusal, and which of them says that a body has not the form that is shown.
_REFUSED, _MALFORMED = 400, 400

FILE = Path(settings.BASE_DIR) / "docs" / "examples" / "story.json"


@cache
def steps() -> list[JsonObject]:
    """Return the story's requests with their answers, in their order."""
    told: list[JsonObject] = json.loads(FILE.read_text(encoding="utf-8"))
    return told


def steps_of(operation_id: str) -> list[JsonObject]:
    """Return the steps of the story that call this operation, in its order."""
    return [step for step in steps() if step["operation"] == operation_id]


def illustrate(document: JsonObject) -> JsonObject:
    """Put the story's examples and samples into the document, in place of what it had there, and return it."""
    for operation in _operations(document):
        told = steps_of(operation["operationId"])
        if not told:
            continue
        first = next(step for step in told if step["status"] < _REFUSED)
        _show_parameters(operation, first["query"])
        _show_bodies(operation, [step for step in told if step["body"] is not None and step["status"] != _MALFORMED])
        for status, response in operation["responses"].items():
            _show_answers(response, [step for step in told if str(step["status"]) == status])
        operation["x-codeSamples"] = sample_of(first).in_every_language()
    return document


def sample_of(step: JsonObject) -> Sample:
    """Return the request of a step as programs write it."""
    return Sample(
        method=step["method"],
        path=step["path"],
        query=step["query"],
        headers=step["headers"],
        body=step["body"],
        has_answer=step["answer"] is not None,
    )


def _operations(document: JsonObject) -> Iterator[JsonObject]:
    for item in document["paths"].values():
        yield from item.values()


def _show_parameters(operation: JsonObject, query: JsonObject) -> None:
    for parameter in operation["parameters"]:
        if parameter.get("in") == "query" and parameter["name"] in query:
            parameter["example"] = query[parameter["name"]]


def _show_bodies(operation: JsonObject, told: list[JsonObject]) -> None:
    examples = {_name(step): _example(step, "body") for step in told}
    if examples and "requestBody" in operation:
        operation["requestBody"]["content"][CONTENT_TYPE]["examples"] = examples


def _show_answers(response: JsonObject, told: list[JsonObject]) -> None:
    """Show the answers of one status: successes in place of what was there, refusals each in the place of its code."""
    examples = {_name(step): _example(step, "answer") for step in told if step["answer"] is not None}
    if examples:
        content = response["content"][CONTENT_TYPE]
        is_refusal = told[0]["status"] >= _REFUSED
        content["examples"] = {**(content.get("examples", {}) if is_refusal else {}), **examples}


def _name(step: JsonObject) -> str:
    return step["answer"]["error"]["code"] if step["status"] >= _REFUSED else slugify(step["title"])


def _example(step: JsonObject, part: str) -> JsonObject:
    return {"summary": step["title"], "value": step[part]}
