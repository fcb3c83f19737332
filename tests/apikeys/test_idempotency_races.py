"""Twins at the same moment, and processes killed at any moment: the effect happens once or not at all."""

import json
import os
import signal
import subprocess
import sys
from threading import Event

import pytest
from django.conf import settings as django_settings
from django.db import connection

from accounts import services as accounts
from accounts.models import Account
from apikeys import idempotency
from apikeys.models import IdempotencyRecord
from tests.factories import PodFactory
from tests.threads import PATIENCE_SECONDS, Crew, in_background, wait_until_somebody_waits_for_a_lock
from tests.transfers.chaos.site import database_url

INCOME = "/accounts/income-sources"
BODY = {"nickname": "Payroll"}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


@pytest.fixture(autouse=True)
def _real_transactions(transactional_db):
    """Twins see each other through commits alone."""


@pytest.fixture
def patience(monkeypatch):
    """Twins wait for each other, and for a connection that died, as long as a busy machine may take."""
    monkeypatch.setattr(idempotency, "TWIN_WAIT_MILLISECONDS", PATIENCE_SECONDS * 1000)


class TestTwins:
    ROUNDS = (4, 20, 20)  # In a short run, a full one, a long one.
    CLIENTS = 50

    def test_are_executed_once_however_many_arrive_at_once(self, api, by_length):
        with Crew(self.CLIENTS) as crew:
            for number in range(by_length(*self.ROUNDS)):
                key = f"round-{number}"
                answers = crew.all_at_once(lambda key=key: api.post(INCOME, BODY, idempotency_key=key))

                assert Account.objects.count() == number + 1
                assert IdempotencyRecord.objects.filter(key=key).count() == 1
                self.assert_one_executed(answers)

    def assert_one_executed(self, answers):
        created = [answer for answer in answers if answer.status_code == 201]
        in_progress = [answer for answer in answers if answer.status_code == 409]

        assert len(created) + len(in_progress) == self.CLIENTS
        assert len({answer.content for answer in created}) == 1
        assert len([answer for answer in created if "Idempotent-Replayed" not in answer.headers]) == 1
        for answer in in_progress:
            assert answer.json()["error"]["code"] == "request_in_progress"
            assert answer.headers["Retry-After"] == "1"

    def test_with_different_bodies_get_one_effect_and_mismatches(self, api, patience):
        works = [lambda name=name: api.post(INCOME, {"nickname": name}, idempotency_key=KEY) for name in ["A", "B"] * 4]

        with Crew(len(works)) as crew:
            answers = crew.at_once(*works)

        winner = Account.objects.get().name
        for name, answer in zip(["A", "B"] * 4, answers, strict=True):
            assert answer.status_code == (201 if name == winner else 400)

    @pytest.mark.parametrize("rounds", [5])
    def test_that_are_refused_get_one_refusal(self, api, acme, rounds):
        pod = PodFactory(organization=acme, balance_cents=1)

        with Crew(20) as crew:
            for number in range(rounds):
                answers = crew.all_at_once(
                    lambda key=f"round-{number}": api.delete(f"/accounts/{pod.id}", idempotency_key=key)
                )

                assert {answer.status_code for answer in answers} == {409}
                finished = [answer for answer in answers if answer.json()["error"]["code"] == "account_not_empty"]
                assert len({answer.content for answer in finished}) == 1
                assert IdempotencyRecord.objects.filter(key=f"round-{number}").count() == 1

    def test_that_take_over_an_expired_record_are_executed_once(self, api):
        api.post(INCOME, BODY, idempotency_key=KEY)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE apikeys_idempotencyrecord SET created_at = now() - interval '25 hours', expires_at = now()"
            )

        with Crew(20) as crew:
            answers = crew.all_at_once(lambda: api.post(INCOME, BODY, idempotency_key=KEY))

        assert Account.objects.count() == 2
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1


