"""Sizes: a module holds one idea and a function is read in one look, so neither grows past a limit unseen."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.test_types import ROOT, product

MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 50


def modules() -> Iterator[Path]:
    """Yield what is written by hand: the product, its tests and its benchmarks."""
    yield from product()
    for folder in ("tests", "benchmarks"):
        yield from (ROOT / folder).rglob("*.py")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


class TestSizes:
    def test_of_modules_are_at_most_400_lines(self):
        lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}

        assert "manage.py" in lines
        assert {path: count for path, count in lines.items() if count > MOST_LINES_OF_A_MODULE} == {}

    def test_of_the_products_functions_are_at_most_50_lines(self):
        lines = {
            f"{path.relative_to(ROOT)}: {found.name}": (found.end_lineno or 0) - found.lineno + 1
            for path in product()
            for found in functions(path)
        }

        assert lines
        assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FUNCTION} == {}
