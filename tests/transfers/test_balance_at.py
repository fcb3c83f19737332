"""``GET /accounts/{id}/balance?at=``"""

import random
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.api.ids import new_id
from tests.database_plans import read_postings_by_their_account, scans_of
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import error_of, fund, mark_next_posting, mark_no_posting, post_transfer, settle
from transfers.ledger import balance_at
from transfers.ledger_invariants import find_faults
from transfers.models import BalanceMark, Posting
from transfers.services import pull_from_outside

START = datetime(2026, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ask(api, account, at):
    text = at if isinstance(at, str) else show_time(at)
    return api.get(f"/accounts/{account.id}/balance?at={quote(text)}")


def told(api, account, at) -> int:
    response = ask(api, account, at)
    assert response.status_code == 200, response.content
    data = response.json()["data"]
    assert list(data) == ["account_id", "at", "balance_in_cents"]
    assert (data["account_id"], data["at"]) == (account.id, show_time(at))
    return data["balance_in_cents"]


def fault(response) -> tuple[str, str]:
    assert error_of(response) == (400, "invalid_request")
    [detail] = response.json()["error"]["details"]
    return detail["field"], detail["code"]


class TestBalanceAtAnInstant:
    @pytest.fixture
    def pod(self, acme, set_clock):
        """A pod with money from the second day on."""
        set_clock(START)
        pod = PodFactory(organization=acme)
        set_clock(START + timedelta(days=1))
        fund(pod, 50_00)
        set_clock(START + timedelta(days=10))
        return pod

    def test_is_that_of_its_end(self, api, pod):
        arrived = START + timedelta(days=1)

        assert [told(api, pod, at) for at in (START, arrived - TICK, arrived, arrived + TICK)] == [0, 0, 50_00, 50_00]

    def test_may_be_now_or_that_of_the_opening(self, api, pod):
        assert told(api, pod, clock.now()) == 50_00
        assert told(api, pod, pod.created_at) == 0

    @pytest.mark.parametrize(
        ("at", "code"),
        [
            (START - TICK, "before_creation"),
            (START - timedelta(days=4000), "before_creation"),
            (START + timedelta(days=10) + TICK, "in_the_future"),
            (START + timedelta(days=4000), "in_the_future"),
            ("2026-01-05", "invalid"),
            ("2026-01-05T00:00:00", "invalid"),
            ("now", "invalid"),
            ("", "invalid"),
        ],
    )
    def test_is_refused_that_the_account_did_not_see(self, api, pod, at, code):
        assert fault(ask(api, pod, at)) == ("at", code)

    def test_is_asked_for(self, api, pod):
        assert fault(api.get(f"/accounts/{pod.id}/balance")) == ("at", "required")

    def test_is_told_in_utc(self, api, pod):
        at = START + timedelta(days=1)

        answer = ask(api, pod, at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat())
        assert answer.json()["data"] == {"account_id": pod.id, "at": show_time(at), "balance_in_cents": 50_00}

    def test_is_none_of_an_external_account(self, api, acme, pod):
        bank = ExternalAccountFactory(organization=acme, balance_cents=7)

        assert fault(ask(api, bank, clock.now())) == ("account_id", "external_account")

    def test_needs_the_account_among_the_resources(self, client_with, pod):
        assert error_of(ask(client_with(f"READ_ACCOUNTS:{new_id('acc')}"), pod, START)) == (403, "forbidden")
        assert told(client_with(f"READ_ACCOUNTS:{pod.id}"), pod, START) == 0

    def test_is_not_found_of_somebody_elses_or_a_deleted_account(self, api, other_api, acme, pod):
        deleted = PodFactory(organization=acme)
        deleted.delete_softly()

        assert error_of(ask(other_api, pod, START)) == (404, "not_found")
        assert error_of(ask(api, deleted, START)) == (404, "not_found")


class TestEveryInstant:
    HISTORIES = (3, 30, 300)  # In a short run, a full one, a long one.
    SEED = 20261126

    def test_agrees_with_a_replay_of_all_postings(self, api, acme, set_clock, by_length):
        for number in range(by_length(*self.HISTORIES)):
            rng = random.Random(self.SEED + number)  # noqa: S311 - to be repeated
            accounts, now = self.live(api, acme, set_clock, rng)
            for account in accounts:
                for at, cents in self.replay(account, now, rng):
                    assert balance_at(account, at) == cents, f"seed {self.SEED + number}, {account.name} at {at}"
                at, cents = rng.choice(list(self.replay(account, now, rng)))
                assert told(api, account, at) == cents

    def live(self, api, acme, set_clock, rng):
        """Make some accounts and let money move among them at times that are close, far apart, or the same."""
        now = START
        set_clock(now)
        accounts = [IncomeSourceFactory(organization=acme), *PodFactory.create_batch(2, organization=acme)]
        for _ in range(rng.randrange(12)):
            step = rng.choice([timedelta(0), TICK, timedelta(seconds=rng.randrange(100)), timedelta(days=9), -TICK])
            now = max(START, now + step)
            set_clock(now)
            if rng.randrange(3):
                mark_next_posting(but=rng.randrange(2))
            source, destination = rng.choice(accounts), rng.choice(accounts[1:])
            kind = rng.choice(["arrives", "leaves", "moves"])
            if kind == "arrives":
                fund(destination, rng.randrange(1, 1_000_00))
            elif kind == "moves" and source != destination:
                post_transfer(api, source, destination, rng.randrange(1_00, 500_00))
                settle()
            elif kind == "leaves" and (held := balance_at(source, now)):
                pull_from_outside(account_id=source.id, amount_cents=rng.randrange(1, held + 1), by="test")
        now += rng.choice([timedelta(0), TICK, timedelta(days=30)])
        set_clock(now)
        return accounts, now

    def replay(self, account, now, rng):
        """Yield instants with what was there, from the account's postings one by one."""
        postings = list(Posting.objects.filter(account=account).order_by("posted_at", "id"))
        moments = {posting.posted_at + each for posting in postings for each in (-TICK, timedelta(0), TICK)}
        moments |= {START + rng.random() * (now - START) for _ in range(5)} | {START, now}
        for at in sorted(moment for moment in moments if START <= moment <= now):
            yield at, sum(posting.amount_cents for posting in postings if posting.posted_at <= at)


class TestBalanceMark:
    """What an account held at some of its postings, so that no question about its past sums all of it."""

    @pytest.fixture
    def pod(self, acme, set_clock):
        """A pod that gets a dollar a day, with a mark on the tenth and the twentieth."""
        set_clock(START)
        mark_no_posting()
        pod = PodFactory(organization=acme)
        for day in range(1, 31):
            set_clock(START + timedelta(days=day))
            if day in (10, 20):
                mark_next_posting(but=1)
            fund(pod, 1_00)
        return pod

    @staticmethod
    def marks(pod) -> list[int]:
        rows = BalanceMark.objects.filter(account=pod).order_by("posted_at", "posting_id")
        return list(rows.values_list("balance_cents", flat=True))

    def test_is_what_the_account_held_then(self, pod):
        assert self.marks(pod) == [10_00, 20_00]

    def test_moves_with_what_is_posted_with_an_earlier_time(self, pod, set_clock):
        set_clock(START + timedelta(days=15))
        fund(pod, 5)

        assert self.marks(pod) == [10_00, 20_05]
        assert balance_at(pod, START + timedelta(days=12)) == 12_00
        assert balance_at(pod, START + timedelta(days=17)) == 17_05

    def test_is_that_of_the_newest_posting_where_an_earlier_one_makes_it(self, pod, set_clock):
        set_clock(START + timedelta(days=15))
        mark_next_posting(but=1)
        fund(pod, 5)

        assert self.marks(pod) == [10_00, 20_05, 30_05]
        assert [fault.check for fault in find_faults()] == []

    def test_is_made_of_earlier_postings_by_an_upgrade(self, pod):
        made = list(BalanceMark.objects.values().order_by("posting"))
        BalanceMark.objects.all().delete()

        upgrade = import_module("transfers.migrations.0005_mark_earlier_balances")
        with connection.schema_editor() as editor:
            upgrade.fill_in(None, editor)

        assert list(BalanceMark.objects.values().order_by("posting")) == made != []

    def test_is_proved_from_the_postings(self, pod):
        BalanceMark.objects.filter(account=pod, balance_cents=20_00).update(balance_cents=21_00)

        [fault] = find_faults()
        assert (fault.check, fault.subject) == ("marks_are_their_postings", pod.id)
        assert fault.message == "2100 cents are noted as held after a posting, but those up to it add up to 2000"

    def test_is_made_once_in_some_hundreds_whatever_the_pattern_of_numbers(self, db):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT step, COUNT(*) FROM generate_series(1, 7) step, generate_series(1, 100000) place"
                " WHERE hashint8(step * place) % 500 = 0 GROUP BY step"
            )
            counts = dict(cursor.fetchall())

        assert all(150 < counts[step] < 260 for step in range(1, 8))


class TestCost:
    DAYS, BETWEEN_MARKS = 40, 8

    @pytest.fixture
    def busy(self, acme, set_clock):
        """One of several pods that all get a deposit each day."""
        set_clock(START)
        pods = PodFactory.create_batch(2, organization=acme)
        for day in range(1, self.DAYS + 1):
            set_clock(START + timedelta(days=day))
            if not day % self.BETWEEN_MARKS:
                mark_next_posting(but=1)
            for pod in pods:
                fund(pod, 1_00)
        read_postings_by_their_account()
        return pods[0]

    def test_is_that_of_the_postings_to_the_next_mark(self, busy):
        for day in range(self.DAYS + 1):
            with CaptureQueriesContext(connection) as queries:
                assert balance_at(busy, START + timedelta(days=day)) == day * 1_00

            [query] = queries.captured_queries
            [(index, read)] = scans_of("transfers_posting", query["sql"])
            assert index == "posting_by_account"
            assert read <= self.BETWEEN_MARKS
