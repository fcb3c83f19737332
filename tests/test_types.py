"""How much of the product has a type: ``Any`` switches the checker off for whatever it meets."""

import ast
from collections.abc import Iterator
from pathlib import Path

from sequence.local.launch.install import ROOT

# What is left stands where Django, the driver or JSON know no better themselves.
MOST = 200
# Not ours, not the product, or written by Django.
PASSED_OVER = {".venv", ".local", "tests", "migrations"}


def product() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*.py")):
        if PASSED_OVER.isdisjoint(path.relative_to(ROOT).parts):
            yield path


def uses_of_any(code: str) -> int:
    """Return how often the code says ``Any``, in annotations that are written as texts too."""
    return sum(map(_says_any, ast.walk(ast.parse(code))))


def _says_any(node: ast.AST) -> int:
    match node:
        case ast.Name(id="Any") | ast.Attribute(attr="Any"):
            return 1
        case (
            ast.arg(annotation=ast.Constant(value=str(text)))
            | ast.AnnAssign(annotation=ast.Constant(value=str(text)))
            | ast.FunctionDef(returns=ast.Constant(value=str(text)))
        ):
            return uses_of_any(text)
    return 0


class TestAny:
    def test_is_said_less_than_200_times_in_the_product(self):
        found = {str(path.relative_to(ROOT)): uses_of_any(path.read_text()) for path in product()}

        assert "manage.py" in found
        assert sum(found.values()) < MOST, sorted(found, key=lambda path: -found[path])[:10]

    def test_is_counted_where_it_is_said_and_nowhere_else(self):
        code = '''
"""Any text."""
import typing
from typing import Any

Rows = dict[str, Any]

def read(stored: "Any", *, other: typing.Any) -> "list[Any]":
    """Any words."""
    return "Any"
'''

        assert uses_of_any(code) == 4
