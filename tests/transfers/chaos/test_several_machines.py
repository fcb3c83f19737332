"""Web processes and workers on several machines, one PostgreSQL; the network of one of them is cut under load."""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sequence.local.launch import web
from sequence.local.launch.address import Address
from tests.ports import free_port
from tests.transfers.chaos.line import Machine, demand_networks
from tests.transfers.chaos.site import Persistent, Site, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP

MACHINES, CLIENTS, TRANSFERS = 3, 3, 45
WORKER = [sys.executable, "manage.py", "run_worker"]
SEEN = "SELECT count(DISTINCT host) FROM sequence_workerprocess WHERE stopped_at IS NULL"


@pytest.fixture
def machines(world):
    demand_networks()
    with Machine(world) as first, Machine(world) as second, Machine(world) as third:
        yield [first, second, third]


@pytest.mark.full
class TestSeveralMachines:
    def test_serve_together_and_without_one_that_is_cut_off(self, world, machines, tmp_path):
        facts = world.run(SET_UP)
        hosts = {free_port(): machine.address for machine in machines}
        numbers, ids, is_cut = itertools.count(), {}, []

        with Site("", tmp_path / "site.log", ALLOWED_HOSTS=",".join(hosts.values())) as site:
            for machine, (port, host) in zip(machines, hosts.items(), strict=True):
                site.environment["DATABASE_URL"] = machine.database
                site.start([*machine.inside, *web.command(Address(host, port), workers=1)])
                site.start([*machine.inside, *WORKER])
            wait_until(lambda: world.ask(SEEN) == MACHINES, "a worker of each machine tells of itself")

            def client(start: int) -> None:
                # Each begins with another machine, and goes to the next after each answer.
                persistent = Persistent(list(hosts), facts["token"], hosts)
                persistent.attempts = start
                source, destination = facts["pods"]
                body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                while (number := next(numbers)) < TRANSFERS:
                    wait_until(lambda number=number: number < TRANSFERS * 2 // 3 or is_cut, "the cut")
                    status, answer = persistent.post("/transfers", body, idempotency_key=f"order-{number}")
                    assert status == 201, answer
                    ids[number] = answer["data"]["id"]

            def cut() -> None:
                wait_until(lambda: len(ids) >= TRANSFERS // 3, "some transfers")
                machines[0].cut()
                is_cut.append(True)

            with ThreadPoolExecutor(CLIENTS + 1) as pool:
                for future in [*(pool.submit(client, number) for number in range(CLIENTS)), pool.submit(cut)]:
                    future.result()
            wait_until(lambda: world.count_open() == 0, "every transfer completes")
            # That of the first machine cannot even say that it ends.
            assert [site.terminate(index) for index in (3, 5)] == [0, 0]
        found = world.run(LOOK)

        assert len(set(ids.values())) == TRANSFERS
        assert (found["open"], found["transfers"], found["faults"]) == (0, TRANSFERS + 1, [])
        assert found["balances"] == [100_000_00 - TRANSFERS * 1_01, TRANSFERS * 1_01]
