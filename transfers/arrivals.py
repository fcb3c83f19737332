"""Arrivals: who waits for money on an account, so that nobody need look at what no one waits for.

An app above that does something about money that arrives says so here, as a condition in SQL on ``account_id``. A
completed transfer that no condition fits counts as noticed from the start; the others wait for that app's sweep.
"""

_conditions: list[str] = []


def wait_for_arrivals(condition: str) -> None:
    """Let arrivals wait where ``condition`` holds; it may name ``{account_id}`` and must quote no parameter."""
    if condition not in _conditions:
        _conditions.append(condition)


def is_awaited(account_id: str) -> str:
    """Return the SQL that says whether anybody waits for money on the account that the expression names."""
    return " OR ".join(f"({condition.format(account_id=account_id)})" for condition in _conditions) or "FALSE"
