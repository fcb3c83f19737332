"""Institutions outside: statements, market values, and a bank that refuses the rent once."""

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

from accounts.services import record_statement
from sequence.core import clock
from sequence.demo.household import Event, Household
from sequence.demo.period import Period
from transfers.models import ErrorCode, SimulatedMark

# What the household spends with the credit card from one statement to the next.
CHARGES_CENTS = (21_430, 26_780, 18_915, 31_240, 24_060, 38_890, 22_175)
CHECKING_CENTS = (131_240, 98_415, 152_780, 117_905, 164_330)
# How the market moves in a month, in thousandths.
GROWTH = (11, -7, 14, 6, -12, 9, 17, -3, 8, 5, -9, 12, 7)
CARD_GRACE = timedelta(days=17)
LOAN_GRACE = timedelta(days=20)
LEAST_CARD_MINIMUM_CENTS = 3_500
CARD_MINIMUM_PERCENT = 2
LOAN_MINIMUM_CENTS = 24_500


def statements(period: Period) -> Iterator[Event]:
    """Yield the monthly statement of every account outside whose balance somebody tells."""
    for number, day in enumerate(period.monthly(22, time(5))):
        yield _statement(day, _card_statement, CHARGES_CENTS[number % len(CHARGES_CENTS)])
    for number, day in enumerate(period.monthly(28, time(5, 5))):
        yield _statement(day, _checking_statement, CHECKING_CENTS[number % len(CHECKING_CENTS)])
    for number, day in enumerate(period.monthly(2, time(5, 15))):
        yield _statement(day, _market_value, GROWTH[number % len(GROWTH)])
    for day in period.monthly(5, time(5, 30)):
        yield Event(day, _loan_statement, rings=False)


def refused_rent(period: Period) -> Iterator[Event]:
    """Yield a day on which the landlord's bank refuses payments for a few minutes; the rule tries again by itself."""
    rents = list(period.monthly(1, time(9)))
    if rents:
        slot = rents[len(rents) * 2 // 3]
        yield Event(slot - timedelta(minutes=30), _refuse_payments, rings=False)
        yield Event(slot + timedelta(minutes=1), _take_payments, rings=False)


def _statement(at: datetime, say: Callable[[Household, int], None], number: int) -> Event:
    return Event(at, lambda household: say(household, number), rings=False)


def _card_statement(household: Household, charged_cents: int) -> None:
    owed = _with_interest(household, "card") + charged_cents
    _record(household, "card", owed, max(LEAST_CARD_MINIMUM_CENTS, owed * CARD_MINIMUM_PERCENT // 100), CARD_GRACE)


def _loan_statement(household: Household) -> None:
    _record(household, "loan", _with_interest(household, "loan"), LOAN_MINIMUM_CENTS, LOAN_GRACE)


def _with_interest(household: Household, name: str) -> int:
    """Return what is owed, with a month's interest, in whole cents."""
    debt = household.look_at(name)
    owed = debt.balance_cents or 0
    return owed + int(owed * (debt.interest_rate_percent or Decimal(0)) / 1200)


def _record(household: Household, name: str, owed_cents: int, minimum_cents: int, grace: timedelta) -> None:
    record_statement(
        organization_id=household.organization.id,
        account_id=household.id_of(name),
        balance_cents=owed_cents,
        last_statement_balance_cents=owed_cents,
        next_payment_minimum_cents=min(minimum_cents, owed_cents),
        next_payment_due_on=(clock.now() + grace).date(),
    )


def _checking_statement(household: Household, balance_cents: int) -> None:
    record_statement(
        organization_id=household.organization.id,
        account_id=household.id_of("checking"),
        balance_cents=balance_cents,
    )


def _market_value(household: Household, growth: int) -> None:
    value = household.look_at("brokerage").balance_cents or 0
    record_statement(
        organization_id=household.organization.id,
        account_id=household.id_of("brokerage"),
        balance_cents=value * (1000 + growth) // 1000,
    )


def _refuse_payments(household: Household) -> None:
    """Mark the account as staff do in the admin."""
    SimulatedMark.objects.create(account_id=household.id_of("landlord"), fail_code=ErrorCode.PAYMENT_FAILED)


def _take_payments(household: Household) -> None:
    SimulatedMark.objects.filter(account_id=household.id_of("landlord")).delete()
