"""Signing in: with a password alone, with a code beside it, and how guessing is slowed down."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pghistory.core import event_models

from sequence.core import clock
from sequence.core.admin import sign_in_limits
from sequence.core.admin.second_factor import enrol, new_secret, take_code
from sequence.core.admin.sign_in import TOO_MANY, WRONG
from sequence.core.admin.sign_in_limits import (
    ATTEMPTS_FROM_ONE_ADDRESS,
    ATTEMPTS_UNDER_ONE_NAME,
    ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE,
    PLACE_KNOWN_FOR,
)
from sequence.core.models import SecondFactor, SignInWindow
from tests.threads import Crew, in_open_transaction, wait_until_somebody_waits_for_a_lock

PASSWORD = "correct horse battery staple"
NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    """Hundreds of passwords are tried here, and each takes the real hash a good part of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def secret() -> str:
    return new_secret()


@pytest.fixture
def at_noon(set_clock) -> None:
    set_clock(NOW)


@pytest.fixture
def enrolled(ann, secret, settings, at_noon) -> User:
    """Ann with an authenticator app, where one is required."""
    settings.STAFF_SECOND_FACTOR = True
    enrol(ann, secret)
    return ann


def code_of(secret: str, *, seconds: int = 0) -> str:
    return pyotp.TOTP(secret).at(NOW + timedelta(seconds=seconds))


