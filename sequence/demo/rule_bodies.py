"""Household's rules, as bodies of ``POST /rules``."""

from collections.abc import Callable, Iterator
from datetime import datetime, time

from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from sequence.demo.period import Period

Body = JsonObject


def rule_bodies(id_of: Callable[[str], str], period: Period) -> dict[str, Body]:
    """Return the rules that the household begins with, by short names."""
    return {
        "paycheck": _split_the_paycheck(id_of),
        "freelance": _split_an_invoice(id_of),
        **_by_the_calendar(id_of, period),
        **_by_hand(id_of),
        "debts": _pay_down_the_debts(id_of, period),
        "card": pay_more_on_the_card(
            id_of, _scheduled("MONTHLY", period.monthly(20, time(11)), id_of("payroll")), percent=3
        ),
    }


def _by_the_calendar(id_of: Callable[[str], str], period: Period) -> dict[str, Body]:
    # No two are due at the same minute, so that which comes first is never left to chance.
    return {
        "rent": {
            "nickname": "Rent to the landlord",
            "trigger": _scheduled("MONTHLY", period.monthly(1, time(9)), id_of("rent")),
            "steps": _always(
                _action(id_of, "fixed_amount", "rent", "landlord", amount_in_cents=195_000, ach_description="RENT")
            ),
        },
        "groceries": {
            "nickname": "Groceries for the week",
            "trigger": _scheduled("WEEKLY", period.weekly(0, time(6)), id_of("payroll")),
            "steps": _always(
                _action(id_of, "top_up", "payroll", "groceries", amount_in_cents=24_000, up_to_enabled=True)
            ),
        },
        "allowance": {
            "nickname": "Spending money",
            "trigger": _scheduled("MONTHLY", period.monthly(3, time(7, 30)), id_of("payroll")),
            "steps": _always(
                _action(id_of, "fixed_amount", "payroll", "checking", amount_in_cents=80_000, up_to_enabled=True)
            ),
        },
        "invest": {
            "nickname": "Invest after each payday",
            "trigger": _scheduled("EVERY_OTHER_WEEK", period.paydays(time(12)), id_of("payroll")),
            "steps": _always(_percentage(id_of, "payroll", "brokerage", 12, "SOURCE_ACCOUNT")),
        },
        "change": {
            "nickname": "Sweep the small change",
            "description": "What is above a multiple of $500 before rent is due is saved, $2,000 a year at most.",
            "trigger": _scheduled("MONTHLY", period.monthly(28, time(20)), id_of("payroll")),
            "steps": _always(
                _action(
                    id_of,
                    "round_down",
                    "payroll",
                    "rainy",
                    amount_in_cents=50_000,
                    limit={"period": "PER_YEAR", "amount_in_cents": 200_000},
                )
            ),
        },
    }


def _by_hand(id_of: Callable[[str], str]) -> dict[str, Body]:
    return {
        "clear": {
            "nickname": "Clear the freelance account",
            "trigger": {"type": "MANUAL", "account_id": id_of("freelance")},
            "steps": _always(_percentage(id_of, "freelance", "checking", 100, "SOURCE_ACCOUNT")),
        },
        "payoff": {
            "nickname": "Pay the car off",
            "description": "For the day on which the savings are enough.",
            "trigger": {"type": "MANUAL", "account_id": id_of("rainy")},
            "steps": _always(_action(id_of, "total_amount_due", "rainy", "loan")),
        },
    }


def _split_the_paycheck(id_of: Callable[[str], str]) -> Body:
    rent = _percentage(id_of, "payroll", "rent", 45, "INCOMING_AMOUNT")
    return {
        "nickname": "Split the paycheck",
        "description": "Rent until the month's is there, then bills, savings and vacation; the rest stays.",
        "trigger": {"type": "ON_FUNDS_TRANSFERRED", "account_id": id_of("payroll")},
        "steps": _always(
            {**rent, "limit": {"period": "PER_MONTH", "amount_in_cents": 195_000}},
            _percentage(id_of, "payroll", "bills", 7.25, "INCOMING_AMOUNT"),
            _percentage(id_of, "payroll", "rainy", 8, "INCOMING_AMOUNT"),
            _percentage(id_of, "payroll", "vacation", 3, "INCOMING_AMOUNT"),
        ),
    }


