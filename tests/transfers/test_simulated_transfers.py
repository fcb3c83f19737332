"""Simulated transfers in the database: planned once, never changed, forgotten after 30 days."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apikeys.authentication import key_as_caller
from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from sequence.wiring import CHORES
from transfers.asking import TransferRequest
from transfers.models import AchLimits, SimulatedTransfer, Transfer
from transfers.simulation import forget_old_simulations, simulate_manual_transfer


@pytest.fixture
def simulate(acme):
    """Return a function that simulates a transfer of a key that may do everything."""
    permissions = parse_permissions(["MANUAL_TRANSFER:*>*", "READ_ACCOUNTS:*"])
    key, _ = create_api_key(organization=acme, name="A test's key", permissions=permissions, created_by="test")

    def ask(source, destination, cents):
        request = TransferRequest(
            source_account_id=source.id, destination_account_id=destination.id, amount_in_cents=cents
        )
        return simulate_manual_transfer(key=key_as_caller(key.id), request=request)

    return ask


class TestForgetting:
    def test_comes_after_30_days(self, simulate, income, rent):
        made = simulate(income, rent, 500)

        assert forget_old_simulations(made.created_at + timedelta(days=30, seconds=-1)) == 0
        assert forget_old_simulations(made.created_at + timedelta(days=30)) == 1
        assert not SimulatedTransfer.objects.exists()

    def test_is_a_chore_of_workers(self):
        assert forget_old_simulations in CHORES


class TestPlan:
    def test_meets_the_limits_of_the_network(self, simulate, income, bank):
        AchLimits.objects.create(organization_id=income.organization_id, daily_credit_cents=1000)

        planned = simulate(income, bank, 1001)

        assert (planned.status, planned.error_code) == ("error", "daily_ach_credit_limit_reached")
        assert simulate(income, bank, 1000).status == "complete"
        assert not Transfer.objects.filter(destination=bank).exists()

    def test_never_changes(self, simulate, income, rent):
        simulate(income, rent, 500)

        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            SimulatedTransfer.objects.update(amount_cents=1)

    @pytest.mark.parametrize("change", [{"status": "processing"}, {"error_code": "payment_failed"}])
    def test_has_come_to_its_end(self, simulate, income, rent, change):
        planned = simulate(income, rent, 500)
        planned.pk = None
        for name, value in {**change, "id": "txr_01KDYR9VH8000000000000002B"}.items():
            setattr(planned, name, value)

        with pytest.raises(IntegrityError), transaction.atomic():
            planned.save(force_insert=True)

    def test_stays_within_its_organization(self, simulate, income, rent, globex):
        planned = simulate(income, rent, 500)
        planned.id, planned.organization_id = "txr_01KDYR9VH8000000000000002B", globex.id

        planned.save(force_insert=True)

        with pytest.raises(IntegrityError):
            connection.check_constraints()


def test_is_of_the_moment_it_was_asked_for(simulate, income, rent):
    before = timezone.now()

    planned = simulate(income, rent, 500)

    assert before <= planned.created_at == planned.completed_at <= timezone.now()
