"""A machine's clock is set back: nothing that began in what is now the future keeps anybody waiting for it."""

from datetime import timedelta

import pyotp
import pytest
from django.contrib.auth.models import User

from apikeys.errors import TooManyUnknownKeys
from apikeys.models import ApiKey
from apikeys.strangers import MOST_UNKNOWN_KEYS, Strangers
from sequence.core import clock
from sequence.core.admin.second_factor import enrol, new_secret, take_code
from sequence.core.admin.sign_in_limits import ATTEMPTS_UNDER_ONE_NAME, count_attempt
from sequence.core.models import WorkerProcess
from sequence.core.worker import run_once
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.staff import Staff
from tests.transfers.steps import fund, status_of, transfer_between
from transfers.ledger_audit import check_ledger_daily
from transfers.models import Transfer

BACK = timedelta(hours=2)


class TestAfterTheClockWasSetBack:
    @pytest.fixture
    def set_back(self, set_clock):
        set_clock(clock.now())
        return lambda: set_clock(clock.now() - BACK)

    def test_the_daily_check_is_due(self, db, set_back):
        assert check_ledger_daily(clock.now())
        set_back()

        assert check_ledger_daily(clock.now())

    def test_a_key_that_used_up_its_minute_may_call(self, api, settings, set_back):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        assert [api.get("/accounts").status_code for _ in range(2)] == [200, 429]
        set_back()

        assert api.get("/accounts").status_code == 200

    def test_a_key_notes_that_it_is_used(self, api, set_back):
        api.get("/accounts")
        set_back()
        api.get("/accounts")

        assert ApiKey.objects.get().last_used_at == clock.now()

    def test_a_name_that_was_tried_too_often_is_open(self, db, set_back):
        for _ in range(ATTEMPTS_UNDER_ONE_NAME):
            assert count_attempt("ann", "192.0.2.1") == 0
        assert count_attempt("ann", "192.0.2.1") == 1
        set_back()

        assert count_attempt("ann", "192.0.2.1") == 0

    def test_a_place_that_tried_unknown_keys_is_open(self, set_back):
        strangers = Strangers()
        for _ in range(MOST_UNKNOWN_KEYS):
            strangers.refuse("192.0.2.1", b"wrong", at=clock.now())
        with pytest.raises(TooManyUnknownKeys):
            strangers.check("192.0.2.1", b"wrong", at=clock.now())
        set_back()

        strangers.check("192.0.2.1", b"wrong", at=clock.now())

    def test_a_session_from_the_future_is_over(self, db, set_back):
        root = Staff("root", is_superuser=True)
        assert root.get("").status_code == 200
        set_back()

        assert root.get("").status_code == 302

    def test_a_session_of_a_clock_that_is_a_little_ahead_goes_on(self, db, set_clock):
        root = Staff("root", is_superuser=True)
        set_clock(clock.now() - timedelta(seconds=20))

        assert root.get("").status_code == 200

    def test_a_code_of_the_present_lets_in(self, db, settings, set_back):
        settings.STAFF_SECOND_FACTOR = True
        user, secret = User.objects.create_user("ann", is_staff=True), new_secret()
        enrol(user, secret)
        assert take_code(user, _code(secret)) is not None
        set_back()

        assert take_code(user, _code(secret)) is not None
        assert take_code(user, _code(secret)) is None

    def test_a_second_factor_that_wrong_codes_closed_is_open(self, db, settings, set_back):
        settings.STAFF_SECOND_FACTOR = True
        user, secret = User.objects.create_user("ann", is_staff=True), new_secret()
        enrol(user, secret)
        assert take_code(user, "000000" if _code(secret) != "000000" else "000001") is None
        assert take_code(user, _code(secret)) is None
        set_back()

        assert take_code(user, _code(secret)) is not None

    @pytest.mark.parametrize("factory", [PodFactory, ExternalAccountFactory])
    def test_a_transfer_that_stalled_is_taken(self, api, acme, set_back, factory):
        income = IncomeSourceFactory(organization=acme)
        fund(income, 10_00)
        set_back()
        transfer = transfer_between(api, income, factory(organization=acme), 5_00)
        Transfer.objects.filter(id=transfer.id).update(stalled_at=clock.now() + BACK)
        run_once(clock.now())

        assert status_of(transfer)[0] in ("complete", "pending")

    def test_a_worker_that_was_heard_in_the_future_is_not_alive(self, db, set_back):
        now = clock.now()
        row = WorkerProcess.objects.create(host="a", pid=1, started_at=now, seen_at=now)
        assert row.is_alive(clock.now())
        set_back()

        assert not row.is_alive(clock.now())
        assert not WorkerProcess.objects.alive(clock.now()).exists()


def _code(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())
