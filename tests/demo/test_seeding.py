"""Making a demo: whole or not at all, on whatever day it is."""

import functools
import io
import json
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from apikeys.models import Organization
from rules.models import Rule
from sequence.core import clock
from sequence.core.worker import run_once
from sequence.demo import credentials, seeding
from sequence.demo.household import NAME
from sequence.demo.life import events_of
from sequence.demo.period import Period
from sequence.demo.seeding import make_demo
from sequence.management.commands import seed_demo
from tests.client import Api
from tests.demo.conftest import make_demo_at
from tests.demo.moments import AWKWARD
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.threads import (
    PATIENCE_SECONDS,
    in_background,
    in_open_transaction,
    wait_until_somebody_waits_for_a_lock,
)
from transfers.ledger_invariants import find_faults
from transfers.models import Origin, Status, Transfer
from transfers.services import deposit

# Every monthly thing happens at least once.
DAYS = 35
# Seconds each.
FURTHER = [pytest.param(now, marks=pytest.mark.full) for now in AWKWARD[1:]]


@pytest.fixture
def short(monkeypatch, settings, tmp_path):
    """A demo of some weeks will do, with its credentials in a folder of its own."""
    settings.LOCAL_DIR = tmp_path
    monkeypatch.setattr(seed_demo, "make_demo", functools.partial(seeding.make_demo, days=DAYS))
    return tmp_path


