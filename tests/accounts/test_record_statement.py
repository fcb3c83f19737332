"""``record_statement``: what institutions say of their accounts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.errors import AccountNotFound, LiabilityFieldNotAllowed, NotAnExternalAccount
from accounts.models import ExternalAccountType
from accounts.services import record_statement
from sequence.core import clock
from tests.factories import ExternalAccountFactory, PodFactory

THEN = datetime(2026, 3, 22, 6, tzinfo=UTC)


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, balance_cents=500_00, held_cents=40_00)


@pytest.fixture
def card(acme):
    return ExternalAccountFactory(
        organization=acme,
        external_account_type=ExternalAccountType.LIABILITY,
        balance_cents=300_00,
        last_statement_balance_cents=250_00,
        interest_rate_percent=Decimal("19.99"),
    )


class TestRecordStatement:
    def test_takes_the_balance_over_and_leaves_what_is_held(self, acme, bank):
        with clock.stopped_at(THEN):
            record_statement(organization_id=acme.id, account_id=bank.id, balance_cents=700_00)

        bank.refresh_from_db()
        assert (bank.balance_cents, bank.held_cents, bank.available_cents) == (700_00, 40_00, 660_00)
        assert bank.balance_updated_at == THEN

    def test_takes_over_the_facts_of_a_debt_that_are_mentioned(self, acme, card):
        record_statement(
            organization_id=acme.id,
            account_id=card.id,
            balance_cents=310_00,
            last_statement_balance_cents=310_00,
            next_payment_minimum_cents=35_00,
            next_payment_due_on=date(2026, 4, 8),
        )

        card.refresh_from_db()
        assert (card.balance_cents, card.last_statement_balance_cents) == (310_00, 310_00)
        assert (card.next_payment_minimum_cents, card.next_payment_due_on) == (35_00, date(2026, 4, 8))
        assert card.interest_rate_percent == Decimal("19.99")

    def test_refuses_what_the_ledger_holds(self, acme):
        pod = PodFactory(organization=acme)

        with pytest.raises(NotAnExternalAccount):
            record_statement(organization_id=acme.id, account_id=pod.id, balance_cents=1)

        pod.refresh_from_db()
        assert pod.balance_cents == 0

    def test_refuses_the_facts_of_a_debt_for_what_is_none(self, acme, bank):
        with pytest.raises(LiabilityFieldNotAllowed):
            record_statement(
                organization_id=acme.id, account_id=bank.id, balance_cents=1, next_payment_minimum_cents=35_00
            )

        bank.refresh_from_db()
        assert bank.balance_cents == 500_00

    def test_finds_nobody_elses(self, globex, bank):
        with pytest.raises(AccountNotFound):
            record_statement(organization_id=globex.id, account_id=bank.id, balance_cents=1)
