"""The simulated rail: its delay, what it is told about one payment, and what it does to marked accounts."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account
from sequence.core.events.numbering import number_events
from tests.factories import ExternalAccountFactory, PodFactory
from tests.transfers.steps import balances, fund, held, settle, status_of, transfer_between
from transfers.errors import NotSimulated, TransferNotFound
from transfers.ledger_invariants import find_faults
from transfers.models import Clearing, EntrySet, ErrorCode, Posting, SimulatedMark, SimulatedPayment
from transfers.services import cancel_transfer
from transfers.settlement import accept, collect, submit
from transfers.simulated_rail_control import fail_payment, return_payment, settle_payment

CODE = ErrorCode.NAME_MISMATCH


@pytest.fixture
def out(api, income, bank):
    """$30.00 on their way out."""
    return transfer_between(api, income, bank, 30_00)


@pytest.fixture
def pull(api, bank, rent):
    """$30.00 on their way in."""
    return transfer_between(api, bank, rent, 30_00)


def in_suspense() -> int:
    return Posting.objects.filter(clearing=Clearing.SUSPENSE).aggregate(cents=Sum("amount_cents"))["cents"] or 0


class TestSimulatedRail:
    @pytest.mark.parametrize("delay", [0, 2, 3600])
    def test_settles_after_its_delay(self, out, income, bank, settings, delay):
        settings.SIMULATED_RAIL_DELAY_SECONDS = delay
        start = timezone.now()
        accept(start)
        submit(start)

        if delay:
            assert collect(start + timedelta(seconds=delay, microseconds=-1)) == 0
            assert status_of(out) == ("pending", None)
            assert balances(income, bank) == [100_00, 500_00]
        assert collect(start + timedelta(seconds=delay)) == 1

        assert status_of(out) == ("complete", None)
        assert balances(income, bank) == [70_00, 530_00]
        assert held(income) == 0
        assert find_faults() == []

    def test_brings_money_in(self, pull, bank, rent, later):
        accept(timezone.now())
        assert (held(bank), balances(rent)) == (30_00, [0])
        settle(later(0))
        settle(later())

        assert status_of(pull) == ("complete", None)
        assert balances(bank, rent) == [470_00, 30_00]
        assert held(bank) == 0
        assert find_faults() == []

    def test_lowers_what_is_owed(self, api, income, card, later):
        transfer_between(api, income, card, 30_00)
        settle()
        settle(later())

        assert balances(income, card) == [70_00, 270_00]

    def test_raises_what_is_invested(self, api, income, brokerage, later):
        transfer_between(api, income, brokerage, 30_00)
        settle()
        settle(later())

        assert balances(brokerage) == [1030_00]

    @pytest.mark.parametrize("kind", ["DEPOSITORY", "INVESTMENT", "LIABILITY"])
    def test_leaves_a_balance_unknown_that_was_never_told(self, api, acme, income, rent, later, kind):
        outside = ExternalAccountFactory(organization=acme, external_account_type=kind, balance_cents=None)
        paid = transfer_between(api, income, outside, 30_00)
        settle()
        settle(later())

        assert status_of(paid) == ("complete", None)
        assert balances(income, outside) == [70_00, None]
        assert find_faults() == []

    def test_asks_an_institution_of_unknown_balance_for_any_amount(self, api, acme, rent, later):
        outside = ExternalAccountFactory(organization=acme, balance_cents=None)
        pulled = transfer_between(api, outside, rent, 10_000_00)
        settle()
        settle(later())

        assert status_of(pulled) == ("complete", None)
        assert balances(outside, rent) == [None, 10_000_00]
        assert held(Account.objects.get(id=outside.id)) == 0
        assert find_faults() == []

    def test_does_not_pull_more_than_the_last_snapshot_and_what_is_pulled_already(self, api, bank, rent):
        transfers = [transfer_between(api, bank, rent, cents) for cents in (500_01, 300_00, 200_01, 200_00)]
        settle()

        assert [status_of(transfer)[0] for transfer in transfers] == ["incomplete", "pending", "incomplete", "pending"]
        assert held(bank) == 500_00

    def test_when_a_snapshot_falls_below_what_is_held_goes_on(self, pull, bank, rent, later):
        settle()
        Account.objects.filter(id=bank.id).update(balance_cents=1_00)
        settle(later())

        assert status_of(pull) == ("complete", None)
        assert balances(bank, rent) == [-29_00, 30_00]
        assert find_faults() == []


class TestSettlePayment:
    def test_settles_what_is_pending_at_once(self, out, income, bank):
        settle()
        shown = settle_payment(out.id)

        assert shown.status == "complete"
        assert balances(income, bank) == [70_00, 530_00]
        assert find_faults() == []

    def test_settles_what_the_rail_does_not_have_yet(self, out, income):
        accept(timezone.now())
        settle_payment(out.id)
        settle()

        assert status_of(out) == ("complete", None)
        assert EntrySet.objects.filter(transfer=out).count() == 1

    def test_leaves_what_is_processing_to_its_plan(self, out, later):
        settle_payment(out.id)
        assert status_of(out) == ("processing", None)
        settle()
        assert status_of(out) == ("pending", None)
        settle(later())
        assert status_of(out) == ("complete", None)

    def test_takes_back_that_it_should_fail(self, out, later):
        fail_payment(out.id, CODE)
        settle_payment(out.id)
        settle()
        settle(later())

        assert status_of(out) == ("complete", None)

    def test_lets_it_still_come_back_when_that_is_planned(self, out, income, later):
        settle()
        return_payment(out.id, CODE)
        assert status_of(out) == ("pending", None)
        settle_payment(out.id)
        assert status_of(out) == ("complete", None)
        settle(later())

        assert status_of(out) == ("error", CODE)
        assert balances(income) == [100_00]

    def test_reports_only_once(self, out, later):
        settle()
        settle_payment(out.id)
        settle()  # The rules look at the arrival.

        assert settle(later()) == 0
        assert EntrySet.objects.filter(transfer=out).count() == 1


class TestFailPayment:
    @pytest.mark.parametrize("code", list(ErrorCode))
    def test_fails_what_is_pending_at_once_and_releases_its_money(self, out, income, bank, code):
        settle()
        shown = fail_payment(out.id, code)

        assert (shown.status, shown.error_code, shown.completed_at) == ("error", code, None)
        assert balances(income, bank) == [100_00, 500_00]
        assert held(income) == 0
        assert find_faults() == []

    def test_fails_what_is_processing_when_it_would_have_settled(self, out, income, later):
        fail_payment(out.id, CODE)
        assert status_of(out) == ("processing", None)
        settle()
        assert status_of(out) == ("pending", None)
        settle(later())

        assert status_of(out) == ("error", CODE)
        assert held(income) == 0


class TestReturnPayment:
    def test_takes_a_completed_payment_back_at_once(self, out, income, bank, later):
        settle()
        settle(later())
        shown = return_payment(out.id, CODE)

        assert (shown.status, shown.error_code) == ("error", CODE)
        assert shown.completed_at is not None
        assert balances(income, bank) == [100_00, 500_00]
        assert find_faults() == []

    @pytest.mark.parametrize("state", ["processing", "pending"])
    def test_lets_a_payment_under_way_complete_and_then_come_back(self, out, income, bank, later, state):
        if state == "pending":
            settle()
        return_payment(out.id, CODE)
        assert status_of(out) == (state, None)
        settle()
        settle(later())
        settle(later())

        assert status_of(out) == ("error", CODE)
        out.refresh_from_db()
        assert out.completed_at is not None
        assert [each.kind for each in EntrySet.objects.filter(transfer=out).order_by("id")] == [
            "settlement",
            "reversal",
        ]
        assert balances(income, bank) == [100_00, 500_00]
        assert find_faults() == []

    def test_of_a_pull_takes_the_money_from_the_pod(self, pull, bank, rent, later):
        settle()
        settle(later())
        return_payment(pull.id, CODE)

        assert balances(bank, rent) == [500_00, 0]
        assert in_suspense() == 0
        assert find_faults() == []

    def test_of_a_pull_that_is_spent_in_part_leaves_the_rest_in_suspense(self, api, pull, bank, rent, savings, later):
        settle()
        settle(later())
        transfer_between(api, rent, savings, 20_00)
        settle()
        return_payment(pull.id, CODE)

        assert balances(bank, rent, savings) == [500_00, 0, 20_00]
        assert in_suspense() == -20_00
        assert find_faults() == []

    def test_of_a_pull_does_not_take_what_is_held_for_another(self, api, pull, bank, rent, card, later):
        settle()
        settle(later())
        going = transfer_between(api, rent, card, 25_00)
        accept(timezone.now())
        return_payment(pull.id, CODE)

        assert (balances(rent), held(rent)) == ([25_00], 25_00)
        assert in_suspense() == -25_00
        settle(later())
        settle(later(120))
        assert status_of(going) == ("complete", None)
        assert balances(rent, card) == [0, 275_00]
        assert find_faults() == []

    def test_of_a_pull_that_is_spent_whole_goes_to_suspense_whole(self, api, pull, bank, rent, savings, later):
        settle()
        settle(later())
        transfer_between(api, rent, savings, 30_00)
        settle()
        return_payment(pull.id, CODE)

        assert balances(bank, rent) == [500_00, 0]
        assert in_suspense() == -30_00
        assert status_of(pull) == ("error", CODE)
        assert find_faults() == []

    def test_to_a_deleted_account_waits_in_suspense(self, api, acme, bank, later):
        pod = PodFactory(organization=acme)
        fund(pod, 30_00)
        transfer = transfer_between(api, pod, bank, 30_00)
        settle()
        settle(later())
        assert api.delete(f"/accounts/{pod.id}").status_code == 204
        return_payment(transfer.id, CODE)

        assert balances(pod, bank) == [0, 500_00]
        assert in_suspense() == 30_00
        assert status_of(transfer) == ("error", CODE)
        assert find_faults() == []

    def test_happens_only_once(self, out, later):
        settle()
        settle(later())
        return_payment(out.id, CODE)

        with pytest.raises(NotSimulated, match="error"):
            return_payment(out.id, CODE)
        number_events(timezone.now())
        assert settle(later()) == 0
        assert EntrySet.objects.filter(transfer=out).count() == 2


class TestStates:
    """What cannot be told any more, or not about this transfer."""

    TELL = [
        lambda transfer: settle_payment(transfer.id),
        lambda transfer: fail_payment(transfer.id, CODE),
        lambda transfer: return_payment(transfer.id, CODE),
    ]

    @pytest.mark.parametrize("tell", TELL, ids=["settle", "fail", "return"])
    def test_refuse_a_transfer_that_has_ended(self, out, tell):
        cancel_transfer(transfer_id=out.id, by="test")

        with pytest.raises(NotSimulated, match="cancelled"):
            tell(out)
        assert status_of(out) == ("cancelled", None)

    @pytest.mark.parametrize("tell", TELL[:2], ids=["settle", "fail"])
    def test_refuse_to_end_what_is_complete(self, out, tell, later, income):
        settle()
        settle(later())

        with pytest.raises(NotSimulated, match="complete"):
            tell(out)
        assert balances(income) == [70_00]

    @pytest.mark.parametrize("tell", TELL, ids=["settle", "fail", "return"])
    def test_refuse_a_transfer_that_waits_for_approval(self, client_with, income, bank, tell):
        waiting = transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, bank, 1_00)

        with pytest.raises(NotSimulated, match="pending_approval"):
            tell(waiting)

    @pytest.mark.parametrize("tell", TELL, ids=["settle", "fail", "return"])
    def test_refuse_another_rail(self, api, income, rent, tell):
        internal = transfer_between(api, income, rent, 1_00)

        with pytest.raises(NotSimulated, match="book"):
            tell(internal)
        assert not SimulatedPayment.objects.exists()

    @pytest.mark.parametrize("tell", [settle_payment, lambda id: fail_payment(id, CODE)])
    def test_do_not_find_what_is_not_there(self, db, tell):
        with pytest.raises(TransferNotFound):
            tell("txr_01ARZ3NDEKTSV4RRFFQ69G5FAV")


class TestSimulatedMark:
    """What the rail does, on purpose, with every payment to or from an account."""

    @pytest.mark.parametrize("code", list(ErrorCode))
    def test_fails_payments_with_its_code(self, out, income, bank, later, code):
        SimulatedMark.objects.create(account=bank, fail_code=code)
        settle()
        settle(later())

        assert status_of(out) == ("error", code)
        assert balances(income, bank) == [100_00, 500_00]
        assert held(income) == 0
        assert find_faults() == []

    def test_fails_pulls_too(self, pull, bank, rent, later):
        SimulatedMark.objects.create(account=bank, fail_code=CODE)
        settle()
        settle(later())

        assert status_of(pull) == ("error", CODE)
        assert balances(bank, rent) == [500_00, 0]

    def test_returns_payments_late(self, out, income, bank, later):
        SimulatedMark.objects.create(account=bank, return_code=CODE, return_delay_seconds=3600)
        settle()
        settle(later(60))
        assert status_of(out) == ("complete", None)
        assert settle(later(3600)) == 0
        settle(later(3700))

        assert status_of(out) == ("error", CODE)
        out.refresh_from_db()
        assert out.completed_at is not None
        assert balances(income, bank) == [100_00, 500_00]
        assert find_faults() == []

    def test_still_returns_a_payment_that_was_settled_by_hand(self, out, income, bank, later):
        SimulatedMark.objects.create(account=bank, return_code=CODE, return_delay_seconds=3600)
        settle()
        settle_payment(out.id)
        settle(later(3700))

        assert status_of(out) == ("error", CODE)
        assert balances(income) == [100_00]

    def test_leaves_other_accounts_alone(self, out, brokerage, later):
        SimulatedMark.objects.create(account=brokerage, fail_code=CODE)
        settle()
        settle(later())

        assert status_of(out) == ("complete", None)
