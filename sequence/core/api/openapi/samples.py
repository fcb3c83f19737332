"""Samples of a request as programs write it: curl, Python and JavaScript, each with what the language brings along.

Where and as whom stand in the variables ``SERVER`` and ``KEY``; a page that knows both puts them in.
"""

import json
import pprint
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sequence.core.typing import JsonObject

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Sample:
    """A request that is shown. ``has_answer`` is false where nothing but a status comes back."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    has_answer: bool = True

    @property
    def address(self) -> str:
        return f"{self.path}?{urlencode(self.query, safe=':')}" if self.query else self.path

    @property
    def sent_headers(self) -> dict[str, str]:
        """Headers beside the key."""
        return {**({} if self.body is None else _JSON), **self.headers}

    def in_every_language(self) -> list[JsonObject]:
        """Return what the extension ``x-codeSamples`` holds."""
        return [
            {"lang": "Shell", "label": "curl", "source": self.curl()},
            {"lang": "Python", "label": "Python", "source": self.python()},
            {"lang": "JavaScript", "label": "JavaScript", "source": self.javascript()},
        ]

    def curl(self) -> str:
        lines = [f'curl{"" if self.method == "GET" else f" -X {self.method}"} "$SERVER{self.address}"']
        lines += ['-H "Authorization: ApiKey $KEY"']
        lines += [f'-H "{name}: {value}"' for name, value in self.sent_headers.items()]
        if self.body is not None:
            text = json.dumps(self.body, indent=2, ensure_ascii=False).replace("'", "'\\''")
            lines += [f"-d '{text}'"]
        return " \\\n  ".join(lines)

    def python(self) -> str:
        headers = "".join(f'\n        "{name}": "{value}",' for name, value in self.sent_headers.items())
        written = pprint.pformat(self.body, sort_dicts=False, width=88).replace("\n", "\n    ")
        data = "" if self.body is None else f"\n    data=json.dumps({written}).encode(),"
        told = "print(json.dumps(json.load(answer), indent=2))" if self.has_answer else "print(answer.status)"
        return (
            "import json\nimport os\nimport urllib.request\n\n"
            "request = urllib.request.Request(\n"
            f'    os.environ["SERVER"] + "{self.address}",\n    method="{self.method}",\n'
            f'    headers={{\n        "Authorization": "ApiKey " + os.environ["KEY"],{headers}\n    }},{data}\n)\n'
            f"with urllib.request.urlopen(request) as answer:\n    {told}"
        )

    def javascript(self) -> str:
        headers = "".join(f'\n    "{name}": "{value}",' for name, value in self.sent_headers.items())
        written = json.dumps(self.body, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        body = "" if self.body is None else f"\n  body: JSON.stringify({written}),"
        told = "await answer.json()" if self.has_answer else '""'
        return (
            f'const answer = await fetch(process.env.SERVER + "{self.address}", {{\n  method: "{self.method}",\n'
            f'  headers: {{\n    "Authorization": "ApiKey " + process.env.KEY,{headers}\n  }},{body}\n}});\n'
            f"console.log(answer.status, {told});"
        )
