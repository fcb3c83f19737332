"""Accounts that the household opens and connects on its first morning."""

from datetime import timedelta
from decimal import Decimal

from accounts.models import ExternalAccountType
from accounts.services import connect_external_account, create_income_source, create_pod
from cards.models import CardType
from cards.services import issue_card, set_card_controls
from sequence.core import clock
from sequence.core.typing import JsonObject
from sequence.demo.household import LEGAL_NAME, Household
from transfers.models import Origin
from transfers.services import deposit

# What it brings along from its old bank, so that the first bills find money.
OPENING_CENTS = {
    "payroll": 120_000,
    "rent": 195_000,
    "bills": 60_000,
    "groceries": 24_000,
    "rainy": 210_000,
    "vacation": 60_000,
}


def open_accounts(household: Household) -> None:
    """Open the household's income sources and pods, connect its accounts at other institutions, and issue its cards."""
    household.accounts |= {
        **_income_sources(household),
        **_pods(household),
        **_banks(household),
        **_debts(household),
    }
    household.cards |= _cards(household)


def bring_money_along(household: Household) -> None:
    """Deposit what the household had at its old bank."""
    for name, cents in OPENING_CENTS.items():
        account_id = household.id_of(name)
        deposit(account_id=account_id, amount_cents=cents, origin=Origin.CHECK_DEPOSIT, by=household.actor)


def _income_sources(household: Household) -> JsonObject:
    own = _own(household)
    return {
        "payroll": create_income_source(nickname="Main Payroll", icon="briefcase", **own),
        "freelance": create_income_source(nickname="Freelance invoices", icon="palette", **own),
    }


def _pods(household: Household) -> JsonObject:
    own = _own(household)
    return {
        "rent": create_pod(nickname="Rent", icon="house", description="Due on the 1st", **own),
        "taxes": create_pod(nickname="Taxes", icon="landmark", description="Estimated taxes, each quarter", **own),
        "groceries": create_pod(nickname="Groceries", icon="basket", **own),
        "bills": create_pod(nickname="Bills", icon="bolt", description="Power, internet, phone, insurance", **own),
        "rainy": create_pod(
            nickname="Rainy days", icon="umbrella", description="Six months", savings_target_in_cents=1_500_000, **own
        ),
        "vacation": create_pod(nickname="Vacation", icon="plane", savings_target_in_cents=450_000, **own),
    }


def _own(household: Household) -> JsonObject:
    return {"organization_id": household.organization.id, "beneficiary_name": LEGAL_NAME}


def _banks(household: Household) -> JsonObject:
    outside = {"organization_id": household.organization.id}
    return {
        "checking": connect_external_account(
            name="Everyday checking",
            external_account_type=ExternalAccountType.DEPOSITORY,
            institution_name="First Bank",
            balance_cents=120_000,
            **outside,
        ),
        # Somebody else's account: nobody tells its balance.
        "landlord": connect_external_account(
            name="Harbor Homes",
            description="The landlord",
            external_account_type=ExternalAccountType.DEPOSITORY,
            institution_name="Harbor Credit Union",
            **outside,
        ),
        "brokerage": connect_external_account(
            name="Index funds",
            external_account_type=ExternalAccountType.INVESTMENT,
            institution_name="Broad Street Brokerage",
            balance_cents=845_000,
            **outside,
        ),
    }


def _debts(household: Household) -> JsonObject:
    outside = {"organization_id": household.organization.id, "external_account_type": ExternalAccountType.LIABILITY}
    today = clock.now().date()
    return {
        "card": connect_external_account(
            name="Credit card",
            institution_name="Card Bank",
            balance_cents=384_250,
            interest_rate_percent=Decimal("22.99"),
            last_statement_balance_cents=350_000,
            next_payment_minimum_cents=7_700,
            next_payment_due_on=today + timedelta(days=12),
            **outside,
        ),
        "loan": connect_external_account(
            name="Car loan",
            institution_name="Meridian Auto Finance",
            balance_cents=2_640_000,
            interest_rate_percent=Decimal("7.2"),
            last_statement_balance_cents=2_640_000,
            next_payment_minimum_cents=24_500,
            next_payment_due_on=today + timedelta(days=20),
            **outside,
        ),
    }


def _cards(household: Household) -> JsonObject:
    cards = {
        name: issue_card(account_id=household.id_of(pod), type=type, holder_name=LEGAL_NAME)
        for name, pod, type in (
            ("groceries", "groceries", CardType.PHYSICAL),
            ("subscriptions", "bills", CardType.VIRTUAL),
        )
    }
    set_card_controls(
        card_id=cards["groceries"].id,
        limit_per_transaction_cents=25_000,
        limit_per_day_cents=30_000,
        blocked_merchants=["Lucky Slots"],
    )
    set_card_controls(card_id=cards["subscriptions"].id, limit_per_month_cents=6_000)
    return cards
