"""Money that arrives by itself."""

from collections.abc import Iterator
from datetime import datetime, time

from sequence.demo.household import Event, Household
from sequence.demo.period import Period
from transfers.models import Origin
from transfers.services import deposit

PAYCHECK_CENTS = 325_000
# When the customers of the freelance work paid, in days before the last one, and what.
INVOICES = (
    (352, 142_000), (331, 268_000), (305, 96_000), (290, 184_500), (268, 75_000), (243, 310_000), (215, 158_000),
    (187, 122_500), (160, 240_000), (133, 88_000), (104, 196_000), (77, 151_000), (46, 275_000), (19, 118_000),
    (4, 164_000),
)  # fmt: skip
CASHBACK_CENTS = (1_135, 980, 1_410, 1_260, 1_045)
# Birthdays.
CHECKS = ((300, 10_000), (118, 15_000))


def money_in(period: Period) -> Iterator[Event]:
    """Yield the paychecks, the paid invoices, a few checks, and the cashback of the credit card."""
    for payday in period.paydays(time(8, 15)):
        yield _deposit(payday, "payroll", PAYCHECK_CENTS, Origin.PAYCHECK)
    for days, cents in INVOICES:
        yield _deposit(period.before_end(days, time(15, 40)), "freelance", cents, Origin.PAYCHECK)
    for days, cents in CHECKS:
        yield _deposit(period.before_end(days, time(13, 5)), "vacation", cents, Origin.CHECK_DEPOSIT)
    for number, day in enumerate(period.monthly(24, time(4, 30))):
        yield _deposit(day, "rainy", CASHBACK_CENTS[number % len(CASHBACK_CENTS)], Origin.CASHBACK)
    yield _deposit(period.today(minutes=9), "rainy", 1_240, Origin.CASHBACK)


def _deposit(at: datetime, name: str, cents: int, origin: Origin) -> Event:
    def arrive(household: Household) -> None:
        deposit(account_id=household.id_of(name), amount_cents=cents, origin=origin, by=household.actor)

    return Event(at, arrive)
