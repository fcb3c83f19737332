"""Order of the files: the long ones first, so that no process is left with one when the others are done."""

from collections import defaultdict

import pytest

# Seconds of a test where they are far from the ordinary tenth: servers are started, or much is made.
_SECONDS = {
    "tests/postgres/test_run.py": 40.0,
    "tests/postgres/test_two_roles.py": 20.0,
    "tests/postgres/test_installation.py": 40.0,
    "tests/postgres/": 1.5,
    "tests/transfers/chaos/test_pooler.py": 60.0,
    "tests/transfers/chaos/test_failover.py": 60.0,
    "tests/transfers/chaos/test_failover_manager.py": 240.0,
    "tests/transfers/chaos/test_cut_network.py": 60.0,
    "tests/transfers/chaos/test_several_machines.py": 60.0,
    "tests/transfers/chaos/": 15.0,
    "tests/demo/": 2.0,
    "tests/browser/": 4.0,
    "tests/api_docs/test_generated_requests.py": 0.5,
    "tests/test_web_server.py": 2.0,
    "tests/test_production.py": 1.0,
    "tests/rules/test_right_money_machine.py": 5.0,
    "tests/rules/test_why_not_properties.py": 40.0,
    "tests/transfers/test_dry_run_promise.py": 240.0,
}
_ORDINARY = 0.1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the files with most to do to the front; what a file holds stays in the order that chance gave it."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for item in items:
        seconds[_file_of(item)] += _seconds_of(item)
    items.sort(key=lambda item: seconds[_file_of(item)], reverse=True)


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _seconds_of(item: pytest.Item) -> float:
    return next((seconds for path, seconds in _SECONDS.items() if item.nodeid.startswith(path)), _ORDINARY)
