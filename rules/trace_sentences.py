"""Trace sentences: an execution told line by line, steps and actions counted from one."""

from collections.abc import Iterator

from rules.engine.traces import Trace
from rules.engine.vocabulary import Fact
from rules.failure_sentences import code_in_words
from rules.sentences import OPERATORS
from sequence.core.money import dollars

_RESULTS = {"move": "moved", "skip": "moved nothing", "fail": "failed"}


def tell_trace(trace: Trace) -> list[str]:
    """Return what the rule saw and did, a line each, indented by two spaces a level."""
    return [*_tell_steps(trace.get("steps", [])), *_tell_actions(trace.get("actions", []))]


def _tell_steps(steps: list[Trace]) -> Iterator[str]:
    for step in steps:
        verdict = "its conditions hold" if step["holds"] else "its conditions do not hold"
        always = "it has no conditions" if step["conditions"] is None else verdict
        yield f"Step {step['step_index'] + 1}: {always}."
        if step["conditions"] is not None:
            yield from _tell_conditions(step["conditions"], depth=1)


def _tell_conditions(tree: Trace, depth: int) -> Iterator[str]:
    mark = "yes" if tree["holds"] else "no"
    if "condition" in tree:
        yield f"{'  ' * depth}{_tell_leaf(tree)}: {mark}"
        return
    kind = "all" if "all" in tree else "any"
    yield f"{'  ' * depth}{'all of' if kind == 'all' else 'any of'}: {mark}"
    for child in tree[kind]:
        yield from _tell_conditions(child, depth + 1)


def _tell_leaf(tree: Trace) -> str:
    leaf = tree["condition"]
    left = _show(leaf["fact"], tree["saw"])
    right = _show(leaf["fact"], tree["compared_with"])
    subject = leaf["fact"].lower().replace("_", " ")
    if leaf["fact"] == Fact.BALANCE and leaf["account_name"]:
        subject += f" of {leaf['account_name']}"
    other = f" ({leaf['value_fact'].lower().replace('_', ' ')})" if leaf["value_fact"] else ""
    return f"{subject} {left} {OPERATORS[leaf['operator']]} {right}{other}"


def _show(fact: str, value: object) -> str:
    if value is None:
        return "unknown"
    return str(value) if fact == Fact.DATE or not isinstance(value, int) else dollars(value)


def _tell_actions(actions: list[Trace]) -> Iterator[str]:
    for action in actions:
        result = action["result"]
        reason = f" ({code_in_words(action['reason'])})" if action.get("reason") else ""
        kind = action["type"].replace("_", " ")
        yield f"Action {action['action_index'] + 1}, {kind} from {action['source']}: {result}{reason}."
        yield from _tell_amounts(action)
        for movement in action.get("movements", []):
            yield f"  {_tell_movement(movement)}"


def _tell_amounts(action: Trace) -> Iterator[str]:
    words = {
        "base_cents": "computed from",
        "computed_cents": "computed amount",
        "limit_took_cents": "the limit took away",
        "source_available_cents": "available in the source",
        "balance_took_cents": "the balance took away",
    }
    for name, text in words.items():
        if action.get(name) is not None:
            yield f"  {text}: {dollars(action[name])}"
    if limit := action.get("limit"):
        yield f"  {_tell_limit(limit)}"


def _tell_limit(limit: Trace) -> str:
    period = limit["period"].lower().replace("_", " ")
    cap, used = (limit[name] for name in ("limit_in_cents", "used_in_cents"))
    if cap is None or used is None:
        return f"the limit is one {period}"
    return f"the limit: {dollars(cap)} {period}, of which {dollars(used)} were used"


def _tell_movement(movement: Trace) -> str:
    cents = movement["amount_cents"]
    amount = "an unknown amount" if cents is None else dollars(cents)
    where = f" to {movement['destination']}" if movement["destination"] else ""
    reason = f": {code_in_words(movement['reason'])}" if movement["reason"] else ""
    transfer = f", transfer {movement['transfer_id']}" if movement.get("transfer_id") else ""
    return f"{_RESULTS[movement['result']]} {amount}{where}{reason}{transfer}"