def seed(*arguments: str) -> tuple[dict[str, str], str]:
    """Return what the command prints, and what it tells meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    call_command("seed_demo", "--json", *arguments, stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


@pytest.mark.full
class TestEveryDay:
    def test_has_its_events(self):
        for days in range(0, 800, 5):
            period = Period.until(AWKWARD[0] + timedelta(days=days, minutes=37 * days))
            moments = [event.at for event in events_of(period)]

            assert len(moments) > 300
            assert moments == sorted(moments)
            assert moments[-1] <= period.end
            assert sum(moment.date() == period.end.date() for moment in moments) >= 3

    @pytest.mark.parametrize("now", [AWKWARD[0], *FURTHER], ids=str)
    def test_can_be_the_present(self, now, db):
        demo = make_demo_at(now, days=DAYS)
        transfers = Transfer.objects.for_organization(demo["organization"])

        assert find_faults() == []
        assert transfers.filter(created_at__date=now.date(), status=Status.COMPLETE).exists()
        with clock.stopped_at(now + timedelta(minutes=1)):
            run_once(now + timedelta(minutes=1))
        assert not transfers.filter(status__in=[Status.PROCESSING, Status.PENDING]).exists()
        assert not Rule.objects.filter(status="enabled", next_slot_at__lte=now).exists()

    @pytest.mark.long
    @pytest.mark.parametrize("now", AWKWARD, ids=str)
    def test_can_end_a_whole_year(self, now, db):
        demo = make_demo_at(now)

        assert find_faults() == []
        assert {"incomplete", "error", "cancelled"} < set(
            Transfer.objects.for_organization(demo["organization"]).values_list("status", flat=True)
        )


@pytest.mark.full
class TestSeedDemo:
    def test_tells_what_opens_the_doors_and_shows_progress_elsewhere(self, db, short):
        facts, told = seed()

        assert Api(facts["api_key"]).get("/accounts").status_code == 200
        assert Api(facts["agent_api_key"]).get("/accounts").status_code == 200
        assert facts["staff_username"] == "admin"
        assert facts["staff_password"]
        assert len(told.splitlines()) >= 3
        assert json.loads((short / credentials.FILE).read_text()) == facts

    def test_only_if_empty_changes_nothing_a_second_time(self, db, short):
        first, _ = seed("--if-empty")
        before = Transfer.objects.count()

        second, told = seed("--if-empty")

        assert second == first
        assert told == ""
        assert (Organization.objects.count(), Transfer.objects.count()) == (1, before)

    @pytest.mark.full
    def test_makes_another_when_asked_again(self, db, short):
        first, _ = seed()
        second, _ = seed()

        assert second["organization"] != first["organization"]
        assert (second["staff_username"], second["staff_password"]) == (None, None)

    @pytest.mark.full
    def test_leaves_nothing_when_it_is_interrupted(self, db, short, monkeypatch):
        def stop(household):
            raise KeyboardInterrupt

        monkeypatch.setattr(seeding, "make_demo_key", stop)

        with pytest.raises(KeyboardInterrupt):
            seed("--if-empty")

        assert not Organization.objects.exists()
        assert not Transfer.objects.exists()
        assert not (short / credentials.FILE).exists()

    @pytest.mark.full
    def test_at_the_same_time_as_another_says_that_there_is_one(self, transactional_db, short):
        """Without --if-empty, which would find any organization at all."""

        def make_one_slowly() -> None:
            seeding.take_turn(tell=pytest.fail)
            OrganizationFactory(name=NAME)

        with ExitStack() as stack:
            with in_open_transaction(make_one_slowly):
                other = stack.enter_context(in_background(seed))
                wait_until_somebody_waits_for_a_lock()
            facts, told = other.result(PATIENCE_SECONDS)

        assert facts == dict.fromkeys(seed_demo.CREDENTIALS)
        assert "waiting until it is there" in told
        assert "Another seed_demo has just made a demo here" in told
        assert Organization.objects.count() == 1

    @pytest.mark.full
    def test_makes_one_where_another_gave_up(self, transactional_db, short):
        with ExitStack() as stack:
            with in_open_transaction(lambda: seeding.take_turn(tell=pytest.fail)):
                other = stack.enter_context(in_background(seed))
                wait_until_somebody_waits_for_a_lock()
            facts, _ = other.result(PATIENCE_SECONDS)

        assert Organization.objects.get().id == facts["organization"]

    @pytest.mark.full
    def test_leaves_no_lock_behind(self, transactional_db, short):
        seed()

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)


@pytest.mark.full
class TestOthers:
    """The workers of the story live in the past, and must not drag anybody else there."""

    @pytest.fixture
    def theirs(self, transactional_db, acme, client_with):
        """Return what asks for a transfer of Acme's, and the account that it is from."""
        source = IncomeSourceFactory(organization=acme)
        rent = PodFactory(organization=acme)
        body = {"source_account_id": source.id, "destination_account_id": rent.id, "amount_in_cents": 5_00}
        api = client_with("MANUAL_TRANSFER:*>*")
        deposit(account_id=source.id, amount_cents=50_00, origin=Origin.PAYCHECK, by="test")
        return lambda: api.post("/transfers", body).json()["data"]["id"]

    def test_are_not_dragged_into_the_past(self, theirs):
        asked_before, asked_meanwhile = theirs(), []

        def ask_once(line: str) -> None:
            if not asked_meanwhile:
                with in_background(theirs) as asked:
                    asked_meanwhile.append(asked.result(PATIENCE_SECONDS))

        make_demo(actor="test", days=DAYS, tell=ask_once)

        asked = Transfer.objects.filter(id__in=[asked_before, *asked_meanwhile])
        assert [transfer.status for transfer in asked] == [Status.PROCESSING] * 2

    def test_are_delayed_by_nothing(self, theirs):
        """A worker of everyday beside the open transaction finds all that is theirs, free of locks."""
        asked_before, asked_meanwhile, settled = theirs(), [], []

        def work() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30s'")  # The demo goes on only when this has ended.
            asked_meanwhile.append(theirs())
            run_once()

        def work_beside(line: str) -> None:
            with in_background(work) as done:
                done.result(PATIENCE_SECONDS)
            asked = Transfer.objects.filter(id__in=[asked_before, *asked_meanwhile])
            settled.append({transfer.status for transfer in asked})

        make_demo(actor="test", days=DAYS, tell=work_beside)

        assert len(settled) >= 2
        assert settled == [{Status.COMPLETE}] * len(settled)
