"""What workers say to the database when they work for one organization: its name in each statement, as requests do.

On one machine they do not: a batch of a hundred rows costs what one would, so it takes what is due, whosever it is.
Where organizations are spread over many machines, a worker goes from one to the next: see ``sequence.core.rounds``.
"""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from sequence.core.worker import run_once
from tests.scaling.naming import looking_at_each

# What goes to all machines, by a part of its text: what may be due, and whose it is. It locks nothing.
TO_ALL = ("IS NOT NULL, (SELECT", 'AS "organization_id" FROM', '"sequence_webhookendpoint"."organization_id" AS')


@pytest.fixture(scope="class")
def said(houses, said):
    """All that sweeps and deliveries said for each house, while the other had as much to be done."""
    for minutes in (1, 2):
        with override_settings(WORK_BY_ORGANIZATION=True), looking_at_each(said):
            assert run_once(timezone.now() + timedelta(minutes=minutes))
        for house in houses:
            house.make_work()
    return said


@pytest.mark.django_db
class TestWorkers:
    def test_name_the_organization_that_they_work_for(self, said):
        assert [statements.seen > 300 for statements in said] == [True, True]
        assert [statements.unnamed for statements in said] == [[], []]

    def test_name_no_other(self, said):
        assert [statements.of_others for statements in said] == [[], []]

    def test_say_nothing_else_but_what_goes_to_all(self, said):
        [statements, _] = said

        assert [one for one in statements.nobodys if not any(part in one for part in TO_ALL)] == []
        assert all(any(part in one for one in statements.nobodys) for part in TO_ALL)
