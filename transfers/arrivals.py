"""Arrivals: who waits for money on an account, so that nobody need look at what no one waits for.

An app above that does something about money that arrives says so in the wiring, as a condition in SQL on
``{account_id}``, without parameters; ``{within}`` ends what it says of its own rows, where a sweep works for one
organization. A completed transfer that no condition fits counts as noticed from the start; the others wait for that
app's sweep.
"""

from collections.abc import Sequence

from sequence.core.wired import wired


def is_awaited(account_id: str, within: str) -> str:
    """Return the SQL that says whether anybody waits for money on the account that the expression names."""
    conditions: Sequence[str] = wired("AWAITED_ARRIVALS")
    asked = [f"({condition.format(account_id=account_id, within=within)})" for condition in conditions]
    return " OR ".join(asked) or "FALSE"