def wrong_code_of(secret: str) -> str:
    near = {code_of(secret, seconds=off) for off in (-30, 0, 30)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


def post(client: Client | None = None, *, address: str = "192.0.2.1", **form: str) -> HttpResponse:
    return (client or Client()).post(
        "/admin/login/", {"username": "ann", "password": PASSWORD, **form}, REMOTE_ADDR=address
    )


def is_in(response: HttpResponse) -> bool:
    return response.status_code == 302


def told(response: HttpResponse) -> list[str]:
    return response.context["form"].non_field_errors()


class TestWithoutTheSetting:
    def test_a_password_is_enough_and_no_code_is_asked_for(self, ann):
        assert b"id_code" not in Client().get("/admin/login/").content
        assert is_in(post())

    def test_strangers_and_those_who_are_not_staff_are_told_the_same(self, ann):
        User.objects.create_user("joe", password=PASSWORD)

        assert told(post(username="joe")) == told(post(username="nobody")) == told(post(password="wrong"))


class TestTheCode:
    def test_lets_in_with_the_password(self, enrolled, secret):
        client = Client()

        assert is_in(post(client, code=code_of(secret)))
        assert client.get("/admin/").status_code == 200

    def test_may_be_typed_with_a_space(self, enrolled, secret):
        code = code_of(secret)

        assert is_in(post(code=f"{code[:3]} {code[3:]}"))

    @pytest.mark.parametrize("seconds", [-30, 0, 30])
    def test_may_be_half_a_minute_off(self, enrolled, secret, seconds):
        assert is_in(post(code=code_of(secret, seconds=seconds)))

    @pytest.mark.parametrize("seconds", [-90, -60, 60, 90])
    def test_is_refused_when_it_is_more_off(self, enrolled, secret, seconds):
        assert not is_in(post(code=code_of(secret, seconds=seconds)))

    def test_is_good_once(self, enrolled, secret):
        assert is_in(post(code=code_of(secret)))
        assert not is_in(post(code=code_of(secret)))
        assert not is_in(post(code=code_of(secret, seconds=-30)))

    def test_is_good_once_for_two_at_the_same_time(self, transactional_db, enrolled, secret):
        def spend() -> bool:
            return take_code(enrolled, code_of(secret)) is not None

        first: list[bool] = []
        with ThreadPoolExecutor(1) as pool, in_open_transaction(lambda: first.append(spend())):
            second = pool.submit(lambda: [spend(), connection.close()][0])
            wait_until_somebody_waits_for_a_lock()

        assert (first, second.result()) == ([True], False)

    def test_is_of_one_person(self, enrolled, secret, db):
        User.objects.create_user("joe", password=PASSWORD, is_staff=True)

        assert not is_in(post(username="joe", code=code_of(secret)))

    def test_is_nothing_without_the_password(self, enrolled, secret):
        assert not is_in(post(password="wrong", code=code_of(secret)))
        # And is not spent by it: strangers close nobody's door.
        assert is_in(post(code=code_of(secret)))

    def test_after_wrong_ones_the_right_one_waits_longer_and_longer(self, enrolled, secret, set_clock):
        for failures in range(1, 12):
            post(code=wrong_code_of(secret), address=f"192.0.2.{failures}")
            enrolled.second_factor.refresh_from_db()
            wait = enrolled.second_factor.closed_until - clock.now()
            assert wait == min(timedelta(seconds=2**failures), timedelta(minutes=15))
            assert not is_in(post(code=code_of(secret), address=f"198.51.100.{failures}"))
            set_clock(enrolled.second_factor.closed_until)

        assert is_in(post(code=pyotp.TOTP(secret).at(clock.now()), address="203.0.113.1"))
        enrolled.second_factor.refresh_from_db()
        assert enrolled.second_factor.failures == 0


class TestARefusal:
    def test_does_not_tell_what_was_wrong(self, enrolled, secret, db):
        User.objects.create_user("bob", password=PASSWORD, is_staff=True)
        User.objects.create_user("eve", password=PASSWORD, is_staff=True, is_active=False)
        code = code_of(secret)
        refused = [
            post(username="nobody", code=code),
            post(password="wrong", code=code),
            post(code=wrong_code_of(secret)),
            post(username="bob", code=code),
            post(username="eve", code=code),
        ]

        assert [told(response) for response in refused] == [[WRONG]] * 5
        assert len({re.sub(rb'value="[^"]*"', b"", response.content) for response in refused}) == 1

    def test_tells_kindly_what_to_do_without_an_app(self, settings, ann):
        settings.STAFF_SECOND_FACTOR = True

        assert "Ask an operator to run manage.py enrol_second_factor" in post(code="123456").content.decode()

    def test_does_not_send_the_code_back(self, enrolled, secret):
        wrong = wrong_code_of(secret)

        assert f'value="{wrong}"' not in post(code=wrong).content.decode()


class TestASession:
    def test_from_before_the_setting_is_sent_to_sign_in_again(self, ann, settings):
        client = Client()
        post(client)
        settings.STAFF_SECOND_FACTOR = True

        for address in ("/admin/", "/admin/apikeys/apikey/", "/admin/password_change/", "/admin/jsi18n/"):
            assert client.get(address)["Location"] == f"/admin/login/?next={address}"
        assert "Sign in again, with a code" in client.get("/admin/login/").content.decode()

    def test_ends_when_the_app_is_replaced_or_removed(self, enrolled, secret):
        client = Client()
        post(client, code=code_of(secret))
        assert client.get("/admin/").status_code == 200
        enrol(enrolled, new_secret())
        assert client.get("/admin/").status_code == 302

    def test_costs_one_query_a_page(self, enrolled, secret, settings):
        client = Client()
        post(client, code=code_of(secret))
        with CaptureQueriesContext(connection) as asked:
            client.get("/admin/")
        settings.STAFF_SECOND_FACTOR = False
        with CaptureQueriesContext(connection) as not_asked:
            client.get("/admin/")

        assert len(asked) == len(not_asked) + 1


class TestGuessing:
    def test_under_one_name_ends_after_some_attempts_even_with_the_right_password(self, ann):
        for _ in range(ATTEMPTS_UNDER_ONE_NAME):
            assert not is_in(post(password="wrong"))

        assert told(post()) == [TOO_MANY]
        assert is_in(post(address="192.0.2.2"))

    def test_under_many_names_ends_too(self, ann):
        for number in range(ATTEMPTS_FROM_ONE_ADDRESS):
            post(username=f"name{number}", password="wrong")

        assert told(post()) == [TOO_MANY]

    def test_begins_anew_after_a_quarter_of_an_hour(self, ann, set_clock):
        set_clock(NOW)
        for _ in range(ATTEMPTS_UNDER_ONE_NAME + 1):
            post(password="wrong")
        set_clock(NOW + timedelta(minutes=15))

        assert is_in(post())
        assert SignInWindow.objects.count() == 2  # Of the address, and of the name wherever it is tried.

    def test_is_forgotten_when_the_right_person_comes(self, ann):
        for _ in range(ATTEMPTS_UNDER_ONE_NAME - 1):
            post(password="wrong")
        assert is_in(post())
        for _ in range(ATTEMPTS_UNDER_ONE_NAME - 1):
            post(password="wrong")
        assert is_in(post())

    def test_at_once_does_not_slip_through(self, transactional_db, ann, monkeypatch):
        monkeypatch.setattr(sign_in_limits, "ATTEMPTS_UNDER_ONE_NAME", 2)
        with Crew(6) as crew:
            answers = crew.all_at_once(lambda: TOO_MANY in post(password="wrong").content.decode())

        assert sorted(answers) == [False, False, True, True, True, True]

    def test_from_one_network_counts_as_one(self, ann):
        for number in range(ATTEMPTS_UNDER_ONE_NAME):
            post(password="wrong", address=f"2001:db8::{number}")

        assert told(post(address="2001:db8::ffff")) == [TOO_MANY]
        assert is_in(post(address="2001:db8:0:1::1"))

    @staticmethod
    def try_from_anywhere(count: int = ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE, name: str = "ann") -> None:
        for number in range(count):
            post(username=name, password="wrong", address=f"198.51.100.{number}")

    def test_of_one_name_ends_over_all_addresses(self, ann):
        self.try_from_anywhere(ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE // 2, name="Ann")
        self.try_from_anywhere(ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE // 2)

        assert told(post(address="203.0.113.1")) == [TOO_MANY]
        assert told(post(username="bob", address="203.0.113.1")) != [TOO_MANY]

    def test_of_one_name_begins_anew_too(self, ann, set_clock):
        set_clock(NOW)
        self.try_from_anywhere()
        set_clock(NOW + timedelta(minutes=15))

        assert is_in(post(address="203.0.113.1"))

    def test_closes_nobodys_door_where_they_came_in_lately(self, ann, set_clock):
        set_clock(NOW)
        for home in ("192.0.2.7", "2001:db8:7::1"):
            assert is_in(post(address=home))
        self.try_from_anywhere(ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE + 5)

        assert is_in(post(address="192.0.2.7"))
        assert is_in(post(address="2001:db8:7::ffff"))
        assert told(post(address="192.0.2.8")) == [TOO_MANY]
        set_clock(NOW + PLACE_KNOWN_FOR)
        self.try_from_anywhere()
        assert told(post(address="2001:db8:7::1")) == [TOO_MANY]

    def test_where_somebody_came_in_is_limited_there_all_the_same(self, ann):
        assert is_in(post())
        for _ in range(ATTEMPTS_UNDER_ONE_NAME):
            post(password="wrong")

        assert told(post()) == [TOO_MANY]

    def test_from_one_address_closes_the_name_to_nobody_else(self, ann):
        for _ in range(ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE + 5):
            post(password="wrong")

        assert is_in(post(address="203.0.113.1"))

    def test_keeps_no_name_that_might_be_a_password(self, ann):
        post(username=PASSWORD, password="oops")

        assert PASSWORD not in str(list(SignInWindow.objects.values()))


class TestTheSecret:
    def test_is_encrypted_at_rest(self, enrolled, secret):
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM sequence_secondfactor")
            [(stored,)] = cursor.fetchall()

        assert secret not in stored
        assert SecondFactor.objects.get().secret == secret

    def test_is_on_no_page_and_in_no_event(self, enrolled, secret, caplog):
        client = Client()
        post(client, code=code_of(secret))
        pages: Any = [
            client.get(f"/admin/{path}").content.decode()
            for path in (
                f"auth/user/{enrolled.pk}/change/",
                f"auth/user/{enrolled.pk}/history/",
                "sequence/audittrail/",
                "",
            )
        ]
        events = [str(row) for model in event_models() for row in model.objects.values()]

        assert "Since 2026-11-24 12:00 UTC" in pages[0]
        assert "Second factor enrolled" in pages[1]
        for text in (*pages, *events, caplog.text):
            assert secret not in text
            assert code_of(secret) not in text
