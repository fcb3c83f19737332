"""What the ACH network lets an organization move in a day and in a month."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.transfers.steps import balances, fund, held, status_of, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.models import AchLimits
from transfers.settlement import accept
from transfers.simulated_rail_control import fail_payment, return_payment, settle_payment

LAST_DAY = datetime(2026, 7, 31, 12, tzinfo=UTC)


@pytest.fixture(params=["credit", "debit"])
def way(request) -> str:
    return request.param


@pytest.fixture
def move(api, income, bank, rent, way, set_clock):
    """Return a function that sends money out or pulls it in at an instant, and tells what became of it."""
    fund(income, 10_000_00)
    bank.balance_cents = 10_000_00
    bank.save()

    def one(cents, at=LAST_DAY):
        set_clock(at)
        transfer = transfer_between(api, *((income, bank) if way == "credit" else (bank, rent)), cents)
        accept(at)
        return transfer

    return one


@pytest.fixture
def limit(acme, way):
    def to(**cents):
        AchLimits.objects.update_or_create(
            organization=acme, defaults={f"{period}_{way}_cents": amount for period, amount in cents.items()}
        )

    return to


class TestAchLimits:
    @pytest.mark.parametrize("period", ["daily", "monthly"])
    def test_hold_to_the_cent_and_tell_their_code(self, move, limit, way, period, bank, income):
        limit(**{period: 50_00})
        outcomes = [status_of(move(cents)) for cents in (50_01, 30_00, 20_01, 20_00, 1_00)]

        reached = ("error", f"{period}_ach_{way}_limit_reached")
        assert outcomes == [reached, ("pending", None), reached, ("pending", None), reached]
        assert held(income if way == "credit" else bank) == 50_00
        assert balances(bank) == [10_000_00]
        assert find_faults() == []

    def test_of_a_day_begin_anew_at_midnight_utc(self, move, limit):
        limit(daily=50_00)
        move(50_00, LAST_DAY.replace(hour=0, minute=0))

        assert status_of(move(1_00, LAST_DAY.replace(hour=23, minute=59, second=59)))[0] == "error"
        assert status_of(move(50_00, LAST_DAY.replace(hour=0) + timedelta(days=1)))[0] == "pending"

    def test_of_a_month_begin_anew_with_the_month(self, move, limit):
        limit(monthly=50_00)
        move(50_00, LAST_DAY.replace(day=1, hour=0))

        assert status_of(move(1_00, LAST_DAY))[0] == "error"
        assert status_of(move(50_00, LAST_DAY.replace(hour=0) + timedelta(days=1)))[0] == "pending"

    def test_hold_within_one_batch(self, api, income, bank, rent, limit, way, set_clock):
        limit(daily=50_00)
        set_clock(LAST_DAY)
        pair = (income, bank) if way == "credit" else (bank, rent)
        transfers = [transfer_between(api, *pair, 20_00) for _ in range(4)]
        accept(LAST_DAY)

        assert [status_of(transfer)[0] for transfer in transfers] == ["pending", "pending", "error", "error"]

    @pytest.mark.parametrize("how", ["failed", "returned"])
    def test_count_nothing_that_failed_or_came_back(self, move, limit, how):
        limit(daily=50_00)
        first = move(50_00)
        if how == "failed":
            fail_payment(first.id, "payment_failed")
        else:
            settle_payment(first.id)
            return_payment(first.id, "payment_failed")

        assert status_of(move(50_00))[0] == "pending"

    def test_count_what_has_completed(self, move, limit):
        limit(daily=50_00)
        settle_payment(move(50_00).id)

        assert status_of(move(1_00))[0] == "error"

    def test_leave_the_other_way_alone(self, move, limit, acme, way):
        other = "debit" if way == "credit" else "credit"
        AchLimits.objects.create(organization=acme, **{f"daily_{other}_cents": 1})

        assert status_of(move(50_00))[0] == "pending"

    def test_leave_transfers_between_own_accounts_alone(self, api, income, rent, limit):
        limit(daily=1, monthly=1)
        transfer = transfer_between(api, income, rent, 50_00)
        accept(transfer.created_at)

        assert status_of(transfer)[0] == "complete"
