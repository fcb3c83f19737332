import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sequence.local.launch.install import ROOT
from sequence.local.postgres import cluster as cluster_module
from sequence.local.postgres import sockets
from sequence.local.postgres.cluster import Cluster
from sequence.local.postgres.errors import (
    FolderForbidden,
    NotACluster,
    NotAnswering,
    OtherVersion,
    PathUnusable,
    ProgramFailed,
)
from sequence.local.postgres.processes import server_processes
from tests.postgres.clusters import ENSURE_RUNNING, only_for_root, stays_unreadable, write_a_row
from tests.postgres.conftest import STRANGER, ask, connect, kill, kill_all, wait_until


def start_elsewhere(cluster: Cluster, **options: Any) -> subprocess.Popen[str]:
    """Let another process start the server."""
    command = [sys.executable, "-c", ENSURE_RUNNING, str(cluster.folder)]
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options
    )


@pytest.mark.full
class TestEnsureRunning:
    def test_makes_a_cluster_once_and_keeps_its_data(self, place):
        cluster = Cluster(place / "not" / "there" / "yet", durable=False)
        assert cluster.ensure_running() is True
        write_a_row(cluster)
        assert cluster.ensure_running() is False
        assert cluster.stop() is True

        assert cluster.ensure_running() is True
        assert ask(cluster, "SELECT value FROM kept") == "still here"

    def test_speaks_utf8_sorts_alike_everywhere_and_takes_many_connections(self, cluster):
        cluster.ensure_running()

        assert ask(cluster, "SHOW server_encoding") == "UTF8"
        assert ask(cluster, "SELECT lower('ÄÉ')") == "äé"
        assert ask(cluster, "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
        assert int(ask(cluster, "SHOW max_connections")) >= 300

    def test_listens_in_a_private_folder_only(self, cluster):
        cluster.ensure_running()

        assert ask(cluster, "SHOW listen_addresses") == ""
        assert stays_unreadable(cluster.folder / "socket")
        assert stays_unreadable(cluster.data)
        assert "reject" in (cluster.data / "pg_hba.conf").read_text()

    @pytest.mark.parametrize(("durable", "setting"), [(True, "on"), (False, "off")])
    def test_gives_up_durability_only_when_told_to(self, make_cluster, durable, setting):
        cluster = make_cluster("cluster", durable=durable)
        cluster.ensure_running()

        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(cluster, f"SHOW {name}") == setting

    @pytest.mark.full
    def test_makes_one_cluster_when_eight_processes_race(self, place):
        cluster = Cluster(place / "cluster", durable=False)
        racers = [start_elsewhere(cluster) for _ in range(8)]
        answers = [racer.communicate(timeout=120)[0].split() for racer in racers]

        assert [racer.returncode for racer in racers] == [0] * 8
        assert sorted(started for started, _ in answers) == ["False"] * 7 + ["True"]
        assert {pid for _, pid in answers} == {str(cluster.pid())}
        assert ask(cluster, "SELECT count(*) FROM pg_database WHERE datname = 'shared'") == 1

    @pytest.mark.full
    def test_starts_one_server_when_they_race_after_a_crash(self, cluster):
        cluster.ensure_running()
        write_a_row(cluster)
        kill_all(cluster.data)

        racers = [start_elsewhere(cluster) for _ in range(4)]
        answers = [racer.communicate(timeout=120)[0].split()[0] for racer in racers]

        assert sorted(answers) == ["False"] * 3 + ["True"]
        assert ask(cluster, "SELECT value FROM kept") == "still here"

    @pytest.mark.full
    def test_starts_again_when_only_the_postmaster_was_killed(self, cluster):
        cluster.ensure_running()
        write_a_row(cluster)
        kill(cluster.pid())

        assert cluster.ensure_running() is True
        assert ask(cluster, "SELECT value FROM kept") == "still here"

    @pytest.mark.full
    def test_waits_for_a_server_that_is_stopping(self, cluster):
        cluster.ensure_running()
        os.kill(cluster.pid(), signal.SIGTERM)  # Waits for the clients; there are none.

        cluster.ensure_running()
        assert ask(cluster, "SELECT 1") == 1

    @pytest.mark.full
    def test_throws_away_what_a_killed_start_left(self, place):
        cluster = Cluster(place / "cluster", durable=False)
        (cluster.folder / "data.new" / "half").mkdir(parents=True)

        assert cluster.ensure_running() is True
        assert not (cluster.folder / "data.new").exists()


@pytest.mark.full
class TestStaleLockFiles:
    @pytest.fixture
    def bystander(self):
        """A living program that has nothing to do with PostgreSQL."""
        with subprocess.Popen(["/bin/sleep", "600"]) as process:
            yield process
            process.kill()

    @pytest.fixture
    def crashed(self, cluster):
        cluster.ensure_running()
        write_a_row(cluster)
        kill_all(cluster.data)
        return cluster

    def files(self, cluster: Cluster) -> list[Path]:
        return [cluster.data / "postmaster.pid", cluster.folder / "socket" / f"{sockets.SOCKET_NAME}.lock"]

    def test_a_stale_pid_does_not_keep_it_from_starting(self, crashed):
        assert all(path.exists() for path in self.files(crashed))

        assert crashed.ensure_running() is True
        assert ask(crashed, "SELECT value FROM kept") == "still here"

    def test_a_stale_pid_that_now_belongs_to_another_program_does_not_either(self, crashed, bystander):
        for path in self.files(crashed):
            _, *rest = path.read_text().splitlines(keepends=True)
            path.write_text(f"{bystander.pid}\n{''.join(rest)}")

        assert crashed.pid() is None
        assert crashed.ensure_running() is True
        assert ask(crashed, "SELECT value FROM kept") == "still here"
        assert bystander.poll() is None

    def test_a_stale_pid_file_that_lost_its_content_does_not_either(self, crashed):
        for path in self.files(crashed):
            path.write_text("")

        assert crashed.ensure_running() is True

    def test_the_files_of_a_server_that_hangs_are_left_alone(self, cluster, monkeypatch):
        cluster.ensure_running()
        monkeypatch.setattr(cluster_module, "START_SECONDS", 1)
        pid = cluster.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(NotAnswering, match=str(pid)):
                cluster.ensure_running()
            assert all(path.exists() for path in self.files(cluster))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert cluster.pid() == pid


@pytest.mark.full
class TestTheServer:
    def test_outlives_the_process_that_started_it(self, cluster):
        starter = start_elsewhere(cluster, start_new_session=True)
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("True")
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()

        assert ask(cluster, "SELECT 1") == 1

    @pytest.mark.skipif(not Path("/proc").exists(), reason="Reads /proc.")
    def test_keeps_nothing_of_it(self, cluster, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "must-not-travel")
        with (cluster.folder.parent / "inheritable").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            cluster.ensure_running()
        pid = cluster.pid()

        assert os.getsid(pid) != os.getsid(0)
        assert b"must-not-travel" not in Path(f"/proc/{pid}/environ").read_bytes()
        open_files = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [name for name in open_files if "inheritable" in name or name.startswith("/dev/pts")]
        assert str(cluster.folder / "lock") not in open_files


@pytest.mark.full
class TestLongPath:
    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster("long" * 25)

    def test_has_its_socket_in_a_short_private_folder(self, cluster):
        cluster.ensure_running()
        short = Path(cluster.address()["host"])

        assert len(str(short)) < 40
        assert stays_unreadable(short)
        assert ask(cluster, "SELECT 1") == 1

        cluster.stop()
        assert not short.exists()

    def test_finds_it_again_after_a_crash(self, cluster):
        cluster.ensure_running()
        kill_all(cluster.data)

        assert cluster.ensure_running() is True
        assert ask(cluster, "SELECT 1") == 1

    def test_survives_the_removal_of_the_short_folder(self, cluster):
        cluster.ensure_running()
        kill_all(cluster.data)
        shutil.rmtree(cluster.address()["host"])

        assert cluster.ensure_running() is True
        assert ask(cluster, "SELECT 1") == 1

    @only_for_root
    def test_does_not_trust_a_short_folder_of_somebody_else(self, cluster):
        cluster.ensure_running()
        kill_all(cluster.data)
        short = Path(cluster.address()["host"])
        os.chown(short, pwd.getpwnam(STRANGER).pw_uid, -1)

        with pytest.raises(FolderForbidden):
            cluster.address()
        shutil.rmtree(short)

    def test_a_comma_which_would_separate_hosts_is_as_bad_as_a_long_path(self, make_cluster):
        cluster = make_cluster("one, two")
        cluster.ensure_running()

        assert ask(cluster, "SELECT 1") == 1


@pytest.mark.full
class TestUnusableData:
    def test_of_another_major_version_is_named(self, cluster):
        cluster.ensure_running()
        cluster.stop()
        (cluster.data / "PG_VERSION").write_text("14\n")

        with pytest.raises(OtherVersion, match=r"PostgreSQL 14, and this release brings 18"):
            cluster.ensure_running()

    def test_that_is_none_is_left_alone(self, place):
        cluster = Cluster(place / "cluster", durable=False)
        cluster.data.mkdir(parents=True)
        (cluster.data / "letter.txt").write_text("dear")

        with pytest.raises(NotACluster):
            cluster.ensure_running()
        assert (cluster.data / "letter.txt").read_text() == "dear"

    @pytest.mark.parametrize("name", ["$PATH", "$(true)", "${HOME}", "a`b"])
    def test_in_a_folder_that_the_shell_would_misread_is_refused(self, make_cluster, name):
        with pytest.raises(PathUnusable, match="no folder on the way may contain"):
            make_cluster(name).ensure_running()

    def test_runs_in_a_folder_that_is_named_like_a_variable(self, place):
        cluster = Cluster(place / "$HOME at $work", durable=False)

        assert cluster.ensure_running()
        assert ask(cluster, "SHOW data_directory") == str(cluster.data)
        assert cluster.stop()

    def test_is_explained_in_the_servers_own_words(self, cluster):
        cluster.ensure_running()
        cluster.stop()
        with (cluster.data / "postgresql.conf").open("a") as file:
            file.write("nonsense = on\n")

        with pytest.raises(ProgramFailed, match="configuration file"):
            cluster.ensure_running()


@pytest.mark.full
class TestStop:
    def test_cuts_open_connections_and_leaves_no_process(self, cluster):
        cluster.ensure_running()
        with connect(cluster) as connection:
            assert cluster.stop() is True
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")

        assert server_processes(cluster.data) == []
        assert not list((cluster.folder / "socket").iterdir())

    def test_says_so_when_none_ran(self, cluster):
        assert cluster.stop() is False


class TestProcesses:
    @pytest.mark.full
    def test_without_proc_believe_the_pid_file_if_the_name_fits(self, cluster, monkeypatch):
        cluster.ensure_running()
        exists = Path.exists
        monkeypatch.setattr(Path, "exists", lambda self: self != Path("/proc/self/cwd") and exists(self))
        assert server_processes(cluster.data) == [cluster.pid()]

        kill_all(cluster.data)
        wait_until(lambda: server_processes(cluster.data) == [])
