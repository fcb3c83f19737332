"""The database goes away and comes back while money is on its way."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.transfers.chaos.site import Persistent, Site, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP

CLIENTS = 3
FULL = {"restarts": 1, "transfers": 20}
LONG = {"restarts": 25, "transfers": 600}


@pytest.mark.full
class TestRestarts:
    def test_of_the_database_lose_and_double_nothing(self, world, tmp_path, dice, by_length):
        size = by_length(FULL, FULL, LONG)
        facts = world.run(SET_UP)
        numbers, ids, restarts = itertools.count(), {}, 0

        with Site(world.url, tmp_path / "site.log") as site:
            for start in (site.start_web, site.start_web, site.start_worker, site.start_worker):
                start()

            def client():
                persistent = Persistent(site.ports, facts["token"])
                while (number := next(numbers)) < size["transfers"]:
                    # Restarts and transfers keep pace, so that neither is over before the other.
                    wait_until(
                        lambda n=number: n * size["restarts"] <= (restarts + 1) * size["transfers"], "the next restart"
                    )
                    source, destination = facts["pods"]
                    body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                    status, answer = persistent.post("/transfers", body, idempotency_key=f"order-{number}")
                    assert status == 201, answer
                    ids[number] = answer["data"]["id"]

            def operator():
                nonlocal restarts
                while restarts < size["restarts"]:
                    due = min(size["transfers"] - 1, restarts * size["transfers"] // size["restarts"] + 5)
                    wait_until(lambda due=due: len(ids) >= due, "some transfers")
                    world.restart(dice.choice(["stop", "immediate", "kill"]))
                    restarts += 1

            with ThreadPoolExecutor(CLIENTS + 1) as pool:
                for future in [pool.submit(work) for work in (*[client] * CLIENTS, operator)]:
                    future.result()
            wait_until(lambda: world.count_open() == 0, "every transfer completes")
            # Workers outlived it all, and still end when they are told to.
            assert [site.terminate(index) for index in (2, 3)] == [0, 0]
        found = world.run(LOOK)

        count = size["transfers"]
        assert len(set(ids.values())) == count
        assert found == {
            "open": 0,
            "transfers": count + 1,
            "entry_sets": count + 1,
            "records": count,
            "balances": [100_000_00 - count * 1_01, count * 1_01],
            "faults": [],
        }
