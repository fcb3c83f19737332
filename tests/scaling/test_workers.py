"""What workers say to the database when they work for one organization: its name in each statement, as requests do.

On one machine they do not: a batch of a hundred rows costs what one would, so it takes what is due, whosever it is.
Where organizations are spread over many machines, a worker goes from one to the next: see
``sequence.core.sweeps.only_for``.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from sequence.core.sweeps import only_for
from sequence.core.worker import run_once
from tests.scaling.naming import looking

# Statements by a part of their text, and why they name none of some table.
EXCEPTIONS = {
    "IS NOT NULL, (SELECT": "what may be due: it goes to all machines, reads a row of each index, and locks nothing",
}


@pytest.fixture(scope="class")
def said(houses, said):
    """All that sweeps and deliveries said for each house, while the other had as much to be done."""
    for minutes in (1, 2):
        for house, statements in zip(houses, said, strict=True):
            with only_for(house.organization.id), looking(statements):
                assert run_once(timezone.now() + timedelta(minutes=minutes))
        for house in houses:
            house.make_work()
    return said


@pytest.mark.django_db
class TestWorkers:
    def test_name_the_organization_that_they_work_for(self, said):
        for statements in said:
            assert statements.seen > 300
            unnamed = set(statements.unnamed)
            assert [one for one in unnamed if not any(part in one.statement for part in EXCEPTIONS)] == []

    def test_name_no_other(self, said):
        assert [statements.of_others for statements in said] == [[], []]

    def test_need_the_exceptions(self, said):
        unnamed = [one for statements in said for one in statements.unnamed]

        assert all(any(part in one.statement for one in unnamed) for part in EXCEPTIONS)
