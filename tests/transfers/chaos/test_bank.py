"""A bank under load: hot accounts, many clients, several workers, and an auditor who looks all the while."""

import threading
import time

import pytest
from django.db import connection, connections

from tests.factories import PodFactory
from tests.transfers.at_once import at_once, deadlocks
from tests.transfers.chaos.site import wait_until
from tests.transfers.steps import fund, post_transfer, settle
from transfers.ledger_invariants import find_faults
from transfers.models import Status, Transfer

ACCOUNTS = 8
CLIENTS = 6
WORKERS = 3
START_CENTS = 500_00
SECONDS, LONG_SECONDS = 3, 30


def audit() -> tuple[int, int, int]:
    """Return the sum of all balances, the lowest, and the lowest that is available, as of one instant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(balance_cents), MIN(balance_cents), MIN(balance_cents - held_cents) FROM accounts_account"
        )
        return cursor.fetchone()


@pytest.mark.full
class TestBank:
    def test_neither_loses_nor_makes_a_cent(self, api, acme, site, dice, by_length):
        pods = PodFactory.create_batch(ACCOUNTS, organization=acme)
        for pod in pods:
            fund(pod, START_CENTS)
        deadlocks_before = deadlocks()
        workers = [site.start_worker() for _ in range(WORKERS)]
        site.wait_for_workers()
        end = threading.Event()
        seeds = [dice.randrange(10**9) for _ in range(CLIENTS)]
        audits = []

        def client(seed):
            chance = type(dice)(seed)
            sent = 0
            while not end.is_set():
                source, destination = chance.sample(pods, 2)
                cents = chance.choice([1_00, chance.randint(1_00, START_CENTS), 3 * START_CENTS])
                response = post_transfer(api, source, destination, cents)
                assert response.status_code == 201, response.content
                if chance.random() < 0.1:
                    assert api.post(f"/transfers/{response.json()['data']['id']}/cancel").status_code in (200, 409)
                sent += 1
            return sent

        def auditor():
            while not end.is_set():
                audits.append(audit())
                time.sleep(0.02)

        def inspector():
            while not end.is_set():
                assert find_faults() == []
                time.sleep(0.5)

        def clock():
            wait_until(lambda: Transfer.objects.filter(completed_at__isnull=False).count() > ACCOUNTS, "a transfer")
            time.sleep(by_length(SECONDS, SECONDS, LONG_SECONDS))
            end.set()

        def until_the_end(work):
            def run():
                try:
                    return work()
                finally:
                    end.set()

            return run

        clients = [until_the_end(lambda seed=seed: client(seed)) for seed in seeds]
        results = at_once([*clients, auditor, until_the_end(inspector), until_the_end(clock)])
        assert [result for result in results if isinstance(result, Exception)] == []
        codes = [site.terminate(index) for index in workers]
        settle()

        assert codes == [0] * WORKERS
        assert {total for total, _, _ in audits} == {ACCOUNTS * START_CENTS}
        assert min(low for _, low, _ in audits) >= 0
        assert min(available for _, _, available in audits) >= 0
        final = [Status.COMPLETE, Status.INCOMPLETE, Status.CANCELLED]
        assert not Transfer.objects.exclude(status__in=final).exists()
        assert Transfer.objects.count() == ACCOUNTS + sum(result for result in results if result)
        assert find_faults() == []
        connections.close_all()
        assert deadlocks() == deadlocks_before
