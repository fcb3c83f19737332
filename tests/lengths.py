"""Lengths of a run: which tests wait behind ``--full`` and ``--long``, how large the others are, and who says so.

``./test`` proves every promise, in minutes. What takes a browser, servers, kills or a fleet of workers, and the
repetitions of what chance decides, carries the mark ``full``: CI runs it before a change lands. What carries the mark
``long`` is for whoever looks for what is rare.
"""

from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import settings


class Length(IntEnum):
    """What a run has time for: each has time for what the ones before it have."""

    SHORT = 0
    FULL = 1
    LONG = 2


_WAITING = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="Run what CI runs: browsers, servers, kills and races too, minutes more."
    )
    parser.addoption(
        "--long", action="store_true", help="Run everything, with chance and chaos in their longest form: hours."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: waits for --full")
    config.addinivalue_line("markers", "long: waits for --long")
    # What hypothesis makes up of a property, where the property does not say itself.
    settings.register_profile("short", max_examples=10)
    if _length_of(config) is Length.SHORT:
        settings.load_profile("short")


def _length_of(config: pytest.Config) -> Length:
    if config.getoption("--long"):
        return Length.LONG
    return Length.FULL if config.getoption("--full") else Length.SHORT


def _awaited_by(item: pytest.Item) -> Length:
    marked = (length for length in (Length.LONG, Length.FULL) if item.get_closest_marker(length.name.lower()))
    return next(marked, Length.SHORT)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what this run has no time for, and count it."""
    waiting = [item for item in items if _awaited_by(item) > _length_of(config)]
    config.stash[_WAITING] = Counter(f"--{_awaited_by(item).name.lower()}" for item in waiting)
    if waiting:
        items[:] = [item for item in items if _awaited_by(item) <= _length_of(config)]
        config.hook.pytest_deselected(items=waiting)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the count to the process that writes the summary, where this is a worker of it."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["waiting"] = dict(session.config.stash.get(_WAITING, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear the count from a worker: each of them collects everything, so that the last one's will do."""
    node.config.stash[_WAITING] = Counter(getattr(node, "workeroutput", {}).get("waiting", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for flag, count in sorted(config.stash.get(_WAITING, Counter()).items()):
        terminalreporter.write_line(f"{count} test{'s' * (count != 1)} not run: waiting for {flag}.", yellow=True)


@pytest.fixture
def by_length(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that picks one of three sizes: that of a short run, of a full one, of a long one."""
    return lambda short, full, long: (short, full, long)[_length_of(request.config)]
