"""A site: web and worker processes that can be killed. It takes seconds, so most of it waits for --full."""

import pytest
from django.db import connection

from tests.transfers.chaos.site import Site, database_url


@pytest.fixture
def site(transactional_db, tmp_path):
    """Web and worker processes on the tests' database."""
    connection.ensure_connection()
    with Site(database_url(), tmp_path / "site.log") as site:
        yield site
