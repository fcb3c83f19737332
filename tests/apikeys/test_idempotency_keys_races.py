"""What GET /idempotency-keys/{key} tells of requests that still run, and of those whose connection was cut."""

import os
import random
import socket
import time
from functools import partial
from threading import Event, Thread

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account
from apikeys import idempotency
from apikeys.models import CallInProgress, IdempotencyRecord
from tests.apikeys.repeats import INCOME, KEY
from tests.apikeys.test_idempotency_keys import FIELDS, ask, assert_not_found, token_of, told
from tests.factories import IncomeSourceFactory, PodFactory
from tests.platform.client import Platform
from tests.platform.steps import pay
from tests.threads import PATIENCE_SECONDS, Crew, in_background, wait_until_somebody_waits_for_a_lock

BODY = {"nickname": "Payroll"}


@pytest.fixture(autouse=True)
def _real_transactions(transactional_db, settings):
    """What is in progress is seen through other connections alone."""
    settings.TELL_SLOW_CALLS = True
    yield
    until = time.monotonic() + PATIENCE_SECONDS
    while CallInProgress.objects.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not CallInProgress.objects.exists()


class TestRequestInProgress:
    PROMISED_SECONDS = 0.1
    TRIES = 100

    @pytest.fixture
    def first(self, monkeypatch):
        """The first request stops inside its execution until the test lets it go on, to succeed or to break."""

        class First:
            may_go_on = Event()
            is_inside = Event()
            error: Exception | None = None

        monkeypatch.setattr(idempotency, "TWIN_WAIT_MILLISECONDS", PATIENCE_SECONDS * 1000)
        create = accounts.create_income_source

        def create_slowly(**fields):
            account = create(**fields)
            First.is_inside.set()
            First.may_go_on.wait(PATIENCE_SECONDS)
            if First.error:
                raise First.error
            return account

        monkeypatch.setattr("accounts.services.create_income_source", create_slowly)
        yield First
        First.may_go_on.set()

    def post(self, api):
        return api.post(INCOME, BODY, idempotency_key=KEY)

    def ask_in_time(self, api) -> dict:
        """Return what is told, all of it, in the promised time: of some times, since others use the machine too."""
        took = []
        for _ in range(self.TRIES):
            began = time.monotonic()
            data = told(api)
            took.append(time.monotonic() - began)
            if took[-1] < self.PROMISED_SECONDS and data["request_id"]:
                return data
        pytest.fail(f"It took {took} seconds.")

    def test_is_told_at_once_and_its_answer_once_it_is_there(self, api, first):
        told_of_none = ask(api)  # Opens the connection, too.
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)

            data = self.ask_in_time(api)
            first.may_go_on.set()
            answer = running.result(PATIENCE_SECONDS)

        assert_not_found(told_of_none)
        assert data == {
            **dict.fromkeys(FIELDS),
            "key": KEY,
            "state": "in_progress",
            "method": "POST",
            "path": f"/api/v1{INCOME}",
            "request_id": answer.json()["request_id"],
            "response_withheld": False,
        }
        assert told(api)["response"] == answer.json()

    def test_is_told_while_a_twin_waits_for_it(self, api, first):
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            with in_background(lambda: self.post(api)) as twin:
                wait_until_somebody_waits_for_a_lock()

                assert self.ask_in_time(api)["state"] == "in_progress"
                first.may_go_on.set()
                assert twin.result(PATIENCE_SECONDS).content == running.result(PATIENCE_SECONDS).content

        assert told(api)["state"] == "completed"

    def test_is_told_of_one_that_takes_over_an_expired_record(self, api, first):
        first.may_go_on.set()
        self.post(api)
        IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.LIFETIME, expires_at=timezone.now())
        first.may_go_on.clear()
        first.is_inside.clear()

        with in_background(lambda: self.post(api)):
            assert first.is_inside.wait(PATIENCE_SECONDS)
            assert self.ask_in_time(api)["state"] == "in_progress"
            first.may_go_on.set()

    def test_is_told_before_one_that_was_answered_at_another_endpoint(self, api, acme, first):
        income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        platform = Platform(token_of(api))
        transfer = pay(platform, income, rent, 500, idempotency_key=KEY)
        body = {"type": "INCOME_SOURCE", "name": "Payroll"}

        with in_background(lambda: platform.post("/accounts", body, idempotency_key=KEY)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            newest = told(api)
            other = told(api, query="?endpoint=POST%20/platform/v1/transfers")
            first.may_go_on.set()
            account = running.result(PATIENCE_SECONDS)

        assert (newest["state"], newest["path"]) == ("in_progress", "/platform/v1/accounts")
        assert (other["state"], other["response"]) == ("completed", transfer.json())
        assert told(api)["response"] == account.json()

    def test_is_not_told_to_others_or_of_another_key(self, api, client_with, first):
        with in_background(lambda: self.post(api)):
            assert first.is_inside.wait(PATIENCE_SECONDS)

            assert_not_found(ask(client_with("CREATE_ACCOUNTS")))
            assert_not_found(ask(api, "another"))
            first.may_go_on.set()

    def test_is_forgotten_when_it_breaks(self, api, first):
        first.error = RuntimeError("broken")
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            first.may_go_on.set()
            assert running.result(PATIENCE_SECONDS).status_code == 500

        assert_not_found(ask(api))

    def test_does_not_hold_up_the_request(self, api, first):
        """Whoever looks asks for no lock, so that a request never finds one taken."""
        with in_background(lambda: self.post(api)) as running, Crew(4) as crew:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            answers = crew.all_at_once(lambda: [ask(api).json()["data"]["state"] for _ in range(20)])
            first.may_go_on.set()

            assert running.result(PATIENCE_SECONDS).status_code == 201
        assert answers == [["in_progress"] * 20] * 4


class TestAskingAllTheWhile:
    ROUNDS = (10, 100, 500)  # In a short run, a full one, a long one.
    ORDER = ("never", "in_progress", "completed")

    def test_never_goes_back(self, api, by_length):
        """Between no record and no lock lies a commit: in the other order, a request that succeeded had no effect."""
        with Crew(3) as crew:
            for number in range(by_length(*self.ROUNDS)):
                is_over = Event()
                works = [self.watching(api, f"k{number}", is_over)] * 2
                for seen in crew.at_once(self.posting(api, f"k{number}", is_over), *works)[1:]:
                    assert seen == sorted(seen, key=self.ORDER.index)
                    assert seen[-1] == "completed"

    def posting(self, api, key, is_over):
        def post():
            try:
                assert api.post(INCOME, BODY, idempotency_key=key).status_code == 201
            finally:
                is_over.set()

        return post

    def watching(self, api, key, is_over):
        def watch() -> list[str]:
            seen = []
            while not is_over.is_set():
                seen.append(self.state(api, key))
            return [*seen, self.state(api, key)]

        return watch

    def state(self, api, key) -> str:
        answer = ask(api, key)
        return "never" if answer.status_code == 404 else answer.json()["data"]["state"]


class Scissors:
    """Cuts this thread's connection to the database: from this side, or by ending the server's process."""

    def __init__(self) -> None:
        self.other = psycopg.connect(**connection.get_connection_params(), autocommit=True)
        self.threads: list[Thread] = []

    def cut(self, *, after_seconds: float, by_server: bool) -> None:
        pid = connection.connection.info.backend_pid
        line = socket.socket(fileno=os.dup(connection.connection.fileno()))

        def snip() -> None:
            time.sleep(after_seconds)
            if by_server:
                self.other.execute("SELECT pg_terminate_backend(%s)", [pid])
            else:
                line.shutdown(socket.SHUT_RDWR)
            line.close()

        thread = Thread(target=snip)
        self.threads.append(thread)
        thread.start()
        if not after_seconds:
            thread.join()

    def put_away(self) -> None:
        for thread in self.threads:
            thread.join()
        self.threads.clear()


@pytest.mark.full
class TestConnectionThatIsCut:
    ROUNDS = (30, 300, 3000)
    SEED = 20261126
    # Storing the answer and committing take about as long as this on a machine that does nothing else.
    LONGEST_DELAY_SECONDS, STEP = 0.004, 1.3

    @pytest.fixture
    def scissors(self):
        scissors = Scissors()
        yield scissors
        scissors.put_away()
        scissors.other.close()

    @pytest.fixture
    def places(self, monkeypatch, scissors):
        """Where this round cuts: before the answer is stored, meanwhile and in the commit, or after it."""
        place = {"when": "", "delay": 0.0, "by_server": False}
        store, execute_once = idempotency._store, idempotency.execute_once

        def store_and_cut(*arguments):
            if place["when"] == "before":
                scissors.cut(after_seconds=0, by_server=place["by_server"])
            elif place["when"] == "during":
                scissors.cut(after_seconds=place["delay"], by_server=place["by_server"])
            store(*arguments)

        def execute_and_cut(*arguments, **options):
            answer = execute_once(*arguments, **options)
            if place["when"] == "after":
                scissors.cut(after_seconds=0, by_server=place["by_server"])
                raise ConnectionError("The answer was lost.")
            return answer

        monkeypatch.setattr(idempotency, "_store", store_and_cut)
        monkeypatch.setattr(idempotency, "execute_once", execute_and_cut)
        return place

    def test_is_told_as_the_database_has_it(self, api, by_length, places, scissors):
        rng, outcomes = random.Random(self.SEED), []  # noqa: S311 - to be repeated
        longest_delay = self.LONGEST_DELAY_SECONDS
        for number in range(by_length(*self.ROUNDS)):
            when = ("before", "during", "after")[number % 3]
            delay = rng.uniform(0.0001, longest_delay)
            places.update(when=when, delay=delay, by_server=rng.random() < 0.5)
            with in_background(partial(api.post, INCOME, {"nickname": f"n{number}"}, idempotency_key=f"k{number}")):
                pass
            scissors.put_away()

            outcomes.append((when, self.check(api, number)))
            if when == "during":  # Later after one that came too early for the commit, sooner after one too late.
                longest_delay *= 1 / self.STEP if outcomes[-1][1] else self.STEP

        counts = {each: outcomes.count(each) for each in sorted(set(outcomes))}
        expected = {("before", False), ("during", False), ("during", True), ("after", True)}
        assert set(counts) == expected, f"seed {self.SEED}: {counts}"

    def check(self, api, number: int) -> bool:
        """Say whether the request had its effect, once what it is told of it agrees."""
        answer = self.ask_until_it_is_over(api, f"k{number}")
        made = Account.objects.filter(name=f"n{number}")

        assert made.count() == IdempotencyRecord.objects.filter(key=f"k{number}").count() <= 1
        if not made:
            assert_not_found(answer)
            return False
        data = answer.json()["data"]
        assert (data["state"], data["response_status"]) == ("completed", 201)
        assert data["resource"]["id"] == data["response"]["data"]["id"] == made.get().id
        return True

    def ask_until_it_is_over(self, api, key):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = ask(api, key)
            if answer.status_code == 404 or answer.json()["data"]["state"] == "completed":
                return answer
        raise AssertionError(f"{key} stays in progress.")
