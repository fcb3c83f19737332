"""Trace redaction: the amounts of accounts that the reader may not read become null."""

from collections.abc import Callable, Iterator

from rules.engine.actions import Action
from rules.engine.definition import Definition
from rules.engine.traces import Trace
from rules.engine.vocabulary import ValueFact

MayRead = Callable[[str], bool]

# What a condition compares that belongs to an account; the others belong to the run or to the calendar.
_OF_AN_ACCOUNT = {ValueFact.BALANCE, ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT, ValueFact.LAST_STATEMENT_BALANCE}
# What tells of an action's source alone. Every other amount may have been made from any account that it looks at:
# what the balance took away is the rest of what a destination lacked.
_OF_THE_SOURCE = {"source_available_cents"}
# Parts of a share that spell an amount without saying so in their name.
_AMOUNTS = {"exact", "remainder"}


def readable_trace(trace: Trace, definition: Definition, may_read: MayRead) -> Trace:
    """Return the trace of a run of ``definition`` as somebody may read it who may read only some accounts.

    Verdicts, reasons and transfers stay: they explain the run. ``may_read`` says it of an account's id.
    """
    trigger_account_id = definition.trigger.account_id
    actions = _actions_of(trace, definition)
    return {
        **trace,
        "steps": [
            {**step, "conditions": _readable_conditions(step["conditions"], trigger_account_id, may_read)}
            for step in trace.get("steps", [])
        ],
        "actions": [_readable_action(told, action, may_read) for told, action in actions],
    }


def is_readable(tree: Trace, trigger_account_id: str | None, may_read: MayRead) -> bool:
    """Say whether a trace's leaf tells nothing of an account that may not be read, by its verdict neither."""
    leaf = tree["condition"]
    if not {leaf["fact"], leaf.get("value_fact")} & _OF_AN_ACCOUNT:
        return True
    account_id = (leaf.get("params") or {}).get("account_id") or trigger_account_id
    return account_id is None or may_read(account_id)


def _readable_conditions(tree: Trace | None, trigger_account_id: str | None, may_read: MayRead) -> Trace | None:
    if tree is None:
        return None
    if "condition" in tree:
        return _readable_leaf(tree, trigger_account_id, may_read)
    kind = "all" if "all" in tree else "any"
    return {**tree, kind: [_readable_conditions(child, trigger_account_id, may_read) for child in tree[kind]]}


def _readable_leaf(tree: Trace, trigger_account_id: str | None, may_read: MayRead) -> Trace:
    if is_readable(tree, trigger_account_id, may_read):
        return tree
    leaf = tree["condition"]
    hidden = {"saw": leaf["fact"], "compared_with": leaf.get("value_fact")}
    return {name: None if hidden.get(name) in _OF_AN_ACCOUNT else value for name, value in tree.items()}


def _actions_of(trace: Trace, definition: Definition) -> Iterator[tuple[Trace, Action]]:
    matched = next((step["step_index"] for step in trace.get("steps", []) if step["holds"]), None)
    actions = definition.steps[matched].actions if matched is not None else ()
    for told in trace.get("actions", []):
        yield told, actions[told["action_index"]]


def _readable_action(told: Trace, action: Action, may_read: MayRead) -> Trace:
    if all(may_read(account_id) for account_id in action.account_ids):
        return told
    kept = _OF_THE_SOURCE if may_read(action.source.id) else set()
    return _without_amounts(told, kept)


def _without_amounts(told: Trace, kept: set[str]) -> Trace:
    return {
        name: None if _is_amount(name) and name not in kept else _part_without_amounts(part, kept)
        for name, part in told.items()
    }


def _part_without_amounts(part: object, kept: set[str]) -> object:
    if isinstance(part, list):
        return [_part_without_amounts(item, kept) for item in part]
    return _without_amounts(part, kept) if isinstance(part, dict) else part


def _is_amount(name: str) -> bool:
    return name.endswith("_cents") or name in _AMOUNTS
