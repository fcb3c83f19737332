"""Smallest changes: which literal of which condition, moved as little as it takes, makes a step hold that did not.

Made of the verdicts and the facts that a trace holds, and of the comparison that gave them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from rules.engine.conditions import compare
from rules.engine.traces import Trace
from rules.engine.vocabulary import Operator
from sequence.core.money import MAX_CENTS


@dataclass(frozen=True)
class Change:
    """Another literal in the place of one, which makes its step hold alone. ``path`` is where in the rule it stands."""

    path: str
    to: int


def smallest_changes(trace: Trace, knows: Callable[[Trace], bool]) -> Iterator[Change]:
    """Yield one change for each literal that could make its step hold, in the order of the rule.

    ``knows`` says of a leaf whether the reader may know what it saw. What they may not know counts as undecided: a
    change is told where it would do whatever that leaf's verdict was, and says nothing of it.
    """
    for step in trace.get("steps", []):
        if not step["holds"]:
            yield from _changes_in(step["conditions"], f"steps[{step['step_index']}].conditions", knows)


def _changes_in(tree: Trace, path: str, knows: Callable[[Trace], bool]) -> Iterator[Change]:
    """Yield the changes that make the tree hold. There is no "not" in trees, so that only what fails can help."""
    if "condition" in tree:
        if _verdict(tree, knows) is False:
            yield from _change_of(tree, f"{path}.condition.value")
        return
    kind = "all" if "all" in tree else "any"
    failing = [(index, child) for index, child in enumerate(tree[kind]) if _verdict(child, knows) is not True]
    if kind == "any" or len(failing) == 1:
        for index, child in failing:
            yield from _changes_in(child, f"{path}.{kind}[{index}]", knows)


def _verdict(tree: Trace, knows: Callable[[Trace], bool]) -> bool | None:
    """Return whether the tree holds, None where that hangs on what the reader may not know."""
    if "condition" in tree:
        return bool(tree["holds"]) if knows(tree) else None
    decisive = "any" in tree
    verdicts = {_verdict(child, knows) for child in tree["any" if decisive else "all"]}
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _change_of(leaf: Trace, path: str) -> Iterator[Change]:
    condition, saw = leaf["condition"], leaf["saw"]
    if condition["value"] is None or saw is None:
        return
    # What is seen is a whole number, so that each comparison turns at it or beside it.
    turning = (saw + 1, saw, saw - 1)
    helping = [to for to in turning if compare(Operator(condition["operator"]), saw, to) and abs(to) <= MAX_CENTS]
    if helping:
        yield Change(path, min(helping, key=lambda to: abs(to - Fraction(condition["value"]))))
