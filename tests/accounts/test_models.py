"""What the database itself refuses of accounts, whoever writes."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, AccountType, ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.past_guards import past_guard


def update(account: Account, change: str) -> None:
    # Another guard wants postings for every change of a balance; these are about what no posting may lead to either.
    past_postings = past_guard("accounts.Account:balance_moves_only_with_postings")
    with past_postings, connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"UPDATE accounts_account SET {change} WHERE name = %s", [account.name])  # noqa: S608 - ours
        assert cursor.rowcount == 1


class TestAccountTable:
    @pytest.fixture
    def pod(self, acme):
        return PodFactory(organization=acme, balance_cents=100, held_cents=40)

    @pytest.fixture
    def bank(self, acme):
        return ExternalAccountFactory(organization=acme)

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("balance_cents = 39", "account_available_not_negative"),
            ("held_cents = 101", "account_available_not_negative"),
            ("balance_cents = -1, held_cents = 0", "account_available_not_negative"),
            ("held_cents = -1", "account_held_not_negative"),
            ("balance_cents = NULL", "account_ledger_balance_is_known"),
            ("deleted_at = now()", "account_deleted_is_empty"),
            ("deleted_at = now(), held_cents = 0", "account_deleted_is_empty"),
            ("type = 'wallet'", "account_"),
            ("external_account_type = 'DEPOSITORY'", "account_external_type_fits_type"),
            ("type = 'external_account'", "account_external_type_fits_type"),
            ("interest_rate_percent = 5", "account_liability_facts_of_liability"),
            ("last_statement_balance_cents = 5", "account_liability_facts_of_liability"),
            ("next_payment_minimum_cents = 5", "account_liability_facts_of_liability"),
            ("next_payment_due_on = now()", "account_liability_facts_of_liability"),
        ],
    )
    def test_refuses_of_a_pod(self, pod, change, constraint):
        with pytest.raises(IntegrityError, match=constraint):
            update(pod, change)

        pod.refresh_from_db()
        assert (pod.type, pod.balance_cents, pod.held_cents, pod.deleted_at) == (AccountType.POD, 100, 40, None)

    @pytest.mark.parametrize("change", ["balance_cents = 40", "held_cents = 100", "balance_cents = 0, held_cents = 0"])
    def test_takes_of_a_pod(self, pod, change):
        update(pod, change)

    def test_refuses_money_in_a_deleted_account(self, acme):
        pod = PodFactory(organization=acme)
        pod.delete_softly()

        with pytest.raises(IntegrityError, match="account_deleted_is_empty"):
            update(pod, "balance_cents = 1")

    def test_refuses_a_negative_income_source(self, acme):
        with pytest.raises(IntegrityError, match="account_available_not_negative"), transaction.atomic():
            IncomeSourceFactory(organization=acme, balance_cents=-1)

    @pytest.mark.parametrize(
        "change", ["external_account_type = NULL", "external_account_type = 'CRYPTO'", "type = 'pod'"]
    )
    def test_refuses_of_an_external_account(self, bank, change):
        with pytest.raises(IntegrityError, match="account_external_type_fits_type"):
            update(bank, change)

    @pytest.mark.parametrize("change", ["balance_cents = -5", "balance_cents = NULL", "deleted_at = now()"])
    def test_takes_of_an_external_account(self, bank, change):
        update(bank, change)

    def test_takes_what_a_liability_has_on_record(self, acme):
        card = ExternalAccountFactory(organization=acme, external_account_type=ExternalAccountType.LIABILITY)

        update(card, "interest_rate_percent = 19.99, next_payment_minimum_cents = 3500, next_payment_due_on = now()")

    def test_refuses_an_organization_that_is_not_there(self, pod):
        with pytest.raises(IntegrityError):
            update(pod, "organization_id = '00000000-0000-0000-0000-000000000001'")
