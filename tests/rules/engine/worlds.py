"""Snapshots made by hand, and plans told in lines that a person can check."""

from datetime import date
from decimal import Decimal
from typing import Any

from rules.engine.plan import LineStatus, Plan, make_plan
from rules.engine.snapshot import AccountState, AchRoom, Snapshot
from tests.rules.definitions import defined, manual, rule, step
from transfers.rails import rail_between

# A Wednesday in a month of 31 days.
TODAY = date(2026, 7, 15)


def account(id: str, cents: int | None = 0, **facts: Any) -> AccountState:
    """An income source or pod."""
    return AccountState(id=id, name=id.title(), balance_cents=cents, **facts)


def bank(id: str = "bank", cents: int | None = 0, **facts: Any) -> AccountState:
    return account(id, cents, external_account_type="DEPOSITORY", is_external=True, **facts)


def debt(
    id: str = "card",
    owes: int | None = 0,
    *,
    minimum: int | None = None,
    statement: int | None = None,
    rate: str | None = None,
    **facts: Any,
) -> AccountState:
    return account(
        id,
        owes,
        external_account_type="LIABILITY",
        is_external=True,
        next_payment_minimum_cents=minimum,
        last_statement_balance_cents=statement,
        interest_rate_percent=None if rate is None else Decimal(rate),
        **facts,
    )


def world(
    *accounts: AccountState,
    incoming: int | None = None,
    today: date = TODAY,
    used: dict[tuple[str, int | None, str], int] | None = None,
    rooms: list[tuple[str, int, str]] | None = None,
    trigger: str | None = "income",
    income: int | None = 1000_00,
    rent: int | None = 0,
    **balances: int,
) -> Snapshot:
    """A snapshot: "income" and "rent" are always there, other pods by keyword, anything else as it is given."""
    pods = {"income": income, "rent": rent, **balances}
    states = {id: account(id, cents) for id, cents in pods.items()} | {state.id: state for state in accounts}
    return Snapshot(
        accounts=states,
        today=today,
        carrier_between=rail_between,
        trigger_account_id=trigger,
        incoming_cents=incoming,
        moved_cents=dict(used or {}),
        ach_rooms=[AchRoom(*room) for room in rooms or []],
    )


def plan_of(snapshot: Snapshot, *actions: dict[str, Any], conditions: Any = None) -> Plan:
    """Plan one step of these actions."""
    return make_plan(defined(rule(step(*actions, conditions=conditions), trigger=manual())), snapshot)


def told(plan: Plan) -> list[str]:
    """Return each line of the plan: ``rent 500``, ``rent 99 skipped: …``, ``rent 500 failed: …``; ? is not known."""
    words = {LineStatus.MOVE: "", LineStatus.SKIP: " skipped", LineStatus.FAIL: " failed"}
    return [
        f"{line.destination_id or '-'} {'?' if line.amount_cents is None else line.amount_cents}"
        f"{words[line.status]}{f': {line.code}' if line.code else ''}"
        for line in plan.lines
    ]
