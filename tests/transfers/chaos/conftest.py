"""A site: web and worker processes that can be killed. It takes seconds, so most of it waits for --full."""

import shutil
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from tests.transfers.chaos.site import Site, database_url
from tests.transfers.chaos.standby import Standby
from tests.transfers.chaos.world import World


@pytest.fixture
def site(transactional_db, tmp_path):
    """Web and worker processes on the tests' database."""
    connection.ensure_connection()
    with Site(database_url(), tmp_path / "site.log") as site:
        yield site


@pytest.fixture
def folder():
    """A folder that every account may enter: where root runs the tests, servers run as another one."""
    folder = Path(tempfile.mkdtemp(prefix="sequence-chaos-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def world(folder):
    world = World(folder / "world")
    yield world
    world.cluster.stop()


@pytest.fixture
def standby(world, folder):
    standby = Standby(world, folder / "standby")
    yield standby
    standby.cluster.stop()
