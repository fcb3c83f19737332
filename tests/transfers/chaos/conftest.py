"""Short by default, long with --full."""

import pytest
from django.db import connection

from tests.transfers.chaos.site import Site, database_url


@pytest.fixture
def is_full(request) -> bool:
    return request.config.getoption("full")


@pytest.fixture
def site(transactional_db, tmp_path):
    """Web and worker processes on the tests' database."""
    connection.ensure_connection()
    with Site(database_url(), tmp_path / "site.log") as site:
        yield site
