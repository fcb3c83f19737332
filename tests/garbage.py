"""Garbage collection, kept from looking again and again through what all of a run needs: its modules and its tests.

Eight thousand tests and Django are a million objects that never go. Each full collection of a run would walk all of
them, and many happen just while they are made.
"""

import gc
from collections.abc import Generator
from typing import Any

import pytest

# New objects between two collections of the youngest; Python's own 700 are made for programs that are short of memory.
_YOUNG = 10_000


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """Look for garbage no sooner than all is imported, and from then on only among what tests make."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(_YOUNG)
        gc.enable()
