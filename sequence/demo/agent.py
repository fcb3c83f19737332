"""Agent of the household: what it asks for with its key, and what a person makes of it."""

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

from rules.services import trigger_rule
from sequence.core.api.ids import new_id
from sequence.demo.household import REVIEWER, Event, Household
from sequence.demo.period import Period
from transfers.asking import TransferRequest
from transfers.models import ErrorCode, Transfer
from transfers.services import approve_transfer, cancel_transfer, create_manual_transfer, reject_transfer
from transfers.simulated_rail_control import fail_payment, return_payment

# What stays of the groceries money; the rest goes to the vacation before the pod is topped up again.
KEPT_FOR_MONDAY_CENTS = 4_000
LEAST_CENTS = 100
SAVED_CENTS = 5_000
FRIDAY_TO_SUNDAY = timedelta(days=2)
# How long after its arrival a payment is returned by its bank.
RETURNED_AFTER = timedelta(days=3)


def routine(period: Period) -> Iterator[Event]:
    """Yield what the agent does again and again."""
    for payday in period.paydays(time(21)):
        yield Event(payday + FRIDAY_TO_SUNDAY, _save_what_is_left)
    for day in period.monthly(27, time(15)):
        yield Event(day, lambda household: _trigger(household, "clear"))
    pulls = list(period.monthly(12, time(13)))
    for day in pulls:
        yield Event(day, lambda household: _ask(household, "checking", "rainy", SAVED_CENTS, "SAVE"))
    if pulls:
        pulled_at = pulls[len(pulls) // 2]
        yield Event(pulled_at + RETURNED_AFTER, lambda household: _return_pull(household, pulled_at))


def decisions(period: Period) -> Iterator[Event]:
    """Yield what was above the agent's limit, and how each ended: approved, rejected, too late, withdrawn, waiting."""
    for name, days, source, cents, description, decide in (
        ("dentist", 280, "rainy", 48_000, "DENTIST", approve_transfer),
        ("flights", 170, "vacation", 132_000, "FLIGHTS", approve_transfer),
        ("television", 95, "rainy", 90_000, "TV", reject_transfer),
        ("tires", 33, "rainy", 61_500, "TIRES", approve_transfer),
    ):
        asked_at = period.before_end(days, time(11, 12))
        yield _request(asked_at, name, source, cents, description)
        yield _decision(asked_at + timedelta(hours=5), name, decide)
    # Nobody looked in time.
    yield _request(period.before_end(58, time(12, 12)), "sofa", "rainy", 85_000, "SOFA")
    yield Event(period.before_end(15, time(16, 12)), _change_its_mind)
    yield _request(period.ago(hours=30), "camera", "rainy", 64_000, "CAMERA")


def troubles(period: Period) -> Iterator[Event]:
    """Yield what went wrong on the last day, and what went well today."""
    yield Event(period.ago(hours=20), _pay_a_closed_account)
    yield Event(period.ago(hours=7), lambda household: _trigger(household, "payoff"))
    yield Event(period.today(minutes=12), lambda household: _ask(household, "rainy", "groceries", 3_500, "BREAD"))


def _ask(household: Household, source: str, destination: str, cents: int, description: str) -> Transfer:
    """Ask for a transfer, exactly as ``POST /transfers`` would."""
    return create_manual_transfer(
        key=household.agent(),
        request=TransferRequest(
            source_account_id=household.id_of(source),
            destination_account_id=household.id_of(destination),
            amount_in_cents=cents,
            description=description,
        ),
        request_id=new_id("req"),
    )


def _trigger(household: Household, rule: str) -> None:
    trigger_rule(
        organization_id=household.agent().organization_id, rule_id=household.rules[rule].id, request_id=new_id("req")
    )


def _save_what_is_left(household: Household) -> None:
    cents = household.available_cents("groceries") - KEPT_FOR_MONDAY_CENTS
    if cents >= LEAST_CENTS:
        _ask(household, "groceries", "vacation", cents, "LEFTOVER")


def _request(at: datetime, name: str, source: str, cents: int, description: str) -> Event:
    def ask(household: Household) -> None:
        household.remembered[name] = _ask(household, source, "checking", cents, description).id

    return Event(at, ask)


def _decision(at: datetime, name: str, decide: Callable[..., Transfer]) -> Event:
    return Event(at, lambda household: decide(transfer_id=household.remembered[name], by=REVIEWER))


def _return_pull(household: Household, pulled_at: datetime) -> None:
    """The bank takes back what had been pulled from it."""
    pull = Transfer.objects.get(
        organization_id=household.organization.id, created_at=pulled_at, source_id=household.id_of("checking")
    )
    return_payment(pull.id, ErrorCode.INSUFFICIENT_FUNDS)


def _change_its_mind(household: Household) -> None:
    transfer = _ask(household, "rainy", "checking", 12_000, "GIFT")
    cancel_transfer(transfer_id=transfer.id, by=f"key:{household.agent().id}")


def _pay_a_closed_account(household: Household) -> None:
    transfer = _ask(household, "rainy", "checking", 12_000, "REPAIR")
    fail_payment(transfer.id, ErrorCode.DISCONNECTED_ACCOUNT)
