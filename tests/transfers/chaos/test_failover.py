"""The primary dies under load and its standby is promoted: what was accepted is there once, and nothing is lost.

Replication is synchronous. The promotion is a line of this test, which stands for the failover manager.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.postgres.conftest import kill_all
from tests.transfers.chaos.site import Persistent, Site, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP

CLIENTS = 3
FULL, LONG = 40, 400


@pytest.mark.full
class TestFailover:
    def test_loses_and_doubles_nothing_that_was_accepted(self, world, standby, tmp_path, by_length):
        count = by_length(FULL, FULL, LONG)
        facts = world.run(SET_UP)
        standby.follow_synchronously()
        numbers, ids, moments, moments_of_death = itertools.count(), {}, [], []

        with Site(standby.url, tmp_path / "site.log") as site:
            for start in (site.start_web, site.start_web, site.start_worker, site.start_worker):
                start()

            def client() -> None:
                persistent = Persistent(site.ports, facts["token"])
                source, destination = facts["pods"]
                body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                while (number := next(numbers)) < count:
                    # Some are asked for after the death, however late it comes.
                    wait_until(lambda number=number: number < count * 2 // 3 or moments_of_death, "the primary's death")
                    status, answer = persistent.post("/transfers", body, idempotency_key=f"order-{number}")
                    assert status == 201, answer
                    ids[number] = answer["data"]["id"]
                    moments.append(time.monotonic())

            def fail_over() -> None:
                wait_until(lambda: len(ids) >= count // 3, "some transfers")
                kill_all(world.cluster.data)
                moments_of_death.append(time.monotonic())
                standby.promote()
                wait_until(lambda: moments[-1] > moments_of_death[0], "the new primary serves")

            with ThreadPoolExecutor(CLIENTS + 1) as pool:
                for future in [pool.submit(work) for work in (*[client] * CLIENTS, fail_over)]:
                    future.result()
            wait_until(lambda: standby.count_open() == 0, "every transfer completes")
            assert [site.terminate(index) for index in (2, 3)] == [0, 0]
        found = standby.run(LOOK)

        assert len(set(ids.values())) == count
        assert found == {
            "open": 0,
            "transfers": count + 1,
            "entry_sets": count + 1,
            "records": count,
            "balances": [100_000_00 - count * 1_01, count * 1_01],
            "faults": [],
        }
