"""Condition trees: does a step hold, and which values decided it."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices

from rules.engine.snapshot import AccountState, Snapshot


class Fact(TextChoices):
    """What a condition looks at."""

    TRANSFER_AMOUNT = "TRANSFER_AMOUNT"
    BALANCE = "BALANCE"
    DATE = "DATE"


class ValueFact(TextChoices):
    """What it may be compared with instead of a number."""

    TRANSFER_AMOUNT = "TRANSFER_AMOUNT"
    BALANCE = "BALANCE"
    DATE = "DATE"
    LAST_DAY_OF_MONTH = "LAST_DAY_OF_MONTH"
    NEXT_PAYMENT_MINIMUM_AMOUNT = "NEXT_PAYMENT_MINIMUM_AMOUNT"
    LAST_STATEMENT_BALANCE = "LAST_STATEMENT_BALANCE"


class Operator(TextChoices):
    """How the two are compared."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    Operator.EQUALS: operator.eq,
    Operator.NOT_EQUALS: operator.ne,
    Operator.GREATER_THAN: operator.gt,
    Operator.LESS_THAN: operator.lt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
}

Number = int | Decimal


def evaluate(tree: dict[str, Any] | None, snapshot: Snapshot) -> tuple[bool, dict[str, Any] | None]:
    """Return whether the tree holds, and the tree again with the values seen and the verdict at each node.

    Every leaf is looked at, also where the verdict is clear already: the trace explains all of them. A value that is
    not known makes its condition false, whatever the operator.
    """
    if tree is None:
        return True, None
    if "condition" in tree:
        return _evaluate_leaf(tree["condition"], snapshot)
    kind = "all" if "all" in tree else "any"
    results = [evaluate(child, snapshot) for child in tree[kind]]
    holds = (all if kind == "all" else any)(verdict for verdict, _ in results)
    return holds, {kind: [trace for _, trace in results], "holds": holds}


def _evaluate_leaf(leaf: dict[str, Any], snapshot: Snapshot) -> tuple[bool, dict[str, Any]]:
    account_id = (leaf.get("params") or {}).get("account_id") or snapshot.trigger_account_id
    account = snapshot.accounts.get(account_id) if account_id else None
    left = _value(leaf["fact"], snapshot, account)
    value_fact = leaf.get("value_fact")
    right = _value(value_fact, snapshot, account) if value_fact else _number(leaf["value"])
    holds = left is not None and right is not None and _COMPARE[leaf["operator"]](left, right)
    trace = {**leaf, "account_name": account.name if account else None}
    return holds, {"condition": trace, "saw": left, "compared_with": _show(right), "holds": holds}


def _value(fact: str, snapshot: Snapshot, account: AccountState | None) -> Number | None:
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


def _number(value: Any) -> Number | None:
    return Decimal(value) if isinstance(value, str) else value


def _show(value: Number | None) -> Any:
    return str(value) if isinstance(value, Decimal) else value
