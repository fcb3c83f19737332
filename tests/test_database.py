"""The tests' own database: what one test commits, no other finds."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from apikeys.models import Organization
from sequence.core.admin.groups import NAMES
from tests.database import Broom
from tests.factories import IncomeSourceFactory
from tests.transfers.steps import fund
from transfers.models import Posting


@pytest.mark.as_owner
@pytest.mark.django_db(transaction=True)
class TestBroom:
    def test_sweeps_away_what_was_committed_the_ledger_and_its_trail_too(self):
        broom = Broom()
        fund(IncomeSourceFactory(), 10_00)

        assert Posting.objects.exists()
        assert broom.sweep()
        assert not Organization.objects.exists()
        with connection.cursor() as cursor:
            assert {table: broom._fingerprint(cursor, table) for table in broom._filled(cursor)} == broom.furniture

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda: Group.objects.filter(name=NAMES[0]).update(name="others"),
            lambda: Permission.objects.first().delete(),
            lambda: Group.objects.first().permissions.clear(),
        ],
        ids=["renamed", "deleted", "taken away"],
    )
    def test_tells_that_something_is_not_as_it_was(self, break_it):
        broom = Broom()
        break_it()

        assert not broom.sweep()

    # Whatever the order of these tests is, one that broke something may have been before.
    @pytest.mark.parametrize("number", range(3))
    def test_leaves_the_groups_of_a_migration(self, number):
        assert set(Group.objects.values_list("name", flat=True)) == set(NAMES)
        assert all(group.permissions.exists() for group in Group.objects.all())
        Group.objects.all().delete()
