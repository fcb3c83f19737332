"""Locks: what happens at the same moment ends as if it had happened one after the other."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from apikeys import idempotency
from apikeys.entries import parse_permissions
from apikeys.models import SpendCounter
from apikeys.services import create_api_key, rotate_api_key
from tests.client import Api
from tests.factories import PodFactory
from tests.transfers.at_once import PATIENCE_SECONDS, at_once, deadlocks, held_by_somebody_else
from tests.transfers.steps import balances, error_of, fund, held, post_transfer, settle, status_of, transfer_between
from transfers.errors import InsufficientFunds, TransferNotCancellable
from transfers.ledger_invariants import find_faults
from transfers.models import EntrySet, Status, Transfer
from transfers.rails import Report, ReportKind
from transfers.services import approve_transfer, cancel_transfer, pull_from_outside, reject_transfer
from transfers.settlement import accept, apply_reports, collect, submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rounds(by_length) -> int:
    """How often a race is run: some are lost only now and then."""
    return by_length(1, 2, 20)


def now():
    return timezone.now()


class TestCaps:
    @pytest.fixture(autouse=True)
    def _are_of_one_day(self, set_clock):
        set_clock(now())

    @pytest.mark.parametrize("cap", ["day", "week", "month"])
    def test_hold_to_the_cent_against_fifty_requests_at_once(self, client_with, income, rent, rounds, cap):
        for _ in range(rounds):
            api = client_with(f"MANUAL_TRANSFER:*>*;{cap}=10000")
            before = Transfer.objects.count()
            answers = at_once([lambda api=api: post_transfer(api, income, rent, 7_77)] * 50)

            statuses = sorted(answer.status_code for answer in answers)
            assert statuses == [201] * 12 + [403] * 38  # 12 times $7.77 is $93.24, 13 times are above $100.00.
            assert Transfer.objects.count() - before == 12
            assert find_faults() == []

    @pytest.mark.parametrize("cap", ["day", "week", "month"])
    def test_hold_to_the_transfer_against_fifty_requests_at_once(self, client_with, income, rent, rounds, cap):
        for _ in range(rounds):
            api = client_with(f"MANUAL_TRANSFER:*>*;count_{cap}=12")
            answers = at_once([lambda api=api: post_transfer(api, income, rent, 1_00)] * 50)

            assert sorted(answer.status_code for answer in answers) == [201] * 12 + [403] * 38
            assert find_faults() == []

    def test_hold_for_a_key_and_its_successor_together(self, acme, income, rent, rounds):
        for _ in range(rounds):
            key, token = create_api_key(
                organization=acme,
                name="Payments",
                permissions=parse_permissions(["MANUAL_TRANSFER:*>*;month=10000"]),
                created_by="test",
            )
            _, new_token = rotate_api_key(key_id=key.id, overlap=timedelta(hours=1), rotated_by="test")
            apis = [Api(token), Api(new_token)] * 10

            answers = at_once(lambda api=api: post_transfer(api, income, rent, 10_01) for api in apis)

            assert sorted(answer.status_code for answer in answers) == [201] * 9 + [403] * 11
            assert find_faults() == []

    def test_of_two_entries_add_up_whoever_comes_first(self, client_with, income, rent, rounds):
        for _ in range(rounds):
            api = client_with(f"MANUAL_TRANSFER:*>*;day=5000,{income.id}>*;day=5000,*>{rent.id};day=5000")

            answers = at_once([lambda api=api: post_transfer(api, income, rent, 20_00)] * 12)

            assert sorted(answer.status_code for answer in answers) == [201] * 6 + [403] * 6
            assert find_faults() == []

    def test_count_right_while_transfers_are_made_and_cancelled(self, client_with, income, rent, rounds):
        api = client_with("MANUAL_TRANSFER:*>*;day=10000000")

        def make_and_cancel():
            for _ in range(rounds):
                transfer = post_transfer(api, income, rent, 1_00).json()["data"]
                api.post(f"/transfers/{transfer['id']}/cancel")

        assert at_once([make_and_cancel] * 10) == [None] * 10
        assert set(SpendCounter.objects.values_list("spent_cents", flat=True)) == {0}
        assert find_faults() == []


class TestTwins:
    @pytest.fixture(autouse=True)
    def _are_patient(self, monkeypatch):
        """All of them in a row may take longer on a busy machine than one waits for another."""
        monkeypatch.setattr(idempotency, "TWIN_WAIT_MILLISECONDS", PATIENCE_SECONDS * 1000)

    def test_pay_once_however_many_arrive_at_once(self, api, income, rent, rounds):
        for number in range(rounds):
            answers = at_once(
                [lambda number=number: post_transfer(api, income, rent, 1_00, idempotency_key=f"n{number}")] * 20
            )
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.content for answer in answers}) == 1
            assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        settle()

        assert balances(rent) == [rounds * 1_00]

    def test_are_refused_once_for_all(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*@100")

        answers = at_once([lambda: post_transfer(api, income, rent, 1_01, idempotency_key="same")] * 20)

        assert {error_of(answer) for answer in answers} == {(403, "max_amount_exceeded")}
        assert len({answer.content for answer in answers}) == 1


class TestSweeps:
    def test_take_what_no_other_worker_holds_and_wait_for_nobody(self, api, income, rent):
        taken, free = (transfer_between(api, income, rent, 1_00) for _ in range(2))

        with held_by_somebody_else(lambda: Transfer.objects.select_for_update().get(id=taken.id)):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30s'")
            assert accept(now()) == 1
            assert [status_of(transfer)[0] for transfer in (taken, free)] == ["processing", "complete"]
        assert accept(now()) == 1

        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        assert balances(rent) == [2_00]

    def test_settle_each_transfer_once_however_many_workers_there_are(self, api, income, rent, bank, rounds, settings):
        settings.SIMULATED_RAIL_DELAY_SECONDS = 0
        fund(income, 1000_00)

        def work():
            for sweep in (accept, submit, collect) * 3:
                sweep(now())

        for _ in range(rounds):
            transfers = [transfer_between(api, income, (rent, bank)[number % 2], 1_00) for number in range(20)]
            assert [result for result in at_once([work] * 6) if result is not None] == []
            settle()
            assert {status_of(transfer)[0] for transfer in transfers} == {"complete"}

        assert EntrySet.objects.exclude(transfer__api_key=None).count() == 20 * rounds
        assert balances(rent) == [10_00 * rounds]
        assert held(income) == 0
        assert find_faults() == []

    def test_of_transfers_in_opposite_directions_never_deadlock(self, api, acme, rounds, monkeypatch):
        monkeypatch.setattr("transfers.settlement.BATCH_SIZE", 2)
        before = deadlocks()
        pods = PodFactory.create_batch(6, organization=acme)
        for pod in pods:
            fund(pod, 100_00)
        for number in range(30 * rounds):
            source, destination = number % 6, (number + 1 + number % 5) % 6
            transfer_between(api, pods[source], pods[destination], 1_00)

        def work():
            while accept(now()):
                pass

        assert [result for result in at_once([work] * 6) if result is not None] == []

        assert not Transfer.objects.filter(status=Status.PROCESSING).exists()
        assert sum(balances(*pods)) == 600_00
        assert deadlocks() == before
        assert find_faults() == []

    def test_apply_a_report_once_that_comes_to_all_workers(self, api, income, bank):
        transfer = transfer_between(api, income, bank, 30_00)
        accept(now())
        submit(now())
        report = Report(transfer.id, ReportKind.SETTLED)

        results = at_once([lambda: apply_reports([report], now=now())] * 8)

        assert results == [None] * 8
        assert EntrySet.objects.filter(transfer=transfer).count() == 1
        assert balances(income, bank) == [70_00, 530_00]
        assert find_faults() == []


class TestMoney:
    def test_is_drawn_from_outside_only_as_far_as_there_is_some(self, income, rounds):
        for _ in range(rounds):
            results = at_once([lambda: pull_from_outside(account_id=income.id, amount_cents=30_00, by="test")] * 8)

            assert sum(isinstance(result, Transfer) for result in results) == 3
            assert sum(isinstance(result, InsufficientFunds) for result in results) == 5
            assert balances(income) == [10_00]
            assert find_faults() == []
            fund(income, 90_00)

    def test_is_not_drawn_twice_by_a_worker_and_somebody_outside(self, api, income, rent, bank, rounds):
        for _ in range(rounds):
            transfer = transfer_between(api, income, bank, 100_00)
            _, pull = at_once(
                [lambda: accept(now()), lambda: pull_from_outside(account_id=income.id, amount_cents=100_00, by="test")]
            )

            has_gone = isinstance(pull, Transfer)
            assert has_gone or isinstance(pull, InsufficientFunds), pull
            assert status_of(transfer)[0] == ("incomplete" if has_gone else "pending")
            assert find_faults() == []
            if has_gone:
                fund(income, 100_00)
            else:
                apply_reports([Report(transfer.id, ReportKind.FAILED)], now=now())


class TestDecisions:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_cancel_or_settle_but_never_both(self, api, income, rent, rounds, workers):
        for _ in range(rounds):
            transfer = transfer_between(api, income, rent, 1_00)
            before = balances(rent)[0]

            results = at_once(
                [partial(cancel_transfer, transfer_id=transfer.id, by="test"), *[lambda: accept(now())] * workers]
            )
            settle()

            if isinstance(results[0], Transfer):
                assert status_of(transfer) == ("cancelled", None)
                assert balances(rent) == [before]
            else:
                assert isinstance(results[0], TransferNotCancellable), results[0]
                assert status_of(transfer) == ("complete", None)
                assert balances(rent) == [before + 1_00]
            assert find_faults() == []

    def test_approve_reject_and_cancel_are_one_decision(self, client_with, income, rent, rounds):
        api = client_with("MANUAL_TRANSFER:*>*;day=100000;approval=0")
        for _ in range(rounds):
            id = transfer_between(api, income, rent, 1_00).id

            results = at_once(
                [
                    partial(approve_transfer, transfer_id=id, by="staff:ann"),
                    partial(reject_transfer, transfer_id=id, by="staff:ann"),
                    partial(reject_transfer, transfer_id=id, by="staff:bob"),
                ]
            )

            assert sum(isinstance(result, Transfer) for result in results) == 1
            assert find_faults() == []


class TestDeleteAccount:
    def test_never_takes_an_account_from_under_a_new_transfer(self, api, acme, income, rounds):
        for _ in range(rounds * 3):
            pod = PodFactory(organization=acme)
            made, gone = at_once(
                [partial(post_transfer, api, income, pod, 1_00), partial(api.delete, f"/accounts/{pod.id}")]
            )

            assert (made.status_code, gone.status_code) in [(201, 409), (404, 204)]

    def test_never_takes_an_account_with_money_that_is_just_arriving(self, api, acme, income, rounds):
        for _ in range(rounds):
            pod = PodFactory(organization=acme)
            _, gone = at_once([partial(fund, pod, 1_00), partial(api.delete, f"/accounts/{pod.id}")])

            assert (balances(pod), gone.status_code) in [([1_00], 409), ([0], 204)]
            assert find_faults() == []
