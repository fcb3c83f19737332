"""The database goes away and comes back while money is on its way."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.transfers.chaos.site import ROOT, Persistent, Site, make_url, wait_until

cluster_module = pytest.importorskip(
    "sequence.local.postgres.cluster",
    reason="The embedded server, whose programs this test needs, is not in this build.",
)

CLIENTS = 3
FULL = {"restarts": 1, "transfers": 20}
LONG = {"restarts": 25, "transfers": 600}

# Makes an organization with two pods, with money in one, and prints what a client needs.
SET_UP = """
import django, json
django.setup()
from django.core.management import call_command
from apikeys.entries import parse_permissions
from apikeys.services import create_api_key, create_organization
from accounts.services import create_pod
from transfers.models import Origin
from transfers.services import deposit
call_command("migrate", verbosity=0)
acme = create_organization(name="Acme")
pods = [create_pod(organization_id=acme.id, beneficiary_name="Acme", nickname=name) for name in ("One", "Two")]
deposit(account_id=pods[0].id, amount_cents=100_000_00, origin=Origin.PAYCHECK, by="test")
permissions = parse_permissions(["MANUAL_TRANSFER:*>*"])
_, token = create_api_key(organization=acme, name="Test", permissions=permissions, created_by="test")
print(json.dumps({"token": token, "pods": [pod.id for pod in pods]}))
"""
# What is under way, the two balances, and the verdict of check_ledger.
LOOK = """
import django, json
django.setup()
from accounts.models import Account
from apikeys.models import IdempotencyRecord
from transfers.ledger_invariants import find_faults
from transfers.models import EntrySet, Status, Transfer
print(json.dumps({
    "open": Transfer.objects.exclude(status=Status.COMPLETE).count(),
    "transfers": Transfer.objects.count(),
    "entry_sets": EntrySet.objects.count(),
    "records": IdempotencyRecord.objects.count(),
    "balances": list(Account.objects.order_by("created_at").values_list("balance_cents", flat=True)),
    "faults": [str(fault) for fault in find_faults()],
}))
"""


class World:
    """A database server of its own, and programs that use it."""

    def __init__(self, folder: Path) -> None:
        self.cluster = cluster_module.Cluster(folder)
        self.cluster.ensure_running()
        self.cluster.ensure_database("chaos")
        address = self.cluster.address()
        self.url = make_url(
            host=str(address["host"]), port=int(address["port"]), user=str(address["user"]), name="chaos"
        )

    def run(self, program: str) -> dict:
        environment = {**os.environ, "DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "sequence.settings"}
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    def count_open(self) -> int:
        """Return how many transfers are not complete."""
        with psycopg.connect(dbname="chaos", **self.cluster.address()) as connection:
            return connection.execute("SELECT COUNT(*) FROM transfers_transfer WHERE status <> 'complete'").fetchone()[
                0
            ]

    def restart(self, how: str) -> None:
        """Stop the server as an operator, an impatient operator, or a power cut would, and start it again."""
        if how == "stop":
            self.cluster.stop()
        else:
            os.kill(self.cluster.pid(), signal.SIGQUIT if how == "immediate" else signal.SIGKILL)
        self.cluster.ensure_running()


@pytest.fixture
def world():
    folder = Path(tempfile.mkdtemp(prefix="sequence-chaos-"))
    folder.chmod(0o755)  # The server's account must get in where root runs the tests.
    world = World(folder)
    yield world
    world.cluster.stop()
    shutil.rmtree(folder)


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