def _split_an_invoice(id_of: Callable[[str], str]) -> Body:
    """A large invoice feeds the savings while they are short, or early in the month; every invoice is taxed."""
    is_short = _condition("BALANCE", "LESS_THAN", 1_500_000, params={"account_id": id_of("rainy")})
    is_early = _condition("DATE", "LESS_THAN_OR_EQUAL", 10)
    is_large = _condition("TRANSFER_AMOUNT", "GREATER_THAN_OR_EQUAL", 150_000)
    return {
        "nickname": "Split an invoice",
        "trigger": {"type": "ON_FUNDS_TRANSFERRED", "account_id": id_of("freelance")},
        "steps": [
            {
                "conditions": {"all": [is_large, {"any": [is_short, is_early]}]},
                "actions": [
                    _percentage(id_of, "freelance", "taxes", 30, "INCOMING_AMOUNT"),
                    _percentage(id_of, "freelance", "rainy", 20, "INCOMING_AMOUNT"),
                    _percentage(id_of, "freelance", "vacation", 10, "INCOMING_AMOUNT"),
                ],
            },
            {
                "conditions": None,
                "actions": [_percentage(id_of, "freelance", "taxes", 30, "INCOMING_AMOUNT")],
            },
        ],
    }


def _pay_down_the_debts(id_of: Callable[[str], str], period: Period) -> Body:
    debts = [{"id": id_of("card")}, {"id": id_of("loan")}]
    action = {"type": "avalanche", "source": {"id": id_of("payroll")}, "amount_in_cents": 45_000, "accounts": debts}
    return {
        "nickname": "Pay down the debts",
        "description": "All minimum payments first; the rest to the highest interest.",
        "trigger": _scheduled("BI_WEEKLY", period.monthly(1, time(10)), id_of("payroll")),
        "steps": _always({**action, "up_to_enabled": True}),
    }


def pay_more_on_the_card(id_of: Callable[[str], str], trigger: Body, *, percent: int) -> Body:
    """Return the body of a rule that pays ``percent`` of what the card owes, beyond what is due."""
    return {
        "nickname": "A little more on the card",
        "trigger": trigger,
        "steps": _always(_action(id_of, "percentage_liability_balance", "payroll", "card", percentage_value=percent)),
    }


def proposal_body(id_of: Callable[[str], str], period: Period) -> Body:
    """Return what the agent thinks up."""
    is_enough = _condition("BALANCE", "GREATER_THAN", 300_000, params={"account_id": id_of("rainy")})
    top_up = _action(id_of, "top_up", "rainy", "vacation", amount_in_cents=450_000, up_to_enabled=True)
    return {
        "nickname": "Top up the vacation before summer",
        "description": "Proposed by the budget agent.",
        "trigger": _scheduled("DAILY", iter([period.before_end(0, time(6, 45))]), id_of("rainy")),
        "steps": [{"conditions": is_enough, "actions": [top_up]}],
    }


def _scheduled(schedule_type: str, slots: Iterator[datetime], account_id: str) -> Body:
    """Return a trigger whose first slot is the first of the given ones."""
    start_date = show_time(next(slots))
    return {"type": "SCHEDULED", "schedule_type": schedule_type, "start_date": start_date, "account_id": account_id}


def _always(*actions: Body) -> list[Body]:
    return [{"conditions": None, "actions": list(actions)}]


def _percentage(id_of: Callable[[str], str], source: str, destination: str, percent: float, target: str) -> Body:
    own = {"percentage_value": percent, "percentage_target": target}
    return _action(id_of, "percentage", source, destination, **own)


def _action(id_of: Callable[[str], str], type: str, source: str, destination: str, **own: object) -> Body:
    return {"type": type, "source": {"id": id_of(source)}, "destination": {"id": id_of(destination)}, **own}


def _condition(fact: str, operator: str, value: int, **params: object) -> Body:
    return {"condition": {"fact": fact, "operator": operator, "value": value, **params}}
