"""Accounts that several requests change at the same moment: the row is locked before it is looked at."""

from contextlib import ExitStack

import pytest
from django.db import connection

from accounts.models import Account
from accounts.services import lock_accounts
from sequence.core.transactions import run_in_transaction
from tests.factories import PodFactory, set_balance
from tests.threads import (
    PATIENCE_SECONDS,
    Crew,
    in_background,
    in_open_transaction,
    wait_until_somebody_waits_for_a_lock,
)


@pytest.fixture
def pod(transactional_db, acme):
    return PodFactory(organization=acme, name="Rent")


class TestAtOnce:
    def race(self, request, change, pod):
        """Send a request while ``change`` of the pod is not yet committed."""

        def locked_change():
            lock_accounts(pod.id, organization_id=pod.organization_id)
            change()

        with ExitStack() as stack, in_open_transaction(locked_change):
            future = stack.enter_context(in_background(request))
            wait_until_somebody_waits_for_a_lock()
        return future.result(PATIENCE_SECONDS)

    def test_a_deletion_sees_the_money_that_arrives(self, api, pod):
        response = self.race(lambda: api.delete(f"/accounts/{pod.id}"), lambda: set_balance(pod, 500), pod)

        pod.refresh_from_db()
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "account_not_empty"
        assert (pod.balance_cents, pod.deleted_at) == (500, None)

    def test_an_edit_of_an_account_that_is_being_deleted_finds_nothing(self, api, pod):
        gone_at = pod.created_at

        response = self.race(
            lambda: api.patch(f"/accounts/{pod.id}", {"nickname": "Late"}),
            lambda: Account.objects.update(deleted_at=gone_at),
            pod,
        )

        pod.refresh_from_db()
        assert response.status_code == 404
        assert (pod.name, pod.deleted_at) == ("Rent", gone_at)

    def test_edits_of_different_fields_all_stay(self, api, pod):
        bodies = [{"nickname": "Home"}, {"icon": "key"}, {"description": "New"}]

        with Crew(3) as crew:
            answers = crew.at_once(*[lambda body=body: api.patch(f"/accounts/{pod.id}", body) for body in bodies])

        pod.refresh_from_db()
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert (pod.name, pod.icon, pod.description) == ("Home", "key", "New")

    def test_many_deletions_delete_once(self, api, pod):
        with Crew(10) as crew:
            answers = crew.all_at_once(lambda: api.delete(f"/accounts/{pod.id}"))

        assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9
        assert pod.events.filter(deleted_at__isnull=False).count() == 1


class TestLockAccounts:
    def test_in_opposite_orders_never_deadlock(self, pod, acme):
        other = PodFactory(organization=acme)

        def lock_both(*ids):
            for _ in range(50):
                run_in_transaction(lambda: lock_accounts(*ids, organization_id=acme.id))
            return "done"

        with connection.cursor() as cursor:
            cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            before = cursor.fetchone()
            with Crew(8) as crew:
                results = crew.at_once(*[lambda: lock_both(pod.id, other.id), lambda: lock_both(other.id, pod.id)] * 4)
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert cursor.fetchone() == before

        assert results == ["done"] * 8

    def test_returns_them_in_the_order_asked_for(self, pod, acme):
        other = PodFactory(organization=acme)

        for ids in [(pod.id, other.id), (other.id, pod.id)]:
            locked = run_in_transaction(lambda ids=ids: lock_accounts(*ids, organization_id=acme.id))
            assert [account.id for account in locked] == list(ids)
