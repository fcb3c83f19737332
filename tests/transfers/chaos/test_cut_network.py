"""The network to the database is cut, and nobody says so: no packet comes back, and no connection ends by itself."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.transfers.chaos.line import PORT, Line, demand_networks
from tests.transfers.chaos.site import Persistent, Site, make_url, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP

CLIENTS, TRANSFERS = 3, 30


@pytest.fixture
def lines(world):
    demand_networks()
    with Line(world) as first, Line(world) as second:
        yield first, second


@pytest.mark.full
class TestACutNetwork:
    def test_to_one_address_is_given_up_for_another_and_nothing_is_lost_or_doubled(self, world, lines, tmp_path):
        first, second = lines
        facts = world.run(SET_UP)
        both = make_url(host=f"{first.address},{second.address}", port=PORT, user=world.user, name="chaos")
        numbers, ids, is_cut = itertools.count(), {}, []

        with Site(both, tmp_path / "site.log") as site:
            for start in (site.start_web, site.start_web, site.start_worker):
                start()

            def client() -> None:
                persistent = Persistent(site.ports, facts["token"])
                source, destination = facts["pods"]
                body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                while (number := next(numbers)) < TRANSFERS:
                    wait_until(lambda number=number: number < TRANSFERS * 2 // 3 or is_cut, "the cut")
                    status, answer = persistent.post("/transfers", body, idempotency_key=f"order-{number}")
                    assert status == 201, answer
                    ids[number] = answer["data"]["id"]

            def cut() -> None:
                wait_until(lambda: len(ids) >= TRANSFERS // 3, "some transfers")
                first.cut()
                is_cut.append(True)

            with ThreadPoolExecutor(CLIENTS + 1) as pool:
                for future in [pool.submit(work) for work in (*[client] * CLIENTS, cut)]:
                    future.result()
            wait_until(lambda: world.count_open() == 0, "every transfer completes")
            assert site.terminate(2) == 0
        found = world.run(LOOK)

        assert len(set(ids.values())) == TRANSFERS
        assert (found["open"], found["transfers"], found["faults"]) == (0, TRANSFERS + 1, [])
        assert found["balances"] == [100_000_00 - TRANSFERS * 1_01, TRANSFERS * 1_01]
