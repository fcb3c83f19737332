"""How long either end of a connection to the database waits for the other: see also chaos/test_cut_network.py."""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from sequence.database_line import OURS, SERVERS, bounded
from sequence.local.launch.install import ROOT

TELL = """
import django, json
django.setup()
from django.conf import settings
print(json.dumps({name: database["OPTIONS"] for name, database in settings.DATABASES.items()}))
"""


def options_of_a_process(**environment: str) -> dict[str, dict]:
    names = {"DJANGO_SETTINGS_MODULE": "sequence.settings", **environment}
    command = [sys.executable, "-c", TELL]
    return json.loads(subprocess.check_output(command, cwd=ROOT, env={**os.environ, **names}, text=True))  # noqa: S603


class TestBounded:
    def test_lets_what_the_url_says_stand(self):
        given = {"connect_timeout": "2", "options": "-c work_mem=4MB", "sslmode": "verify-full"}

        options = bounded(given, is_shared=False)
        assert options.pop("options").split(" -c ")[1:] == [
            *(f"{name}={value}" for name, value in list(SERVERS.items())[1:]),
            "work_mem=4MB",
        ]
        assert options == OURS | {"connect_timeout": "2", "sslmode": "verify-full"}

    def test_lets_the_url_say_another_time_for_the_server(self):
        """The last word counts with PostgreSQL."""
        mine = "-c idle_in_transaction_session_timeout=5s"

        assert bounded({"options": mine}, is_shared=False)["options"].endswith(mine)

    def test_asks_nothing_of_a_poolers_server(self):
        assert bounded({}, is_shared=True) == OURS
        assert bounded({"options": "-c work_mem=4MB"}, is_shared=True) == OURS | {"options": "-c work_mem=4MB"}


class TestConnections:
    @pytest.mark.django_db
    def test_end_where_their_transaction_is_left_alone(self):
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("30s",)

    def test_of_every_kind_have_bounds(self):
        url = "postgres://me:x@a,b/money"
        databases = options_of_a_process(DATABASE_URL=url, REPLICA_URL=f"{url}?keepalives_idle=7")

        assert [each["tcp_user_timeout"] for each in databases.values()] == [15_000, 15_000]
        assert all("idle_in_transaction_session_timeout=30s" in each["options"] for each in databases.values())
        # Whoever asks the replica is also served without it.
        assert [each["connect_timeout"] for each in databases.values()] == [5, 2]
        assert [each["keepalives_idle"] for each in databases.values()] == [10, "7"]
        assert [each["server_side_binding"] for each in databases.values()] == [True, True]