class TestTwinOfARunningRequest:
    @pytest.fixture
    def first(self, patience, monkeypatch):
        """The first request stops inside its execution until the test lets it go on, to succeed or to break."""

        class First:
            may_go_on = Event()
            is_inside = Event()
            error: Exception | None = None

        create = accounts.create_income_source

        def create_slowly(**fields):
            if First.is_inside.is_set():
                return create(**fields)
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

    def test_waits_briefly_is_told_to_come_back_and_then_gets_the_answer(self, api, first, monkeypatch):
        monkeypatch.setattr(idempotency, "TWIN_WAIT_MILLISECONDS", 50)
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)

            twin = self.post(api)

            assert twin.status_code == 409
            assert twin.json()["error"]["code"] == "request_in_progress"
            assert twin.headers["Retry-After"] == "1"
            assert not Account.objects.exists()
            first.may_go_on.set()
            answer = running.result(PATIENCE_SECONDS)

        again = self.post(api)
        assert answer.status_code == 201
        assert again.content == answer.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert Account.objects.count() == 1

    def test_gets_the_answer_when_the_first_finishes_meanwhile(self, api, first):
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            with in_background(lambda: self.post(api)) as waiting:
                wait_until_somebody_waits_for_a_lock()
                first.may_go_on.set()
                twin = waiting.result(PATIENCE_SECONDS)
            answer = running.result(PATIENCE_SECONDS)

        assert answer.status_code == 201
        assert twin.content == answer.content
        assert twin.headers["Idempotent-Replayed"] == "true"
        assert Account.objects.count() == 1

    def test_is_executed_when_the_first_breaks(self, api, first):
        first.error = RuntimeError("broken")
        with in_background(lambda: self.post(api)) as running:
            assert first.is_inside.wait(PATIENCE_SECONDS)
            with in_background(lambda: self.post(api)) as waiting:
                wait_until_somebody_waits_for_a_lock()
                first.may_go_on.set()
                twin = waiting.result(PATIENCE_SECONDS)
            assert running.result(PATIENCE_SECONDS).status_code == 500

        assert twin.status_code == 201
        assert "Idempotent-Replayed" not in twin.headers
        assert Account.objects.get().id == twin.json()["data"]["id"]

    def test_never_waits_for_a_request_with_another_key(self, api, first):
        with in_background(lambda: self.post(api)):
            assert first.is_inside.wait(PATIENCE_SECONDS)

            assert api.post(INCOME, BODY, idempotency_key="another").status_code == 201
            assert api.post(INCOME, BODY).status_code == 201
            first.may_go_on.set()

    def test_bounds_its_wait_for_the_twin_alone(self, api, first, monkeypatch):
        """The locks that the effect itself needs are waited for as long as it takes."""
        seen = []

        def look(**fields):
            with connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                seen.append(cursor.fetchone()[0])
            return accounts.create_pod(**fields)

        monkeypatch.setattr("accounts.services.create_income_source", look)

        assert self.post(api).status_code == 201
        assert seen == ["0"]


# Runs in a process of its own: sends the request, and stops for good at the given place.
SCRIPT = """
import sys, time
import django
django.setup()
token, place = sys.argv[1:]
from accounts import services as accounts
from apikeys import idempotency, viewsets
from tests.client import Api

def stop():
    print("stopped", flush=True)
    time.sleep(600)

create = accounts.create_income_source
store = idempotency._store
execute_once = idempotency.execute_once

def stop_before_the_effect(**fields):
    stop()

def stop_after_the_effect(**fields):
    create(**fields)
    stop()

def stop_before_the_commit(*arguments):
    store(*arguments)
    stop()

def stop_after_the_commit(*arguments, **options):
    execute_once(*arguments, **options)
    stop()

if place == "before the effect":
    accounts.create_income_source = stop_before_the_effect
if place == "after the effect":
    accounts.create_income_source = stop_after_the_effect
if place == "before the commit":
    idempotency._store = stop_before_the_commit
if place == "after the commit":
    idempotency.execute_once = stop_after_the_commit
Api(token).post("/accounts/income-sources", {"nickname": "Payroll"}, idempotency_key="crash")
"""


class TestKilledProcess:
    @pytest.fixture
    def kill_at(self, api):
        """Kill a process that has stopped at a place inside the request."""

        def kill(place: str) -> None:
            token = api.headers["Authorization"].removeprefix("ApiKey ")
            environment = {
                **os.environ,
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": "sequence.settings",
                "RATE_LIMIT_ENABLED": "false",
                "LOG_LEVEL": "ERROR",
                "ALLOWED_HOSTS": "testserver",
            }
            process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-c", SCRIPT, token, place],
                cwd=django_settings.BASE_DIR,
                env=environment,
                stdout=subprocess.PIPE,
            )
            try:
                assert process.stdout.readline() == b"stopped\n"
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(PATIENCE_SECONDS)
                process.stdout.close()

        return kill

    @pytest.mark.parametrize("place", ["before the effect", "after the effect", "before the commit"])
    def test_leaves_neither_record_nor_account_before_the_commit(self, api, kill_at, patience, place):
        kill_at(place)

        assert not Account.objects.exists()
        assert not IdempotencyRecord.objects.exists()
        # The retry waits until PostgreSQL has noticed that the process is gone, and then executes.
        answer = api.post(INCOME, BODY, idempotency_key="crash")
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer.headers
        assert Account.objects.count() == IdempotencyRecord.objects.count() == 1

    def test_leaves_record_account_and_answer_after_the_commit(self, api, kill_at):
        kill_at("after the commit")

        account = Account.objects.get()
        answer = api.post(INCOME, BODY, idempotency_key="crash")
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert json.loads(answer.content)["data"]["id"] == account.id
        assert Account.objects.count() == 1
