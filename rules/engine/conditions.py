"""Condition trees: does a step hold, and which values decided it."""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal

from rules.engine.definition import Comparison, Condition, Group, Number
from rules.engine.snapshot import AccountState, Snapshot
from rules.engine.traces import Trace
from rules.engine.vocabulary import Fact, Operator, ValueFact

_COMPARE: Mapping[str, Callable[[Number, Number], bool]] = {
    Operator.EQUALS: operator.eq,
    Operator.NOT_EQUALS: operator.ne,
    Operator.GREATER_THAN: operator.gt,
    Operator.LESS_THAN: operator.lt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
}


def evaluate(condition: Condition | None, snapshot: Snapshot) -> tuple[bool, Trace | None]:
    """Return whether the tree holds, and the tree again with the values seen and the verdict at each node.

    Every leaf is looked at, also where the verdict is clear already: the trace explains all of them. A value that is
    not known makes its condition false, whatever the operator.
    """
    if condition is None:
        return True, None
    if isinstance(condition, Group):
        results = [evaluate(child, snapshot) for child in condition.children]
        holds = (all if condition.needs_all else any)(verdict for verdict, _ in results)
        return holds, {condition.kind: [trace for _, trace in results], "holds": holds}
    return _evaluate_leaf(condition, snapshot)


def compare(operator: Operator, left: Number | None, right: Number | None) -> bool:
    """Say whether the comparison holds. One with what is not known never does."""
    return left is not None and right is not None and _COMPARE[operator](left, right)


def _evaluate_leaf(leaf: Comparison, snapshot: Snapshot) -> tuple[bool, Trace]:
    account_id = leaf.account_id or snapshot.trigger_account_id
    account = snapshot.accounts.get(account_id) if account_id else None
    left = _value(leaf.fact, snapshot, account)
    right = _value(leaf.value_fact, snapshot, account) if leaf.value_fact else leaf.value
    holds = compare(leaf.operator, left, right)
    trace = {**leaf.as_dict(), "account_name": account.name if account else None}
    return holds, {"condition": trace, "saw": left, "compared_with": _show(right), "holds": holds}


def _value(fact: Fact | ValueFact, snapshot: Snapshot, account: AccountState | None) -> Number | None:
    if fact == ValueFact.TRANSFER_AMOUNT:
        # A rule that no money triggered has received nothing.
        return snapshot.incoming_cents or 0
    if fact == ValueFact.DATE:
        return snapshot.today.day
    if fact == ValueFact.LAST_DAY_OF_MONTH:
        return snapshot.last_day_of_month
    if account is None or account.is_deleted:
        return None
    if fact == ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT:
        return account.next_payment_minimum_cents
    if fact == ValueFact.LAST_STATEMENT_BALANCE:
        return account.last_statement_balance_cents
    return account.available_cents


def _show(value: Number | None) -> int | str | None:
    return str(value) if isinstance(value, Decimal) else value
