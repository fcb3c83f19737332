"""Acme's accounts, as rules use them."""

import os
import random

import pytest

from accounts.models import Account, ExternalAccountType
from accounts.services import record_statement
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, limit, manual, on_funds, rule, step
from tests.rules.steps import move, write_enabled
from tests.transfers.steps import fund


@pytest.fixture
def income(acme) -> Account:
    """Where Acme's pay arrives; nothing is there yet."""
    return IncomeSourceFactory(organization=acme, name="Payroll")


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def savings(acme) -> Account:
    return PodFactory(organization=acme, name="Savings")


@pytest.fixture
def bank(acme) -> Account:
    """A depository outside, with $500.00 at the last look."""
    return ExternalAccountFactory(organization=acme, name="Checking", balance_cents=500_00)


@pytest.fixture
def brokerage(acme) -> Account:
    return ExternalAccountFactory(
        organization=acme, name="Broker", external_account_type=ExternalAccountType.INVESTMENT, balance_cents=1000_00
    )


@pytest.fixture
def card(acme) -> Account:
    """A debt of $300.00 with a minimum payment of $35.00."""
    return ExternalAccountFactory(
        organization=acme,
        name="Card",
        external_account_type=ExternalAccountType.LIABILITY,
        balance_cents=300_00,
        next_payment_minimum_cents=35_00,
    )


@pytest.fixture
def dice(request) -> random.Random:
    """Chance that can be repeated: the seed is printed, and taken from RULES_SEED where that is set."""
    seed = int(os.environ.get("RULES_SEED") or random.randrange(10**9))  # noqa: S311 - chance of the run
    print(f"RULES_SEED={seed} repeats {request.node.name}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)  # noqa: S311 - chance that can be repeated is the point


@pytest.fixture
def money(income):
    """$1,000.00 in Payroll."""
    fund(income, 1000_00)


@pytest.fixture
def enabled(api, income, money):
    """Return a function that writes a manual rule on Payroll and lets a person enable it."""

    def make(*steps, **own):
        return write_enabled(api, rule(*steps, trigger=manual(income.id), **own))

    return make


@pytest.fixture
def statement(card):
    """The card of $300.00 has a statement of $200.00 and a minimum payment of $35.00."""
    figures = {"last_statement_balance_cents": 200_00, "next_payment_minimum_cents": 35_00}
    record_statement(organization_id=card.organization_id, account_id=card.id, balance_cents=300_00, **figures)


@pytest.fixture
def body(income, rent, savings, card):
    """A rule with a bit of everything."""
    return rule(
        step(
            move(income, rent, 500_00, limit=limit("PER_MONTH", 900_00), group_index=3, ach_description="RENT 01"),
            action("top_up", income.id, savings.id, next_payment_minimum_account={"id": card.id}),
            conditions={
                "all": [
                    condition("TRANSFER_AMOUNT", "GREATER_THAN", 100.5),
                    {"any": [condition("BALANCE", "LESS_THAN", of=rent.id, fact_value="DATE")]},
                ]
            },
        ),
        step(
            action("percentage", income.id, savings.id, percentage_value=12.5, percentage_target="INCOMING_AMOUNT"),
            action(
                "avalanche",
                income.id,
                None,
                accounts=[{"id": card.id, "type": "external_account"}],
                percentage_value=10,
                percentage_target="SOURCE_ACCOUNT",
            ),
        ),
        trigger=on_funds(income.id),
        nickname="Pay day",
        description="First rent,\nthen the rest.",
    )
