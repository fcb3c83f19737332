"""Clusters of root and of ordinary users: whose account the server runs as, and who is told what."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from sequence.local.postgres.account import Account
from sequence.local.postgres.binaries import ROOTS_HOME
from sequence.local.postgres.cluster import Cluster
from tests.postgres.clusters import ENSURE_RUNNING, only_for_root, stays_unreadable, write_a_row
from tests.postgres.conftest import STRANGER, Person, ask, environment_for
from tests.production import PRODUCTION_ENVIRONMENT

# Whoever may not read this checkout's secrets brings their own.
OWN_SECRETS = PRODUCTION_ENVIRONMENT


@pytest.mark.full
@only_for_root
class TestRoot:
    def test_runs_the_server_as_a_lesser_account(self, cluster):
        cluster.ensure_running()

        assert Path(f"/proc/{cluster.pid()}").stat().st_uid == cluster.data.stat().st_uid != 0
        assert cluster.folder.stat().st_uid == 0

    def test_runs_it_as_the_owner_of_the_data(self, cluster):
        for path in (cluster.folder / "socket", cluster.data, *cluster.data.rglob("*")):
            shutil.chown(path, STRANGER)

        cluster.ensure_running()
        assert Path(f"/proc/{cluster.pid()}").stat().st_uid == pwd.getpwnam(STRANGER).pw_uid

    def test_finds_room_elsewhere_for_an_account_that_cannot_come_here(self, place, monkeypatch):
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        cluster = Cluster(closed / "cluster", durable=False)

        assert cluster.ensure_running() is True
        write_a_row(cluster)
        assert cluster.data.resolve().is_relative_to(ROOTS_HOME / "clusters")
        assert stays_unreadable(cluster.data.resolve())
        assert closed.stat().st_mode & 0o777 == 0o700
        cluster.stop()

        assert cluster.ensure_running() is True
        assert ask(cluster, "SELECT value FROM kept") == "still here"

    def test_copies_the_programs_for_an_account_that_cannot_run_them(self, cluster, place, monkeypatch):
        home = place / "home"
        monkeypatch.setattr("sequence.local.postgres.binaries.ROOTS_HOME", home)
        allowed = Account.can_run
        monkeypatch.setattr(Account, "can_run", lambda self, path: home in path.parents and allowed(self, path))
        cluster.ensure_running()

        program = Path(f"/proc/{cluster.pid()}/exe").resolve()
        assert home in program.parents
        assert not [path for path in home.rglob("*") if path.stat().st_mode & 0o022 or path.stat().st_uid != 0]


@pytest.mark.full
class TestOrdinaryUser:
    @pytest.fixture
    def theirs(self, place, person: Person) -> Cluster:
        folder = place / "theirs"
        folder.mkdir()
        shutil.chown(folder, person.name)
        return Cluster(folder / "cluster", durable=False)

    def test_runs_a_server_of_their_own(self, theirs, person):
        done = person.run("-c", ENSURE_RUNNING, str(theirs.folder), environment={"PATH": os.environ["PATH"]})

        assert done.stdout.startswith("True"), done.stderr
        assert Path(f"/proc/{theirs.pid()}").owner() == person.name
        assert ask(theirs, "SELECT count(*) FROM pg_database WHERE datname = 'shared'") == 1

    @only_for_root
    @pytest.mark.parametrize("state", ["running", "stopped"])
    def test_is_told_in_one_line_that_the_data_is_not_theirs(self, cluster, person, state):
        cluster.ensure_running()
        owner = cluster.data.owner()
        if state == "stopped":
            cluster.stop()

        environment = environment_for(cluster.folder, **OWN_SECRETS)
        done = person.run("manage.py", "postgres", "start", environment=environment)

        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert f"{cluster.data} belongs to {owner}" in done.stderr

    @only_for_root
    def test_is_told_in_one_line_that_the_folder_is_not_theirs(self, place, person):
        environment = environment_for(place / "new", **OWN_SECRETS)
        done = person.run("manage.py", "postgres", "start", environment=environment)

        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "belongs to root" in done.stderr
