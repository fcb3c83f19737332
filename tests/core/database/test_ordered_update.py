"""Updates of many rows: nobody who locks by id is kept waiting by one who waits for him."""

import threading
from contextlib import contextmanager

import pytest
from django.db import transaction

from accounts.models import Account
from sequence.core.database.ordered_update import update_in_id_order
from tests.factories import PodFactory
from tests.threads import PATIENCE_SECONDS, in_background, wait_until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pods(acme) -> list[str]:
    """Four pods' ids, smallest first; the table holds them the other way round."""
    ids = sorted(PodFactory.build(organization=acme).id for _ in range(4))
    for id in reversed(ids):
        PodFactory(organization=acme, id=id)
    return ids


def lock(id, **options):
    Account.objects.select_for_update(no_key=True, **options).get(id=id)


class TestUpdateInIdOrder:
    def test_waits_for_the_first_row_before_it_holds_the_last(self, pods):
        update = lambda: update_in_id_order(Account.objects.filter(id__in=pods), description="new")  # noqa: E731
        with in_background_after_lock(pods[0], update) as updated:
            lock(pods[-1], nowait=True)
        assert updated.result() == 4

    def test_leaves_alone_what_stopped_matching_while_it_waited(self, pods):
        unnamed = Account.objects.filter(id__in=pods, description=None)
        with in_background_after_lock(pods[0], lambda: update_in_id_order(unnamed, description="new")) as updated:
            Account.objects.filter(id=pods[0]).update(description="mine")
        assert updated.result() == 3
        assert Account.objects.get(id=pods[0]).description == "mine"


@contextmanager
def in_background_after_lock(id, work):
    """Lock the row, begin ``work`` in another thread, which comes to wait for it, and commit after the block."""
    may_begin = threading.Event()

    def begin():
        may_begin.wait(PATIENCE_SECONDS)
        return work()

    with in_background(begin) as outcome, transaction.atomic():
        lock(id)
        may_begin.set()
        wait_until_somebody_waits_for_a_lock()
        yield outcome
