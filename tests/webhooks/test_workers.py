"""Several workers, workers that die, and endpoints that are slow: nothing is lost, and nobody waits for another."""

import os
import random
import signal
import threading
import time
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from sequence.core.events.models import Event
from sequence.core.events.numbering import number_events
from sequence.core.worker import run_once, sweep_all
from sequence.webhooks import dispatcher as module
from sequence.webhooks import queue, sending
from sequence.webhooks.dispatcher import Dispatcher
from sequence.webhooks.models import PendingDelivery, WebhookDelivery
from sequence.webhooks.queue import CLAIM, claim_due, fan_out
from tests.factories import IncomeSourceFactory, PodFactory
from tests.threads import Crew
from tests.transfers.steps import fund, transfer_between
from tests.webhooks.conftest import Receiver, answer, receiving
from transfers.models import Status, Transfer

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


def killed_worker(before_statement):
    """Let a process of its own do all that is due, killed before one of its statements: any gap can be hit."""
    pid = os.fork()
    if pid == 0:
        _work_until_killed(before_statement)
    os.waitpid(pid, 0)


def _work_until_killed(before_statement):
    left = before_statement

    def count_down(execute, sql, params, many, context):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    try:
        connection.connection = None  # The parent's, which goes on using it.
        sending.USER_AGENT = f"worker/{os.getpid()}"
        with connection.execute_wrapper(count_down):
            run_once()
    finally:
        os._exit(0)


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "It never came to be so."
        time.sleep(0.01)


def queue_all():
    while number_events(timezone.now()) or fan_out(timezone.now()):
        pass


@pytest.fixture
def dispatcher():
    """A dispatcher at work in its own thread, as a worker has one."""
    made = Dispatcher()
    made.start()
    yield made
    made.stop()


class TestKills:
    def test_of_workers_and_of_the_receiver_lose_nothing(self, endpoint_at, happen, by_length):
        kills = by_length(6, 20, 200)
        seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))  # noqa: S311
        chance = random.Random(seed)  # noqa: S311 - chance, not a secret
        receiver, taken = Receiver(), set()

        def take(handler, received):
            answer(204)(handler, received)
            taken.add(received.json["sequence"])

        def kill_the_worker(handler, received):
            os.kill(int(received.headers["user-agent"].rpartition("/")[2]), signal.SIGKILL)

        with receiving(receiver):
            endpoint_at(receiver.url)
        for kill in range(kills):
            happen(3)
            # In turn: a receiver that is away, a worker killed at a statement, and one killed by its own request.
            with receiving(receiver, receiver.port) if kill % 3 else nullcontext():
                receiver.behave = take if kill % 3 == 1 else kill_the_worker
                killed_worker(chance.randint(1, 60) if kill % 3 != 2 else 0)
        receiver.behave = take
        with receiving(receiver, receiver.port):
            now = timezone.now()
            for _ in range(12):
                now += timedelta(hours=9)
                run_once(now)

        assert taken == set(range(1, 3 * kills + 1)), f"CHAOS_SEED={seed}"
        assert not PendingDelivery.objects.exists()

    def test_leave_a_claim_that_runs_out(self, endpoint, receiver, happen):
        happen()
        queue_all()
        now = timezone.now()
        assert len(claim_due(now, [endpoint.id])) == 1  # And now its worker is killed.

        run_once(now + CLAIM - timedelta(milliseconds=1))
        assert receiver.requests == []
        run_once(now + CLAIM)
        assert receiver.numbers == [1]

    def test_leave_nothing_that_waits_for_a_clock_that_was_set_back(self, endpoint, receiver, happen):
        happen(2)
        number_events(timezone.now())
        later = timezone.now() + timedelta(hours=1)
        fan_out(later)
        assert len(claim_due(later, [endpoint.id])) == 1  # And now its worker is killed, and the clock set back.

        run_once()
        assert receiver.numbers == [1, 2]


