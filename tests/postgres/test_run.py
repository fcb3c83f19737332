"""``./run`` and ``./test`` as a newcomer meets them: real starts in this checkout, with databases of their own."""

import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from sequence.local.launch import install
from sequence.local.launch.address import Address
from sequence.local.launch.install import ROOT
from sequence.local.launch.problem import LaunchProblem
from sequence.local.launch.serve import Welcome
from sequence.local.postgres.account import server_account
from sequence.local.postgres.binaries import bin_folder_for
from sequence.local.postgres.cluster import Cluster
from sequence.local.postgres.processes import server_processes
from tests.ports import free_port
from tests.postgres.conftest import IS_ROOT, Person, ask, connect, environment_for, processes_with, wait_until

pytestmark = pytest.mark.skipif(
    not install.is_installed(with_tests=True),
    reason="Would install anew, below the feet of these tests: use ./test.",
)

# A busy machine may take long; nothing here waits when all is well.
PATIENCE_SECONDS = 120

RUN = str(ROOT / "run")


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def started(environment: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """./run in a session of its own, as in a terminal, once it has said that it is there."""
    process = subprocess.Popen(  # noqa: S603
        RUN,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    told = []
    try:
        for line in process.stdout:
            told.append(line)
            if line.startswith("Sequence is running at"):
                break
        else:
            pytest.fail("".join(told))
        yield process
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    return True


def is_there(port: int) -> bool:
    try:
        return answers(port)
    except OSError:
        return False


def kill_all(mark: str, name: str) -> None:
    """Kill what was started and has the name on its command line, all at once."""
    found = [pid for pid in processes_with(mark) if name in Path(f"/proc/{pid}/cmdline").read_text()]
    assert found
    for pid in found:
        os.kill(pid, signal.SIGKILL)


def echo_once(server: socket.socket) -> None:
    line, _ = server.accept()
    with line:
        asked = line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + asked)


def refused(**variables: str) -> str:
    """Return the one line that ./run refuses with."""
    environment = {**os.environ, "DATABASE_URL": "", **variables}
    done = subprocess.run(  # noqa: S603
        RUN, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


class TestRun:
    @pytest.mark.full
    def test_serves_until_ctrl_c_and_keeps_the_data_for_the_next_time(self, cluster, port, tmp_path):
        environment = environment_for(cluster.folder, PORT=str(port))
        with started(environment, tmp_path) as run:
            assert answers(port)
            with connect(cluster, "sequence") as connection:
                connection.execute("CREATE TABLE kept AS SELECT 'still here' AS value")
            os.killpg(run.pid, signal.SIGINT)
            assert run.wait(timeout=PATIENCE_SECONDS) == 0
        assert processes_with(f"POSTGRES_DIR={cluster.folder}") == []
        assert server_processes(cluster.data) == []

        with started(environment, tmp_path) as run:
            assert ask(cluster, "SELECT value FROM kept", "sequence") == "still here"
            for name in ("granian", "run_worker"):
                kill_all(f"POSTGRES_DIR={cluster.folder}", name)
            wait_until(lambda: is_there(port))
            assert run.poll() is None
            run.terminate()
            assert run.wait(timeout=PATIENCE_SECONDS) == 0
        assert processes_with(f"POSTGRES_DIR={cluster.folder}") == []
        assert server_processes(cluster.data) == []

    @pytest.mark.long
    def test_leaves_nothing_behind_but_the_database_when_it_is_killed(self, cluster, port, tmp_path):
        environment = environment_for(cluster.folder, PORT=str(port))
        with started(environment, tmp_path) as run:
            run.kill()
        wait_until(lambda: processes_with(f"POSTGRES_DIR={cluster.folder}") == [])

        with started(environment, tmp_path):
            assert answers(port)

    @pytest.mark.long
    def test_leaves_a_server_running_that_ran_before(self, cluster, port, tmp_path):
        cluster.ensure_running()
        with started(environment_for(cluster.folder, PORT=str(port)), tmp_path) as run:
            os.killpg(run.pid, signal.SIGINT)
            assert run.wait(timeout=PATIENCE_SECONDS) == 0
        assert cluster.is_answering()

    @pytest.mark.full
    def test_runs_from_a_path_with_spaces_and_without_standard_input(self, cluster, port, place):
        checkout = place / "my own checkout"
        checkout.symlink_to(ROOT)
        command = f"cd / && exec '{checkout}/run' --help <&-"
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stderr
        assert "DATABASE_URL" in done.stdout

    def test_refuses_a_port_that_is_taken(self, place):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            line = refused(PORT=str(port), POSTGRES_DIR=str(place / "cluster"))

        assert line.startswith(f"Port {port} is taken")
        assert not (place / "cluster").exists()

    @pytest.mark.long
    def test_refuses_a_port_that_another_start_is_about_to_take(self, place, port):
        with Address("127.0.0.1", port).hold():
            line = refused(PORT=str(port), POSTGRES_DIR=str(place / "cluster"))

        assert line.startswith(f"Port {port} is taken")
        assert not (place / "cluster").exists()

    def test_refuses_a_port_that_is_none(self):
        assert "PORT must be a number" in refused(PORT="eighty")
        assert "PORT must be a number" in refused(PORT="65536")

    def test_refuses_a_host_that_is_not_here(self):
        assert "HOST" in refused(HOST="no such host")

    @pytest.mark.long
    def test_refuses_a_database_that_cannot_be_reached(self, port):
        line = refused(PORT=str(port), DATABASE_URL="postgres://me:secret@127.0.0.1:1/mine")

        assert "127.0.0.1" in line
        assert "Connection refused" in line
        assert "secret" not in line

    def test_refuses_an_old_python_and_none_at_all(self, tmp_path):
        old = tmp_path / "python3"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)

        assert f"{old} is too old" in refused(PYTHON=str(old))
        assert "/no/python was not found" in refused(PYTHON="/no/python")

    def test_refuses_a_python_without_ensurepip(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

        with pytest.raises(LaunchProblem, match="apt install python3-venv"):
            install._make_venv()

    @pytest.mark.long
    @pytest.mark.skipif(not IS_ROOT, reason="Only root can take on other accounts.")
    def test_refuses_a_checkout_of_somebody_else(self, person: Person, place, port):
        done = subprocess.run(  # noqa: S603
            RUN,
            env=environment_for(place / "new", PORT=str(port), PYTHON=person.python),
            capture_output=True,
            text=True,
            check=False,
            **person.switch,
        )

        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "belongs to root" in done.stderr


class TestWelcome:
    def test_tells_the_key_the_login_and_three_things_to_do_next(self):
        demo = {"organization": "Acme", "api_key": "sk_1", "staff_username": "ann", "staff_password": "pw"}
        text = Welcome(Address("0.0.0.0", 8001), demo, "").text()  # noqa: S104

        assert "http://127.0.0.1:8001 " in text
        assert "API key of Acme:  sk_1" in text
        assert "agent" not in text
        assert "ann / pw" in text
        assert '    curl -X POST "$SERVER/api/v1/transfers"' in text
        assert "  2. See" in text
        assert "http://127.0.0.1:8001/docs/guides" in text

    def test_tells_the_agents_key_where_there_is_one(self):
        demo = {"organization": "Acme", "api_key": "sk_1", "agent_api_key": "sk_2"}

        assert "held short:  sk_2" in Welcome(Address("127.0.0.1", 8001), demo, "").text()

    def test_is_not_awaited_forever(self, port, monkeypatch):
        welcome = Welcome(Address("127.0.0.1", port), {}, "")
        welcome.once_ready()
        monkeypatch.setattr(welcome, "deadline", 0)

        with pytest.raises(LaunchProblem, match="everything is stopped"):
            welcome.once_ready()

    def test_is_not_told_of_another_server(self, capsys):
        """Of one that answers every request with what it knows: the request."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            welcome = Welcome(Address(*other.getsockname()), {}, "secret")
            impostor = threading.Thread(target=echo_once, args=[other])
            impostor.start()
            welcome.once_ready()
            impostor.join()

        assert not welcome.is_told
        assert capsys.readouterr().out == ""

    def test_keeps_quiet_about_secrets_that_it_does_not_know(self):
        demo = {"organization": "Acme", "api_key": None, "staff_username": "ann", "staff_password": None}

        assert "None" not in Welcome(Address("::1", 8000), demo, "").text()
        assert "http://[::1]:8000 " in Welcome(Address("::1", 8000), {}, "").text()


@pytest.mark.long
class TestAnExistingServer:
    @pytest.fixture
    def url(self, cluster: Cluster, port: int) -> Callable[..., str]:
        """A server that asks for passwords over TCP, with a superuser and a role that may do next to nothing."""
        account = server_account(cluster.data)
        with (cluster.data / "pg_hba.conf").open("w") as rules:
            rules.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories="
        log = cluster.data / "server.log"
        pg_ctl = bin_folder_for(account) / "pg_ctl"
        socket_folder = cluster.folder / "socket"
        account.run(pg_ctl, "start", "-w", "-D", cluster.data, "-l", log, "-o", options + str(socket_folder))
        with psycopg.connect(
            host=str(socket_folder), port=port, user="sequence", dbname="postgres", autocommit=True
        ) as server:
            server.execute("CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'strong'")
            server.execute("CREATE ROLE plain LOGIN PASSWORD 'weak'")
            server.execute("CREATE DATABASE plains OWNER plain")
            server.execute("CREATE DATABASE strangers")
        return lambda role, name: f"postgres://{role}@127.0.0.1:{port}/{name}"

    @pytest.mark.parametrize(
        ("role", "name"), [("postgres:strong", "not_there_yet"), ("plain:weak", "plains")], ids=["superuser", "plain"]
    )
    def test_is_used_and_left_alone(self, url, role, name, tmp_path, place):
        web = Address("127.0.0.1", free_port())
        environment = environment_for(place / "unused", PORT=str(web.port), DATABASE_URL=url(role, name))
        with started(environment, tmp_path) as run:
            assert answers(web.port)
            os.killpg(run.pid, signal.SIGINT)
            assert run.wait(timeout=PATIENCE_SECONDS) == 0

        assert not (place / "unused").exists()
        with psycopg.connect(url(role, name)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_without_the_database_is_explained_to_a_plain_role(self, url):
        line = refused(DATABASE_URL=url("plain:weak", "not_there_yet"), PORT="8999")

        assert "CREATE DATABASE not_there_yet OWNER plain" in line

    def test_with_a_database_that_is_closed_to_the_role_is_explained(self, url):
        assert "ALTER DATABASE strangers OWNER TO plain" in refused(
            DATABASE_URL=url("plain:weak", "strangers"), PORT="8999"
        )

    def test_with_another_password_is_explained(self, url):
        assert "password authentication failed" in refused(DATABASE_URL=url("plain:wrong", "plains"), PORT="8999")


@pytest.mark.long
class TestTest:
    def test_returns_pytests_exit_code_and_stops_its_database(self, cluster):
        done = subprocess.run(  # noqa: S603
            [str(ROOT / "test"), "-n", "0", "-q", "--no-header", "-k", "no_test_has_this_name", "tests/postgres"],
            env=environment_for(cluster.folder),
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
        assert (cluster.data / "server.log").exists()
        assert server_processes(cluster.data) == []
