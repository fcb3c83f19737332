"""Docstrings: what is public says what it promises, and each module what it is about.

A class may say it otherwise: an error by its text, a command by its help, an action by its sentence, a page of Django's
by what it sets. A function has nothing else, but for the ``main`` of a module that is run.
"""

import ast
from collections.abc import Iterator

from tests.test_types import ROOT, product

# Their names say all that there is to be said.
FRAMEWORKS_OWN = {"apps.py", "__init__.py"}


def silent_functions(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "main"
        if is_function and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.name


class TestDocstrings:
    def test_are_of_every_public_function(self):
        silent = [
            f"{path.relative_to(ROOT)}: {name}"
            for path in product()
            for name in silent_functions(ast.parse(path.read_text()))
        ]

        assert silent == []

    def test_are_of_every_module(self):
        silent = [
            str(path.relative_to(ROOT))
            for path in product()
            if path.name not in FRAMEWORKS_OWN
            and "commands" not in path.parts  # Django shows the help of what is in them.
            and not ast.get_docstring(ast.parse(path.read_text()))
        ]

        assert silent == []
