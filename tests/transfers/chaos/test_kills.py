"""Processes are killed at random moments, with kill -9; clients repeat what they do not know the end of."""

import itertools
import time

import pytest
from django.db import connections
from django.db.models import Sum

from accounts.models import Account
from apikeys.models import IdempotencyRecord
from tests.factories import ExternalAccountFactory, PodFactory
from tests.transfers.at_once import at_once
from tests.transfers.chaos.site import Persistent, wait_until
from tests.transfers.steps import fund, post_transfer
from transfers.ledger_invariants import find_faults
from transfers.models import UNDER_WAY, EntrySet, Status, Transfer

CLIENTS = 4
# The longest pause between two kills is long enough for a process to be busy, and short enough to catch some that are
# just starting.
FULL = {"kills": 10, "transfers": 100, "pause": 0.3}
LONG = {"kills": 200, "transfers": 2000, "pause": 1.0}


def token_of(api) -> str:
    return api.headers["Authorization"].partition(" ")[2]


@pytest.mark.full
class TestKills:
    def test_leave_each_transfer_done_once_or_not_at_all(self, api, acme, site, dice, by_length):
        size = by_length(FULL, FULL, LONG)
        pods = PodFactory.create_batch(6, organization=acme)
        banks = ExternalAccountFactory.create_batch(2, organization=acme, balance_cents=1_000_000_00)
        for pod in pods:
            fund(pod, 1000_00)
        for start in (site.start_web, site.start_web, site.start_worker, site.start_worker, site.start_worker):
            start()
        orders = []
        for _ in range(size["transfers"]):
            source, destination = dice.sample([*pods, dice.choice(banks)], 2)
            orders.append((source, destination, dice.randint(1_00, 50_00)))
        numbers, answers = itertools.count(), {}
        killed = 0

        def client():
            persistent = Persistent(site.ports, token_of(api))
            while (number := next(numbers)) < len(orders):
                # Kills and transfers keep pace, so that neither is over before the other.
                wait_until(lambda number=number: number * size["kills"] <= (killed + 2) * len(orders), "the next kill")
                source, destination, cents = orders[number]
                body = {
                    "source_account_id": source.id,
                    "destination_account_id": destination.id,
                    "amount_in_cents": cents,
                }
                answers[number] = persistent.post("/transfers", body, idempotency_key=f"order-{number}")

        def killer():
            nonlocal killed
            while killed < size["kills"]:
                time.sleep(dice.uniform(0, size["pause"]))
                site.restart(dice.randrange(len(site.processes)))
                killed += 1

        results = at_once([*[client] * CLIENTS, killer])
        assert results == [None] * (CLIENTS + 1)
        wait_until(lambda: not Transfer.objects.filter(status__in=UNDER_WAY).exists(), "every transfer ends")
        connections.close_all()

        assert {status for status, _ in answers.values()} == {201}
        by_number = {number: answer["data"]["id"] for number, (_, answer) in answers.items()}
        assert len(set(by_number.values())) == len(orders)
        made = {transfer.id: transfer for transfer in Transfer.objects.exclude(api_key=None)}
        assert set(made) == set(by_number.values())
        assert IdempotencyRecord.objects.count() == len(orders)
        for number, (source, destination, cents) in enumerate(orders):
            transfer = made[by_number[number]]
            assert (transfer.source_id, transfer.destination_id, transfer.amount_cents) == (
                source.id,
                destination.id,
                cents,
            )
            assert transfer.status in (Status.COMPLETE, Status.INCOMPLETE)
        complete = [transfer for transfer in made.values() if transfer.status == Status.COMPLETE]
        assert EntrySet.objects.filter(transfer__in=complete).count() == len(complete)
        assert EntrySet.objects.count() == len(complete) + len(pods)
        for account in [*pods, *banks]:
            gained = sum(t.amount_cents for t in complete if t.destination_id == account.id)
            lost = sum(t.amount_cents for t in complete if t.source_id == account.id)
            start = 1000_00 if account in pods else account.balance_cents
            assert Account.objects.get(id=account.id).balance_cents == start + gained - lost
        assert Account.objects.aggregate(held=Sum("held_cents"))["held"] == 0
        assert find_faults() == []


@pytest.mark.full
class TestWorker:
    """SIGTERM, which asks."""

    def test_finishes_its_batch_and_ends_when_it_is_told_to(self, api, income, rent, site, dice, by_length):
        fund(income, 10_000_00)
        for _ in range(by_length(1, 1, 5)):
            worker = site.start_worker()
            before = Transfer.objects.filter(status=Status.COMPLETE).count()
            for _ in range(60):
                post_transfer(api, income, rent, 1_00)
            wait_until(lambda b=before: Transfer.objects.filter(status=Status.COMPLETE).count() > b, "the first one")
            time.sleep(dice.uniform(0, 0.05))

            assert site.terminate(worker) == 0
            assert find_faults() == []

        last = site.start_worker()
        site.wait_for_workers()
        wait_until(lambda: not Transfer.objects.filter(status__in=UNDER_WAY).exists(), "every transfer ends")
        assert site.terminate(last) == 0
        assert not Transfer.objects.exclude(status=Status.COMPLETE).exists()
        assert find_faults() == []
