"""What tests of clusters share."""

from pathlib import Path

import pytest

from sequence.local.postgres.cluster import Cluster
from tests.postgres.conftest import IS_ROOT, connect

only_for_root = pytest.mark.skipif(not IS_ROOT, reason="Only root can take on other accounts.")


ENSURE_RUNNING = """
import sys
from pathlib import Path
from typing import Any
from sequence.local.postgres.cluster import Cluster

cluster = Cluster(Path(sys.argv[1]), durable=False)
print(cluster.ensure_running(), cluster.pid(), flush=True)
cluster.ensure_database("shared")
"""


def write_a_row(cluster: Cluster) -> None:
    with connect(cluster) as connection:
        connection.execute("SET synchronous_commit = on")  # A killed server may forget other commits.
        connection.execute("CREATE TABLE kept (value text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")


def stays_unreadable(folder: Path) -> bool:
    return folder.stat().st_mode & 0o777 == 0o700
