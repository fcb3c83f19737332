"""Spending of the household with its cards, and what others draw from its pods."""

from collections.abc import Iterator
from datetime import datetime, time

from cards.services import charge_card, refund_at_merchant
from sequence.demo.household import Event, Household
from sequence.demo.period import Period
from transfers.services import pull_from_outside

# Of different lengths, so that no two months are alike. A week's groceries stay below what the pod is topped up to.
PAYDAY_SHOPPING = (
    ("Green Basket", 6_420),
    ("Corner Bakery", 1_890),
    ("Green Basket", 7_255),
    ("Fish & Co", 4_310),
    ("Green Basket", 5_975),
)
WEEKEND_SHOPPING = (
    ("Harvest Market", 11_240),
    ("Green Basket", 9_865),
    ("Harvest Market", 12_480),
    ("Spice Route", 8_120),
    ("Harvest Market", 10_735),
    ("Green Basket", 9_310),
    ("Farm Stand", 6_645),
)
SUBSCRIPTIONS = (("Streamly", 1_599), ("Cloud Drive", 299), ("Morning Paper", 1_200))
POWER_CENTS = (13_840, 12_910, 10_450, 9_620, 8_890, 9_975, 11_320)
# The day of the month, who draws, and how much.
BILLS = ((14, 11_499), (23, 13_800))
TAX_MONTHS = (1, 4, 6, 9)
# What of the money set aside an estimated tax payment takes, in percent.
TAX_PERCENT = 85


def money_out(period: Period) -> Iterator[Event]:
    """Yield purchases, refunds and declines, bills and taxes."""
    yield from _groceries(period)
    yield from _mishaps(period)
    yield from _subscriptions(period)
    yield from _bills(period)


def _groceries(period: Period) -> Iterator[Event]:
    for number, day in enumerate(period.weekly(5, time(10, 50))):
        yield _purchase(day, "groceries", *WEEKEND_SHOPPING[number % len(WEEKEND_SHOPPING)])
    for number, payday in enumerate(period.paydays(time(17, 35))):
        yield _purchase(payday, "groceries", *PAYDAY_SHOPPING[number % len(PAYDAY_SHOPPING)])
    yield _purchase(period.today(minutes=4), "groceries", "Corner Bakery", 1_260)


def _mishaps(period: Period) -> Iterator[Event]:
    """Things that went back to the shop, and purchases that the card's controls or its pod stopped."""
    yield _purchase(period.before_end(210, time(18)), "groceries", "Kitchen Corner", 2_400)
    yield _refund(period.before_end(206, time(12, 40)), "groceries", "Kitchen Corner", 2_400)
    yield _purchase(period.before_end(3, time(9, 20)), "groceries", "Farm Stand", 2_150)
    yield _refund(period.before_end(2, time(16, 45)), "groceries", "Farm Stand", 850)
    yield _purchase(period.before_end(142, time(23, 10)), "groceries", "Lucky Slots", 5_000)
    yield _purchase(period.before_end(61, time(15, 30)), "groceries", "Gadget Outlet", 39_900)
    yield _purchase(period.ago(hours=5), "groceries", "Gadget Outlet", 28_900)


def _subscriptions(period: Period) -> Iterator[Event]:
    for number, (merchant, cents) in enumerate(SUBSCRIPTIONS):
        for day in period.monthly(6 + number, time(3, 10)):
            yield _purchase(day, "subscriptions", merchant, cents)


def _bills(period: Period) -> Iterator[Event]:
    for number, day in enumerate(period.monthly(8, time(5, 20))):
        yield _draw(day, "bills", POWER_CENTS[number % len(POWER_CENTS)])
    for day_of_month, cents in BILLS:
        for day in period.monthly(day_of_month, time(5, 25)):
            yield _draw(day, "bills", cents)
    for day in period.monthly(15, time(14)):
        if day.month in TAX_MONTHS:
            yield Event(day, _pay_taxes, rings=False)


def _purchase(at: datetime, card: str, merchant: str, cents: int) -> Event:
    """Whether it is declined is the card's business."""

    def buy(household: Household) -> None:
        charge_card(card_id=household.cards[card].id, amount_cents=cents, merchant_name=merchant)

    return Event(at, buy, rings=False)


def _refund(at: datetime, card: str, merchant: str, cents: int) -> Event:
    def give_back(household: Household) -> None:
        bought = household.cards[card].transactions.with_left(cents).at_merchant(merchant)
        if bought.exists():  # It may have been declined.
            refund_at_merchant(card_id=household.cards[card].id, merchant_name=merchant, amount_cents=cents)

    return Event(at, give_back, rings=False)


def _draw(at: datetime, name: str, cents: int) -> Event:
    return Event(at, lambda household: _draw_now(household, name, cents), rings=False)


def _pay_taxes(household: Household) -> None:
    dollars = household.available_cents("taxes") * TAX_PERCENT // 100_00
    _draw_now(household, "taxes", dollars * 100)


def _draw_now(household: Household, name: str, cents: int) -> None:
    """Let somebody outside draw from a pod. What is not there stays unpaid: nobody draws in vain here."""
    if 0 < cents <= household.available_cents(name):
        pull_from_outside(account_id=household.id_of(name), amount_cents=cents, by=household.actor)
