"""Reference as Markdown: every operation with its scope and a request that was sent, for programs that read."""

from functools import cache

from sequence.core.api.openapi.document import document
from sequence.core.api.openapi.story import steps_of
from sequence.core.typing import JsonObject


@cache
def as_markdown() -> str:
    """Return the API's introduction and operations as Markdown."""
    described = document()
    parts = [f"# {described['info']['title']}\n\n{described['info']['description']}\n"]
    for tag in described["tags"]:
        parts.append(f"\n## {tag['name']}\n\n{tag['description']}\n")
        for path, item in described["paths"].items():
            parts += [
                _operation(method.upper(), path, operation)
                for method, operation in item.items()
                if operation["tags"] == [tag["name"]]
            ]
    return "".join(parts)


def _operation(method: str, path: str, operation: JsonObject) -> str:
    codes = {
        step["answer"]["error"]["code"]: step["title"]
        for step in steps_of(operation["operationId"])
        if step["answer"] and "error" in step["answer"]
    }
    refused = "".join(f"- `{code}`: {title}\n" for code, title in codes.items())
    samples = operation.get("x-codeSamples", [])
    shown = f"\n```sh\n{samples[0]['source']}\n```\n" if samples else ""
    told = f"\n### {method} {path}\n\n{operation['summary']}. {operation['description']}\n"
    return told + shown + (f"\n{refused}" if refused else "")
