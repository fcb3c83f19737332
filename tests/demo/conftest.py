"""A household that has lived through a year, made once for a module: it takes seconds."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from sequence.core import clock
from sequence.demo.period import YEAR_DAYS
from sequence.demo.seeding import make_demo
from tests.database import rolled_back
from tests.demo.moments import NOW


def make_demo_at(now: datetime, *, days: int = YEAR_DAYS, tell: Callable[[str], None] = lambda line: None) -> Any:
    """Make a demo as if it were ``now``. What PostgreSQL checks at a commit is checked at once."""
    with clock.stopped_at(now):
        credentials = make_demo(actor="command:seed_demo:tester", days=days, tell=tell)
    connection.check_constraints()
    return credentials


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker) -> Iterator[dict[str, Any]]:
    """The demo's credentials. What a test changes of the demo is undone by its ``db``, which is a savepoint here."""
    with rolled_back(django_db_blocker):
        yield make_demo_at(NOW)
