"""Everything behind Debian's pgbouncer in transaction mode: nothing strands on a connection that others get next."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sequence.local.postgres.account import server_account
from tests.ports import free_port
from tests.transfers.chaos.line import answers
from tests.transfers.chaos.site import PATIENCE_SECONDS, Persistent, Site, make_url, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP

# Fewer than there are processes and threads that ask.
SERVER_CONNECTIONS = 3
TRANSFERS, CLIENTS = 30, 3
POOLED = {"DATABASE_PREPARED_STATEMENTS": "0"}

CONFIGURATION = """
[databases]
chaos = host={host} port={port} dbname=chaos
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""

ADVISORY_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"

CHECK_DAILY = """
import django, json
django.setup()
from datetime import timedelta
from sequence.core import clock
from transfers.ledger_audit import check_ledger_daily
print(json.dumps({{"checks": check_ledger_daily(clock.now() + timedelta(days={days}))}}))
"""

SEED = """
import django, json
django.setup()
from sequence.core.transactions import run_in_transaction
from sequence.demo.seeding import make_demo, take_turn

def make():
    take_turn(tell=print)
    return make_demo(actor="test", days=40, tell=print)

print(json.dumps({"organization": run_in_transaction(make)["organization"]}))
"""


def program() -> str:
    """Return where pgbouncer is; install Debian's where it is missing and that can be done."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    if not shutil.which("pgbouncer", path=path):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("pgbouncer is not installed, and only root of a Debian can install it.")
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "pgbouncer"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            pytest.skip(f"pgbouncer could not be installed: {done.stderr.strip()[-200:]}")
    found = shutil.which("pgbouncer", path=path)
    assert found
    return found


@pytest.fixture
def pooled(world, folder: Path):
    """The URL of a pgbouncer in front of the world's server."""
    port, home = free_port(), folder / "pooler"
    home.mkdir()
    home.chmod(0o755)
    (home / "users").write_text(f'"{world.user}" ""\n')
    (home / "ini").write_text(
        CONFIGURATION.format(host=world.host, port=world.port, listen_port=port, folder=home, size=SERVER_CONNECTIONS)
    )
    account = server_account(world.cluster.data)
    switch = {"user": account.uid, "group": account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([program(), home / "ini"], stdout=log, stderr=log, **switch)  # noqa: S603
    url = make_url(host="127.0.0.1", port=port, user=world.user, name="chaos")
    wait_until(lambda: answers(url), "pgbouncer answers")
    yield url
    process.terminate()
    process.wait(PATIENCE_SECONDS)


@pytest.mark.full
class TestBehindAPooler:
    def test_requests_workers_and_the_daily_check_do_their_work(self, world, pooled, tmp_path):
        facts = world.run(SET_UP)
        with Site(pooled, tmp_path / "site.log", **POOLED) as site:
            for start in (site.start_web, site.start_web, site.start_worker, site.start_worker):
                start()

            def order(number: int) -> str:
                source, destination = facts["pods"]
                body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                client = Persistent(site.ports, facts["token"])
                status, answer = client.post("/transfers", body, idempotency_key=f"order-{number}")
                assert status == 201, answer
                return answer["data"]["id"]

            with ThreadPoolExecutor(CLIENTS) as pool:
                ids = list(pool.map(order, range(TRANSFERS)))
            wait_until(lambda: world.count_open() == 0, "every transfer completes")
            wait_until(lambda: world.ask("SELECT count(*) FROM transfers_ledgercheck") == 1, "the first daily check")
            servers = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND datname = 'chaos'"
            assert world.ask(servers) <= SERVER_CONNECTIONS + 1  # And the one that asks.
            assert [site.terminate(index) for index in (2, 3)] == [0, 0]
            log = site.log.read_text()
        found = world.run(LOOK, url=pooled, **POOLED)

        assert len(set(ids)) == TRANSFERS
        assert (found["open"], found["transfers"], found["faults"]) == (0, TRANSFERS + 1, [])
        assert found["balances"] == [100_000_00 - TRANSFERS * 1_01, TRANSFERS * 1_01]
        for trouble in ("unexpected_error", "sweep_broke", "database_unreachable"):
            assert trouble not in log
        # Each by a process of its own, as by a worker that was restarted: nobody else's lock is in its way.
        for days in (2, 3):
            assert world.run(CHECK_DAILY.format(days=days), url=pooled, **POOLED)["checks"] > 0
        assert world.ask(ADVISORY_LOCKS) == 0

    def test_the_demo_is_made_twice(self, world, pooled):
        world.run(SET_UP)

        made = [world.run(SEED, url=pooled, **POOLED)["organization"] for _ in range(2)]

        assert len(set(made)) == 2
        assert world.ask(ADVISORY_LOCKS) == 0
        assert world.run(LOOK, url=pooled, **POOLED)["faults"] == []
