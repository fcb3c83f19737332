"""Every sign-in, good or refused, is on record: who sees it, what it holds, and how long it stays."""

from datetime import timedelta

import pyotp
import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from sequence.core import clock
from sequence.core.admin import sign_in_events
from sequence.core.admin.second_factor import enrol, new_secret
from sequence.core.admin.sign_in_events import forget_old_sign_ins
from sequence.core.admin.sign_in_limits import ATTEMPTS_UNDER_ONE_NAME, digest_of_name
from sequence.core.models import SIGN_INS_KEPT, SignIn
from sequence.wiring import CHORES
from tests.staff import Staff, list_of, page_of

PASSWORD = "correct horse battery staple"
LIST = "sequence/signin/"


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann", password=PASSWORD, is_staff=True)


def post(*, address: str = "192.0.2.1", request_id: str = "req_in", **form: str) -> HttpResponse:
    sent = {"username": "ann", "password": PASSWORD, **form}
    return Client().post("/admin/login/", sent, REMOTE_ADDR=address, headers={"X-Request-ID": request_id})


def recorded() -> list[tuple[str, str]]:
    return list(SignIn.objects.order_by("id").values_list("person", "outcome"))


class TestASignIn:
    def test_that_is_good_is_recorded_with_person_place_and_request(self, ann):
        assert post(address="2001:DB8::1").status_code == 302

        [row] = SignIn.objects.all()
        assert (row.person, row.outcome, row.address, row.request_id) == ("ann", "accepted", "2001:db8::1", "req_in")
        assert row.name_digest == digest_of_name("ann")

    def test_that_is_refused_is_recorded_with_what_was_wrong(self, ann, settings):
        User.objects.create_user("joe", password=PASSWORD)
        secret = new_secret()
        enrol(ann, secret)

        post(password="wrong")
        post(username="joe")
        settings.STAFF_SECOND_FACTOR = True
        post(code="000000" if pyotp.TOTP(secret).now() != "000000" else "111111")
        settings.STAFF_SECOND_FACTOR = False
        for _ in range(ATTEMPTS_UNDER_ONE_NAME - 1):
            post(password="wrong")

        assert recorded() == [
            ("ann", "wrong"),
            ("joe", "not_staff"),
            ("ann", "wrong_code"),
            *[("ann", "wrong")] * (ATTEMPTS_UNDER_ONE_NAME - 2),
            ("ann", "too_many"),
        ]
        assert SignIn.objects.last().beyond_limit == 1

    def test_under_a_name_that_nobody_has_keeps_a_keyed_hash_alone(self, ann, settings):
        post(username="My Secret Phrase", password="oops")
        post(username="my secret phrase", password="oops")

        assert recorded() == [("", "wrong")] * 2
        assert "secret phrase" not in str(list(SignIn.objects.values())).lower()
        first, second = SignIn.objects.values_list("name_digest", flat=True)
        settings.SECRET_KEY = "another" * 10
        assert first == second != digest_of_name("my secret phrase")

    def test_that_holds_no_name_is_none(self, ann):
        post(username="")

        assert recorded() == []

    def test_from_an_address_that_is_none_is_recorded(self, ann, settings):
        settings.BEHIND_PROXY = True
        post()

        assert list(SignIn.objects.values_list("address", flat=True)) == [None]

    def test_beyond_the_limit_is_recorded_one_by_one_and_a_flood_with_its_number(self, ann, monkeypatch):
        monkeypatch.setattr(sign_in_events, "LISTED_BEYOND_LIMIT", 3)
        for _ in range(ATTEMPTS_UNDER_ONE_NAME + 20):
            post(password="wrong")

        beyond = SignIn.objects.filter(outcome="too_many").order_by("id").values_list("beyond_limit", flat=True)
        assert list(beyond) == [1, 2, 3, 4, 8, 16]


class TestTheDatabase:
    @pytest.fixture
    def rows(self, ann):
        for days in (0, SIGN_INS_KEPT.days - 1, SIGN_INS_KEPT.days + 1):
            SignIn.objects.create(at=clock.now() - timedelta(days=days), outcome="wrong", name_digest="x")
        return SignIn.objects.order_by("-at")

    def test_refuses_every_change(self, rows):
        for change in (lambda: rows.update(outcome="accepted"), rows[0].delete, rows[1].delete):
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                change()

    def test_is_never_emptied(self, rows):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'sequence_signin'::regclass"
                " AND tgname LIKE 'pgtrigger_is_never_truncated%'"
            )
            assert cursor.fetchone() == (1,)

    def test_lets_a_worker_forget_what_was_kept_long_enough(self, rows, monkeypatch):
        assert forget_old_sign_ins in CHORES
        assert forget_old_sign_ins(clock.now()) == 1
        assert forget_old_sign_ins(clock.now()) == 0
        assert rows.count() == 2


class TestThePage:
    def test_tells_who_came_in_and_who_tried(self, ann):
        post()
        post(username="mallory", password="x", address="203.0.113.9")

        page = Staff("eve", "sequence.view_signin").get(LIST).content.decode()

        for told in ("ann", "Let in", "192.0.2.1", "req_in", "nobody of ours", "Wrong name or password", "203.0.113.9"):
            assert told in page
        assert "mallory" not in page

    def test_finds_a_name_an_address_and_an_outcome(self, ann):
        post()
        post(username="Mallory", password="x", address="2001:db8::9")
        eve = Staff("eve", "sequence.view_signin")

        def found(**query: str) -> list[str]:
            return [row.outcome for row in eve.get(LIST, **query).context["cl"].result_list]

        assert found(name="mallory") == found(address="2001:DB8:0::9") == found(outcome="wrong") == ["wrong"]
        assert found(name="ann") == ["accepted"]
        assert found(address="nonsense") == []

    def test_is_for_those_who_may_see_it_and_changes_nothing(self, ann):
        post()
        [row] = SignIn.objects.all()

        assert Staff("bob", "sequence.view_audittrail").get(LIST).status_code == 403
        eve = Staff("eve", "sequence.view_signin")
        assert eve.client.get(page_of(row)).status_code == 200
        assert eve.client.post(page_of(row), {"outcome": "wrong"}).status_code == 403
        assert eve.client.get(f"{list_of(SignIn)}add/").status_code == 403

    def test_is_where_the_search_leads_from_a_request_id(self, ann):
        post(request_id="req_of_a_sign_in")

        page = Staff("eve", "sequence.view_signin").get("search/", q="req_of_a_sign_in").content.decode()

        assert page_of(SignIn.objects.get()) in page
