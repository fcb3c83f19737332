"""The sweeps that workers run."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import balances, fund, held, post_transfer, settle, status_of, transfer_between
from transfers import settlement
from transfers.ledger_invariants import find_faults
from transfers.models import EntrySet, Posting, SimulatedPayment, Status, Transfer
from transfers.rails import RAILS, Report, ReportKind

SETTLED, FAILED, RETURNED = ReportKind

# What a batch of a hundred may cost at most: it is the statements that hold a hot account's lock.
STATEMENTS_OF_A_BATCH = 3


class TestAccept:
    def test_completes_a_transfer_between_own_accounts_at_once(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 30_00)

        assert settlement.accept(timezone.now()) == 1

        assert status_of(transfer) == ("complete", None)
        assert balances(income, rent) == [70_00, 30_00]
        postings = Posting.objects.filter(entry_set__transfer=transfer).order_by("amount_cents")
        assert [(posting.account_id, posting.amount_cents) for posting in postings] == [
            (income.id, -30_00),
            (rent.id, 30_00),
        ]
        assert find_faults() == []

    def test_moves_exactly_all_there_is(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 100_00)
        settle()

        assert status_of(transfer) == ("complete", None)
        assert balances(income, rent) == [0, 100_00]

    def test_ends_incomplete_when_there_is_a_cent_too_little_and_moves_nothing(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 100_01)
        settle()

        assert status_of(transfer) == ("incomplete", "insufficient_funds")
        assert balances(income, rent) == [100_00, 0]
        assert not EntrySet.objects.filter(transfer=transfer).exists()
        assert find_faults() == []

    def test_holds_what_goes_out_until_the_rail_reports(self, api, income, bank, rent):
        out = transfer_between(api, income, bank, 80_00)
        settlement.accept(timezone.now())
        too_much = transfer_between(api, income, rent, 20_01)
        settlement.accept(timezone.now())

        assert status_of(out) == ("pending", None)
        assert balances(income) == [100_00]
        assert held(income) == 80_00
        assert api.get(f"/accounts/{income.id}").json()["data"]["balance"]["available_balance_in_cents"] == 20_00
        assert status_of(too_much) == ("incomplete", "insufficient_funds")
        assert find_faults() == []

    def test_lets_money_that_arrives_in_a_batch_go_out_in_the_same_batch(self, api, income, rent, bank):
        arrives = transfer_between(api, income, rent, 60_00)
        leaves = transfer_between(api, rent, bank, 60_00)

        settlement.accept(timezone.now())

        assert status_of(arrives) == ("complete", None)
        assert status_of(leaves) == ("pending", None)
        assert balances(income, rent) == [40_00, 60_00]
        assert held(rent) == 60_00
        assert find_faults() == []

    def test_spends_money_in_a_batch_only_once(self, api, income, rent, savings, bank):
        fund(rent, 10_00)
        transfers = [transfer_between(api, rent, other, 6_00) for other in (savings, bank)]
        transfers.append(transfer_between(api, income, rent, 2_00))
        transfers.append(transfer_between(api, rent, savings, 6_00))

        settlement.accept(timezone.now())

        assert [status_of(transfer)[0] for transfer in transfers] == ["complete", "incomplete", "complete", "complete"]
        assert balances(rent, savings) == [0, 12_00]
        assert find_faults() == []

    def test_ends_in_error_when_an_account_was_deleted_meanwhile(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 30_00)
        Account.objects.filter(id=rent.id).update(deleted_at=timezone.now())

        settle()

        assert status_of(transfer) == ("error", "resource_deleted")
        assert balances(income, rent) == [100_00, 0]

    def test_takes_the_oldest_first_and_a_hundred_at_most(self, api, income, rent, monkeypatch):
        monkeypatch.setattr(settlement, "BATCH_SIZE", 2)
        monkeypatch.setattr(settlement, "BATCHES", 1)
        transfers = [transfer_between(api, income, rent, cents) for cents in (1_00, 2_00, 3_00)]

        assert settlement.accept(timezone.now()) == 2
        assert [status_of(transfer)[0] for transfer in transfers] == ["complete", "complete", "processing"]
        assert settlement.accept(timezone.now()) == 1
        assert settlement.accept(timezone.now()) == 0
        assert balances(rent) == [6_00]

    def test_takes_a_few_batches_and_leaves_the_rest_to_its_next_turn(self, api, income, rent, monkeypatch):
        monkeypatch.setattr(settlement, "BATCH_SIZE", 1)
        monkeypatch.setattr(settlement, "BATCHES", 2)
        for _ in range(3):
            transfer_between(api, income, rent, 1_00)

        assert [settlement.accept(timezone.now()) for _ in range(3)] == [2, 1, 0]

    def test_settles_a_hundred_transfers_in_few_statements(self, api, acme, income):
        pods = PodFactory.create_batch(10, organization=acme)
        others = IncomeSourceFactory.create_batch(3, organization=acme)
        for source in others:
            fund(source, 100_00)
        for number in range(100):
            transfer_between(api, [income, *others][number % 4], pods[number % 10], 1_00)

        with CaptureQueriesContext(
            connection,
        ) as statements:
            assert settlement.accept(timezone.now()) == 100

        # And a look whether there are more.
        assert len(statements) <= 2 * STATEMENTS_OF_A_BATCH, [query["sql"][:80] for query in statements]
        assert sum(balances(*pods)) == 100_00
        assert find_faults() == []

    def test_costs_the_same_for_a_hundred_as_for_one(self, api, income, rent):
        transfer_between(api, income, rent, 1_00)
        with CaptureQueriesContext(connection) as one:
            settlement.accept(timezone.now())
        for _ in range(50):
            transfer_between(api, income, rent, 1_00)
        with CaptureQueriesContext(connection) as fifty:
            settlement.accept(timezone.now())

        assert len(fifty) == len(one)


class TestSubmit:
    @pytest.fixture
    def accepted(self, api, income, bank):
        transfer = transfer_between(api, income, bank, 30_00)
        settlement.accept(timezone.now())
        return transfer

    def test_gives_the_rail_what_it_does_not_have(self, accepted):
        assert settlement.submit(timezone.now()) == 1

        assert SimulatedPayment.objects.get().transfer_id == accepted.id
        accepted.refresh_from_db()
        assert accepted.status == Status.PENDING
        assert accepted.submitted_at is not None
        assert settlement.submit(timezone.now()) == 0

    def test_changes_nothing_when_a_crash_makes_it_repeat(self, accepted, later):
        RAILS["simulated"].submit([accepted], now=timezone.now())  # And then the worker dies, before it notes it.
        before = SimulatedPayment.objects.values().get()

        assert settlement.submit(later(1)) == 1

        assert SimulatedPayment.objects.values().get() == before
        settle(later())
        assert EntrySet.objects.filter(transfer=accepted).count() == 1


class TestApplyReports:
    @pytest.fixture
    def pending(self, api, income, bank):
        transfer = transfer_between(api, income, bank, 30_00)
        settlement.accept(timezone.now())
        settlement.submit(timezone.now())
        return transfer

    def report(self, transfer, kind, code=None):
        settlement.apply_reports([Report(transfer.id, kind, code)], now=timezone.now())

    def test_completes_what_is_settled(self, pending, income, bank):
        self.report(pending, SETTLED)

        assert status_of(pending) == ("complete", None)
        assert balances(income, bank) == [70_00, 530_00]
        assert held(income) == 0
        assert find_faults() == []

    def test_releases_what_failed(self, pending, income, bank):
        self.report(pending, FAILED, "name_mismatch")

        assert status_of(pending) == ("error", "name_mismatch")
        assert balances(income, bank) == [100_00, 500_00]
        assert held(income) == 0
        pending.refresh_from_db()
        assert pending.completed_at is None
        assert find_faults() == []

    def test_reverses_what_comes_back_and_keeps_when_it_completed(self, pending, income, bank):
        self.report(pending, SETTLED)
        pending.refresh_from_db()
        completed_at = pending.completed_at
        self.report(pending, RETURNED, "disconnected_account")

        pending.refresh_from_db()
        assert (pending.status, pending.error_code) == ("error", "disconnected_account")
        assert pending.completed_at == completed_at
        assert balances(income, bank) == [100_00, 500_00]
        assert [each.kind for each in EntrySet.objects.filter(transfer=pending).order_by("id")] == [
            "settlement",
            "reversal",
        ]
        assert find_faults() == []

    @pytest.mark.parametrize(
        ("first", "last"),
        [
            ([SETTLED], SETTLED),
            ([SETTLED], FAILED),
            ([FAILED], SETTLED),
            ([FAILED], FAILED),
            ([FAILED], RETURNED),
            ([SETTLED, RETURNED], SETTLED),
            ([SETTLED, RETURNED], FAILED),
            ([SETTLED, RETURNED], RETURNED),
        ],
    )
    def test_changes_nothing_when_a_report_is_no_news(self, pending, income, bank, first, last):
        for kind in first:
            self.report(pending, kind, "payment_failed")
        before = (status_of(pending), balances(income, bank), held(income), EntrySet.objects.count())

        for _ in range(2):
            self.report(pending, last, "payment_failed")

        assert (status_of(pending), balances(income, bank), held(income), EntrySet.objects.count()) == before
        assert find_faults() == []

    def test_fails_what_comes_back_before_it_settled(self, pending, income, bank):
        self.report(pending, RETURNED, "disconnected_account")
        self.report(pending, SETTLED)

        assert status_of(pending) == ("error", "disconnected_account")
        assert balances(income, bank) == [100_00, 500_00]
        assert held(income) == 0
        assert find_faults() == []

    def test_applies_several_reports_on_one_transfer_in_their_order(self, pending, income, bank):
        reports = [Report(pending.id, SETTLED), Report(pending.id, RETURNED, "name_mismatch")]
        settlement.apply_reports(reports, now=timezone.now())

        pending.refresh_from_db()
        assert (pending.status, pending.error_code) == ("error", "name_mismatch")
        assert pending.completed_at is not None
        assert balances(income, bank) == [100_00, 500_00]
        assert EntrySet.objects.filter(transfer=pending).count() == 2
        assert find_faults() == []

    def test_ignores_a_transfer_that_it_does_not_know(self, pending):
        settlement.apply_reports([Report("txr_01ARZ3NDEKTSV4RRFFQ69G5FAV", SETTLED)], now=timezone.now())

        assert status_of(pending) == ("pending", None)


class TestExpireApprovals:
    @pytest.fixture
    def undecided(self, client_with, income, rent):
        return transfer_between(client_with("MANUAL_TRANSFER:*>*;month=3000;approval=0"), income, rent, 30_00)

    def test_cancels_after_seven_days_and_gives_the_cap_back(self, undecided, income, rent):
        assert settlement.expire_approvals(undecided.created_at + timedelta(days=7) - timedelta(microseconds=1)) == 0
        assert status_of(undecided) == ("pending_approval", None)

        assert settlement.expire_approvals(undecided.created_at + timedelta(days=7)) == 1

        assert status_of(undecided) == ("cancelled", None)
        undecided.refresh_from_db()
        assert undecided.decided_by == "worker:expire_approvals"
        assert balances(income, rent) == [100_00, 0]
        assert find_faults() == []  # The counters among it.

    def test_leaves_what_a_person_decided(self, undecided, api):
        api.post(f"/transfers/{undecided.id}/cancel")
        undecided.refresh_from_db()

        assert settlement.expire_approvals(undecided.created_at + timedelta(days=8)) == 0
        assert undecided.decided_by.startswith("key:")


class TestTransfersOfSeveralOrganizations:
    def test_settle_in_one_batch_without_touching_each_other(self, api, other_api, income, rent, globex):
        theirs, their_pod = IncomeSourceFactory(organization=globex), PodFactory(organization=globex)
        fund(theirs, 50_00)
        ours = post_transfer(api, income, rent, 30_00)
        post_transfer(other_api, theirs, their_pod, 20_00)

        assert settlement.accept(timezone.now()) == 2

        assert balances(income, rent, theirs, their_pod) == [70_00, 30_00, 30_00, 20_00]
        assert other_api.get(f"/transfers/{ours.json()['data']['id']}").status_code == 404
        assert set(Transfer.objects.for_organization(globex.id).values_list("source_id", flat=True)) == {
            None,
            theirs.id,
        }
