import os
import subprocess
import sys

import pytest

from sequence.local.launch.install import ROOT
from tests.postgres.conftest import ask, environment_for

# The engine and nothing else: the tables of the applications would only take time.
BARE_SETTINGS = """
from sequence.settings import DATABASES
DATABASES["default"].update(DATABASES["default"]["OWNER"])
SECRET_KEY = "any"
"""

TEST_WITH_A_DATABASE = """
import threading
import pytest
from django.db import connection, connections

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(4))
def test_many_threads(number):
    names = []

    def connect():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            names.append(cursor.fetchone()[0])
        connections.close_all()

    threads = [threading.Thread(target=connect) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names) == {connection.settings_dict["NAME"]}
    assert len(names) == 50
    assert names[0].startswith("test_sequence_gw")
"""


def run_python(cluster, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = environment_for(cluster.folder, **variables)
    command = [sys.executable, *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def manage(cluster, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python(cluster, "manage.py", *arguments, **variables)


class TestTheEngine:
    @pytest.mark.full
    def test_starts_the_server_and_makes_the_database_on_the_first_connection(self, cluster):
        done = manage(cluster, "migrate", "--verbosity=0")

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert ask(cluster, "SELECT count(*) FROM pg_database WHERE datname = 'sequence'") == 1

    @pytest.mark.full
    def test_comes_back_after_a_crash_in_the_same_process(self, cluster):
        script = """
import django, os, signal
django.setup()
from django.db import connection
connection.ensure_connection()
os.kill(connection.cluster.pid(), signal.SIGKILL)
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
    print(cursor.fetchone())
"""
        done = run_python(cluster, "-c", script, DJANGO_SETTINGS_MODULE="sequence.settings")
        assert done.stdout == "(1,)\n", done.stderr

    @pytest.mark.full
    def test_serves_test_databases_of_several_processes_with_fifty_threads_each(self, cluster, tmp_path):
        (tmp_path / "bare_settings.py").write_text(BARE_SETTINGS)
        (tmp_path / "test_threads.py").write_text(TEST_WITH_A_DATABASE)
        plugins = ("-p", "xdist.plugin", "-p", "pytest_django.plugin", "-p", "no:cacheprovider")
        options = (*plugins, "-c", "pyproject.toml", "--ds", "bare_settings", "-n", "4", "-q", str(tmp_path))
        variables = {"PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = run_python(cluster, "-m", "pytest", *options, **variables)

        assert "4 passed" in done.stdout, done.stdout + done.stderr
        assert ask(cluster, "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'") == 0


@pytest.mark.full
class TestThePostgresCommand:
    def test_starts_tells_about_and_stops_the_server(self, cluster):
        asleep = manage(cluster, "postgres", "status")
        started = manage(cluster, "postgres", "start")
        pid = str(cluster.pid())
        awake = manage(cluster, "postgres", "status")
        stopped = manage(cluster, "postgres", "stop")

        assert (asleep.returncode, started.returncode, awake.returncode, stopped.returncode) == (3, 0, 0, 0)
        assert asleep.stdout.startswith("Not running.")
        for told in (f"pid {pid}", "PostgreSQL 18", str(cluster.data), str(cluster.folder / "socket")):
            assert told in awake.stdout
        assert cluster.pid() is None

    def test_opens_psql_from_the_wheel(self, cluster):
        options = ("--", "--no-psqlrc", "--tuples-only", "--no-align", "-c", "SELECT current_database()")
        for command in (("postgres", "psql"), ("dbshell",)):
            done = manage(cluster, *command, *options, PATH=os.defpath)
            assert (done.returncode, done.stdout) == (0, "sequence\n"), done.stderr

    def test_has_nothing_to_do_with_an_existing_server(self, cluster):
        done = manage(cluster, "postgres", "start", DATABASE_URL="postgres://me@127.0.0.1:1/mine")

        assert done.returncode == 1
        assert done.stderr.startswith("CommandError: DATABASE_URL names an existing server")


class TestManage:
    @pytest.mark.full
    @pytest.mark.parametrize("command", ["migrate", "dbshell"])
    def test_tells_in_one_line_that_the_embedded_server_cannot_start(self, cluster, command):
        (cluster.data / "PG_VERSION").write_text("14\n")
        done = manage(cluster, command)

        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "PostgreSQL 14" in done.stderr

    @pytest.mark.full
    def test_tells_in_one_line_that_a_named_server_does_not_answer(self, cluster):
        done = manage(cluster, "migrate", DATABASE_URL="postgres://me:secret@127.0.0.1:1/mine")

        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "Connection refused" in done.stderr
        assert "secret" not in done.stderr
