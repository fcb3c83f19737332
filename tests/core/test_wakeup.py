"""Wake-up of the workers: whoever makes work for them says so, after the commit and in a statement of its own."""

import threading
from contextlib import suppress
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from sequence.core import wakeup
from sequence.core.wakeup import CHANNEL, QUIET_SECONDS, wake_workers
from sequence.core.worker import Worker, run_once
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write_enabled
from tests.threads import Crew
from tests.transfers.steps import fund, transfer_between
from transfers import services, simulated_rail_control
from transfers.models import Origin, Status

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60
UP_TO_HERE = "up to here"


@pytest.fixture(autouse=True)
def _rested():
    wakeup._last_sent = float("-inf")


@pytest.fixture
def heard():
    """Return a function: whether workers were woken since it was called last."""
    listener = psycopg.connect(**psycopg_parameters(), autocommit=True)
    listener.execute(f"LISTEN {CHANNEL}")

    def is_heard() -> bool:
        """Look at all that came before a notification of our own: they come in the order of their commits."""
        wakeup._last_sent = float("-inf")
        listener.execute(f"NOTIFY {CHANNEL}, '{UP_TO_HERE}'")
        for count, notification in enumerate(listener.notifies(timeout=PATIENCE_SECONDS)):
            if notification.payload == UP_TO_HERE:
                return count > 0
        raise AssertionError("Not even our own notification came.")

    yield is_heard
    listener.close()


def psycopg_parameters() -> dict:
    connection.ensure_connection()
    return {**connection.connection.info.get_parameters(), "password": connection.connection.info.password}


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme)
    fund(account, 900_00)
    return account


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme)


class TestWhoeverMakesWork:
    def test_asks_for_a_transfer(self, heard, api, income, pod):
        heard()
        transfer_between(api, income, pod, 1_00)

        assert heard()

    def test_approves_one(self, heard, client_with, income, pod):
        transfer = transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, pod, 1_00)
        heard()

        services.approve_transfer(transfer_id=transfer.id, by="ann")

        assert heard()

    def test_tells_of_a_deposit(self, heard, income):
        heard()
        services.deposit(account_id=income.id, amount_cents=1_00, origin=Origin.PAYCHECK, by="test")

        assert heard()

    def test_triggers_a_rule(self, heard, api, income, pod):
        made = write_enabled(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id)))
        heard()

        assert api.post(f"/rules/{made.id}/trigger", {}).status_code == 202

        assert heard()

    def test_ends_a_simulated_payment(self, heard, acme, api, income):
        transfer = transfer_between(api, income, ExternalAccountFactory(organization=acme), 1_00)
        run_once()
        heard()

        assert simulated_rail_control.settle_payment(transfer.id).status == Status.COMPLETE

        assert heard()


class TestWakeUp:
    def test_comes_after_the_commit(self, api, income, pod):
        with CaptureQueriesContext(connection) as captured:
            transfer_between(api, income, pod, 1_00)

        statements = [query["sql"] for query in captured]
        assert statements.index("COMMIT") < statements.index(f"NOTIFY {CHANNEL}")
        assert sum("notify" in statement.lower() for statement in statements) == 1

    def test_is_sent_by_nothing_inside_the_database(self):
        """There it would hold the one lock on the queue of notifications until the commit is on the disk."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE prosrc ILIKE %s",
                ["%notify%"],
            )
            assert cursor.fetchall() == []

    def test_is_not_sent_for_what_was_undone(self, heard):
        heard()
        with transaction.atomic():
            wake_workers()
            transaction.set_rollback(True)

        assert not heard()

    def test_is_sent_once_for_many_commits(self, monkeypatch):
        moments = iter([1.0, 1.0 + QUIET_SECONDS / 2, 1.0 + QUIET_SECONDS * 2])
        monkeypatch.setattr(wakeup, "time", SimpleNamespace(monotonic=lambda: next(moments)))

        with CaptureQueriesContext(connection) as captured:
            for _ in range(3):
                wake_workers()

        assert len(captured) == 2

    def test_that_fails_does_not_undo_an_answer(self, monkeypatch, api, income, pod):
        monkeypatch.setattr(wakeup, "CHANNEL", "not a name")

        assert transfer_between(api, income, pod, 1_00).status == Status.PROCESSING


class TestAConnectionThatCannotListen:
    def test_is_used_all_the_same(self, monkeypatch, caplog):
        monkeypatch.setattr(wakeup, "CHANNEL", "not a name")

        wakeup.listen()

        assert "wake_ups_are_not_heard" in caplog.text
        assert not wakeup.wait_for_wakeup(0.01)

    def test_is_not_asked_to_where_a_pooler_lends_it(self, settings):
        settings.DATABASE_CONNECTIONS_ARE_SHARED = True
        with CaptureQueriesContext(connection) as captured:
            wakeup.listen()

        assert not captured.captured_queries


class TestWorker:
    def test_looks_once_more_after_it_was_woken(self, monkeypatch):
        """What was committed within QUIET_SECONDS after a wake-up sends none of its own."""
        looked, woken = threading.Event(), threading.Event()
        calls = []

        def sweep(now):
            calls.append(now)
            woken.set()
            if len(calls) == 3:
                looked.set()
            return 0

        monkeypatch.setattr("sequence.wiring.SWEEPS", [sweep])
        monkeypatch.setattr("sequence.wiring.CHORES", [])
        monkeypatch.setattr("sequence.core.worker.SWEEP_EVERY_SECONDS", PATIENCE_SECONDS)
        monkeypatch.setattr("sequence.core.worker.signal.signal", lambda *_: None)
        worker = Worker()
        with Crew(1) as crew:
            future = crew.pool.submit(worker.run)
            assert woken.wait(PATIENCE_SECONDS)
            wake_workers()
            assert looked.wait(PATIENCE_SECONDS / 2)
            worker.stop()
            wakeup._last_sent = float("-inf")
            wake_workers()
            future.result(PATIENCE_SECONDS)


class TestOnceInATransaction:
    @pytest.fixture
    def sent(self, monkeypatch):
        """How often workers were woken, however soon one time follows another."""
        times = []
        monkeypatch.setattr(wakeup, "_notify", lambda: times.append(1))
        return times

    def test_is_enough(self, sent):
        with transaction.atomic():
            wake_workers()
            with transaction.atomic():
                wake_workers()
        assert len(sent) == 1

    def test_is_enough_after_a_part_that_asked_for_it_too(self, sent):
        with transaction.atomic():
            with transaction.atomic():
                wake_workers()
            wake_workers()
        assert len(sent) == 1

    def test_is_not_undone_with_what_asked_for_it_first(self, sent):
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic():
                wake_workers()
                raise ZeroDivisionError
            wake_workers()
        assert len(sent) == 1
