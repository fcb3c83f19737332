"""The primary dies under load, and Debian's pg_auto_failover promotes one of two standbys by itself.

It takes minutes, so it waits for --long. The packages are unpacked beside the test, not installed: nothing of theirs
starts by itself. Where that cannot be, the test says so.
"""

import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from sequence.local.postgres.account import server_account
from tests.ports import free_port
from tests.postgres.conftest import kill_all
from tests.transfers.chaos.site import Persistent, Site, wait_until
from tests.transfers.chaos.world import LOOK, SET_UP, run_program

PACKAGES = ["postgresql-15", "postgresql-client-15", "postgresql-15-auto-failover", "pg-auto-failover-cli"]
NAMES = ["a", "b", "c"]
CLIENTS = 3
BEFORE, AFTER = 100, 50


class Formation:
    """A monitor and three servers, of which one writes and one more has everything that it confirmed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.account = server_account(self.home)
        places = {name: self.home / f"of-{name}" for name in ("config", "data", "runtime")}
        for place in (self.home, *places.values()):
            place.mkdir()
            self.account.give(place)
        programs = f"{folder}/usr/lib/postgresql/15/bin:{folder}/usr/bin:/usr/bin:/bin"
        self.environment = {"PATH": programs, "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        self.environment |= {f"XDG_{name.upper()}_HOME": str(place) for name, place in places.items()}
        self.environment["XDG_RUNTIME_DIR"] = str(places["runtime"])
        self.ports = {name: free_port() for name in ("monitor", *NAMES)}
        self.monitor = f"postgres://autoctl_node@127.0.0.1:{self.ports['monitor']}/pg_auto_failover?sslmode=disable"
        self.keepers: dict[str, subprocess.Popen[bytes]] = {}
        ports = ",".join(str(self.ports[name]) for name in NAMES)
        where = f"host={','.join(['127.0.0.1'] * len(NAMES))}&port={ports}"
        self.url = f"postgres://{self.account.name}:@/sequence?{where}&target_session_attrs=read-write"

    def begin(self) -> None:
        """Make the monitor and the servers, one after the other: the first one writes."""
        self._keep("monitor", "create", "monitor")
        self._wait_for_monitor()
        for name in NAMES:
            node = ("--name", name, "--dbname", "sequence", "--listen", "127.0.0.1", "--monitor", self.monitor)
            self._keep(name, "create", "postgres", *node)
            wait_until(lambda name=name: f" {name} |" in self.state(), f"{name} is known")
        wait_until(self.is_whole, "two standbys follow")

    def is_whole(self) -> bool:
        """Say whether one writes and two follow, and nothing is to change."""
        return self.state().count("secondary |") == 2 and self.state().count("primary |") == 1

    def state(self) -> str:
        return self._control("show", "state", "--monitor", self.monitor)

    def kill(self, name: str) -> None:
        """kill -9 of everything that the machine of this server would run."""
        os.killpg(self.keepers[name].pid, signal.SIGKILL)
        kill_all(self.home / name)

    def come_back(self, name: str) -> None:
        self._start(name, "run", "--pgdata", str(self.home / name))

    def end(self) -> None:
        for name in reversed(self.keepers):
            self._control("stop", "--pgdata", str(self.home / name))
        for name, keeper in self.keepers.items():
            keeper.kill()
            keeper.wait()
            kill_all(self.home / name)

    def _wait_for_monitor(self) -> None:
        wait_until(lambda: "Reported State" in self.state(), "the monitor answers")

    def _keep(self, name: str, *command: str) -> None:
        place = ("--pgdata", str(self.home / name), "--pgport", str(self.ports[name]), "--hostname", "127.0.0.1")
        self._start(name, *command, *place, "--auth", "trust", "--no-ssl", "--run")

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.keepers[name] = subprocess.Popen(  # noqa: S603
                ["pg_autoctl", *command],  # noqa: S607 - of the packages
                **self._as_account(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _control(self, *command: str) -> str:
        done = subprocess.run(  # noqa: S603
            ["pg_autoctl", *command],  # noqa: S607
            **self._as_account(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def _as_account(self) -> dict:
        who = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
        return {"env": self.environment, "cwd": self.home, **who}


@pytest.fixture
def formation(folder):
    packages = folder / "packages"
    packages.mkdir()
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("pg_auto_failover is unpacked from Debian's packages, and this is no Debian.")
    fetch = ["apt-get", "download", *PACKAGES]
    done = subprocess.run(fetch, cwd=packages, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        pytest.skip(f"Debian's packages could not be fetched: {done.stderr.strip()[-200:]}")
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)  # noqa: S603, S607
    folder.chmod(0o755)  # Packages bring modes of their own.
    formation = Formation(folder)
    try:
        formation.begin()
        yield formation
    finally:
        formation.end()


@pytest.mark.long
class TestFailoverManager:
    def test_takes_over_by_itself_and_loses_and_doubles_nothing(self, formation, tmp_path):
        facts = run_program(SET_UP, url=formation.url)
        numbers, ids, is_over, deaths, moments = itertools.count(), {}, threading.Event(), [], []

        with Site(formation.url, tmp_path / "site.log") as site:
            for start in (site.start_web, site.start_web, site.start_worker):
                start()

            def client() -> None:
                persistent = Persistent(site.ports, facts["token"])
                source, destination = facts["pods"]
                body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_01}
                while not is_over.is_set():
                    number = next(numbers)
                    status, answer = persistent.post("/transfers", body, idempotency_key=f"order-{number}")
                    assert status == 201, answer
                    ids[number] = answer["data"]["id"]
                    moments.append(time.monotonic())

            clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
            for thread in clients:
                thread.start()
            try:
                wait_until(lambda: len(ids) >= BEFORE, "some transfers")
                formation.kill("a")
                deaths.append((time.monotonic(), len(ids)))
                wait_until(lambda: len(ids) >= deaths[0][1] + CLIENTS + AFTER, "the new primary serves")
                print(f"{min(at for at in moments if at > deaths[0][0] + 1) - deaths[0][0]:.0f} s without an answer")  # noqa: T201
                formation.come_back("a")
                wait_until(formation.is_whole, "the old primary follows")
            finally:
                is_over.set()
                for thread in clients:
                    thread.join()
            wait_until(lambda: run_program(LOOK, url=formation.url)["open"] == 0, "every transfer completes")
        found = run_program(LOOK, url=formation.url)

        assert len(set(ids.values())) == len(ids)
        assert (found["transfers"], found["records"], found["faults"]) == (len(ids) + 1, len(ids), [])
        assert found["balances"] == [100_000_00 - len(ids) * 1_01, len(ids) * 1_01]
        assert "pg_rewind" in (formation.folder / "a.log").read_text()
