"""How a worker does a replay: in pieces, on one snapshot, in one worker's hands, and whatever dies."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sequence.core import clock
from sequence.core.worker import run_once
from sequence.replays import sweeps
from sequence.replays.models import MAX_ATTEMPTS, SILENCE, ReplayStatus, RuleReplay
from sequence.replays.replaying import ClaimLost, Replaying, claim_next
from sequence.replays.sweeps import carry_on_replays
from tests.replays.steps import read, started
from tests.rules.definitions import on_funds, rule, step
from tests.rules.steps import move, write
from tests.transfers.steps import fund

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def written(api, income, rent):
    return write(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))


@pytest.fixture(autouse=True)
def _nothing_held():
    yield
    sweeps._let_go()


def finish(replaying):
    while not replaying.advance(1):
        pass


class TestPieces:
    def test_let_a_worker_do_other_things_between_and_tell_how_far_it_is(self, api, income, written, monkeypatch):
        monkeypatch.setattr("sequence.replays.replaying.STRIDE", 1)
        monkeypatch.setattr("sequence.replays.sweeps.PIECE_SECONDS", 0.0001)
        for _ in range(20):
            fund(income, 1_00)
        replay_id = started(api, written)
        seen = set()

        while carry_on_replays(timezone.now()):
            seen.add(read(api, replay_id)["events_seen"])

        assert len(seen) > 2
        assert read(api, replay_id)["events_seen"] == 20

    def test_all_see_the_instant_at_which_it_began(self, api, income, written):
        fund(income, 100_00)
        started(api, written)
        replaying = Replaying(claim_next())
        next(replaying._steps)
        with clock.stopped_at(timezone.now() - timedelta(minutes=1)):
            fund(income, 100_00)

        finish(replaying)

        assert replaying.replay.events_seen == 1

    def test_hold_no_lock(self, api, income, written):
        fund(income, 100_00)
        started(api, written)
        replaying = Replaying(claim_next())
        next(replaying._steps)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE datname = current_database() AND mode NOT IN ('AccessShareLock', 'ExclusiveLock')"
                " AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone() == (0,)
        replaying.close()


class TestClaim:
    def test_is_of_one_worker(self, api, written):
        started(api, written)

        assert claim_next() is not None
        assert claim_next() is None
        assert carry_on_replays(timezone.now()) == 0

    def test_passes_on_from_a_worker_that_has_fallen_silent(self, api, income, written):
        fund(income, 100_00)
        replay_id = started(api, written)
        first = Replaying(claim_next())
        RuleReplay.objects.update(heard_at=timezone.now() - SILENCE - timedelta(seconds=1))

        second = Replaying(claim_next())

        # Whoever was thought dead notices, and writes nothing.
        with pytest.raises(ClaimLost):
            finish(first)
        assert read(api, replay_id)["status"] == "in_progress"
        finish(second)
        assert read(api, replay_id)["status"] == "done"
        assert RuleReplay.objects.get().attempts == 2

    def test_is_given_up_after_it_broke_some_workers(self, api, written):
        replay_id = started(api, written)
        RuleReplay.objects.update(attempts=MAX_ATTEMPTS)

        run_once()

        told = read(api, replay_id)
        assert (told["status"], told["error_code"]) == ("failed", "unexpected_error")

    def test_ends_a_replay_that_breaks_on_a_defect(self, api, income, written, monkeypatch):
        def break_down(*arguments, **named):
            raise ZeroDivisionError

        monkeypatch.setattr("sequence.replays.walk.Walk.see", break_down)
        fund(income, 100_00)
        replay_id = started(api, written)

        run_once()

        assert read(api, replay_id)["error_code"] == "unexpected_error"
        started(api, written)


class TestOneAtATime:
    def test_is_kept_by_the_database(self, api, acme, written):
        started(api, written)
        replay = RuleReplay.objects.get()

        with pytest.raises(Exception, match="replay_one_at_a_time"):
            RuleReplay.objects.create(
                organization=acme,
                rule=written,
                definition=replay.definition,
                account_ids=[],
                from_at=replay.from_at,
                to_at=replay.to_at,
                asked_by="test",
            )
        assert RuleReplay.objects.filter(status=ReplayStatus.IN_PROGRESS).count() == 1