class TestAtMostFour:
    def test_requests_are_at_one_endpoint_over_all_workers(self, endpoint, receiver, happen, by_length):
        receiver.behave = answer(500)
        happen(by_length(12, 12, 40))
        now = timezone.now()
        run_once(now)

        def behave(handler, received):
            time.sleep(0.02)
            answer(200)(handler, received)

        receiver.behave = behave
        receiver.most_at_once = 0
        with Crew(4) as crew:
            crew.all_at_once(lambda: Dispatcher().run_due(now + timedelta(minutes=1)))

        assert receiver.most_at_once <= 4
        assert set(receiver.numbers) == set(range(1, Event.objects.count() + 1))
        assert len(receiver.requests) == 2 * Event.objects.count()
        assert not PendingDelivery.objects.exists()

    def test_claims_are_out_however_many_ask_at_once(self, endpoint, receiver, happen):
        receiver.behave = answer(500)
        happen(12)
        now = timezone.now()
        run_once(now)
        later = now + timedelta(minutes=1)
        with Crew(6) as crew:
            found = crew.all_at_once(lambda: claim_due(later, [endpoint.id]))

        assert sum(len(claims) for claims in found) == 4
        assert claim_due(later, [endpoint.id]) == []

    def test_first_tries_are_out_one_at_a_time(self, endpoint, receiver, happen):
        happen(5)
        queue_all()
        now = timezone.now()
        with Crew(6) as crew:
            found = crew.all_at_once(lambda: claim_due(now, [endpoint.id]))

        [claim] = [claim for claims in found for claim in claims]
        assert Event.objects.get(id=claim.event_id).sequence == 1


class TestASlowEndpoint:
    @pytest.fixture(autouse=True)
    def _is_slow_for_longer_than_a_busy_machine(self, monkeypatch):
        """What does not wait for it is done long before anybody gives up on it."""
        monkeypatch.setattr(sending, "LIMIT_SECONDS", 3.0 * PATIENCE_SECONDS)
        monkeypatch.setattr(module, "GIVE_UP_SECONDS", 3.0 * PATIENCE_SECONDS)
        monkeypatch.setattr(queue, "CLAIM", timedelta(seconds=3 * PATIENCE_SECONDS))

    def test_holds_up_no_other_and_no_money(self, acme, api, endpoint_at, receiver, other_receiver, happen, dispatcher):
        release = threading.Event()

        def stall(handler, received):
            release.wait()
            answer(200)(handler, received)

        other_receiver.behave = stall
        endpoint_at(other_receiver.url)
        endpoint_at(receiver.url)
        income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(income, 100_00)
        queue_all()
        dispatcher.wake()
        wait_until(lambda: other_receiver.requests and receiver.requests)
        try:
            before = len(receiver.requests)
            transfer = transfer_between(api, income, rent, 10_00)
            began = time.monotonic()
            while Transfer.objects.get(id=transfer.id).status != Status.COMPLETE:
                sweep_all(timezone.now())
                assert time.monotonic() - began < PATIENCE_SECONDS
            dispatcher.wake()
            wait_until(lambda: len(receiver.requests) > before)
            assert len(other_receiver.requests) == 1
        finally:
            release.set()
        wait_until(lambda: not PendingDelivery.objects.exists())
        assert other_receiver.numbers == receiver.numbers

    def test_does_not_keep_a_worker_from_stopping(self, endpoint, receiver, happen, monkeypatch):
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
        release = threading.Event()
        receiver.behave = lambda handler, received: release.wait()
        happen()
        queue_all()
        made = Dispatcher()
        made.start()
        wait_until(lambda: receiver.requests)
        began = time.monotonic()
        made.stop()
        took = time.monotonic() - began
        release.set()

        assert took < PATIENCE_SECONDS
        assert PendingDelivery.objects.get().claim is not None


class TestTheDispatcher:
    def test_sends_within_a_second_what_another_process_has_queued(self, endpoint, receiver, happen, dispatcher):
        happen(3)
        queue_all()
        wait_until(lambda: WebhookDelivery.objects.count() == 3)

        assert receiver.numbers == [1, 2, 3]
        assert receiver.connections == 1

    @pytest.fixture
    def broken(self, monkeypatch):
        """The troubles that a dispatcher meets, one at each look; it has to start after this, to meet them all."""
        broken = [OperationalError("the database is away"), ZeroDivisionError()]
        ask = module.due_endpoints

        def due(*arguments, **options):
            if broken:
                raise broken.pop(0)
            return ask(*arguments, **options)

        monkeypatch.setattr(module, "LOOK_EVERY_SECONDS", 0.01)
        monkeypatch.setattr(module, "REST_SECONDS", 0.01)
        monkeypatch.setattr(module, "due_endpoints", due)
        return broken

    def test_goes_on_after_its_connection_broke(self, endpoint, receiver, happen, broken, dispatcher):
        happen()
        queue_all()
        wait_until(lambda: receiver.requests)
        assert broken == []


def test_threads_leave_no_connection_behind(endpoint, receiver, happen):
    made = Dispatcher()
    made.start()
    made.stop()
    connections.close_all()
    assert not any(thread.name == "webhooks" and thread.is_alive() for thread in threading.enumerate())
