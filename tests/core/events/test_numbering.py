"""Numbers of events: in the order of the commits, without gaps, and never one below what a reader has seen."""

import os
import random
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from sequence.core.events import numbering as module
from sequence.core.events.models import EVENTS_KEPT, Event, EventCounter
from sequence.core.events.numbering import number_events
from sequence.core.events.purging import purge_events
from sequence.core.events.telling import tell
from sequence.core.worker import run_once
from tests.factories import PodFactory
from tests.threads import PATIENCE_SECONDS, Crew, in_open_transaction

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, NUMBERERS = 20, 2


def tell_of(organization):
    return tell("webhook.test", organization_id=organization.id, data={}, at=timezone.now())


def numbers(organization):
    return list(Event.objects.for_organization(organization.id).numbered().values_list("sequence", flat=True))


class TestNumberEvents:
    def test_counts_from_one_in_each_organization(self, acme, globex):
        for organization in (acme, globex, acme):
            tell_of(organization)
        number_events(timezone.now())

        assert numbers(acme) == [1, 2]
        assert numbers(globex) == [1]

    def test_goes_on_where_it_left_off(self, acme):
        for _ in range(3):
            tell_of(acme)
            number_events(timezone.now())

        assert numbers(acme) == [1, 2, 3]
        assert EventCounter.objects.get().last_sequence == 3

    def test_gives_what_is_committed_late_a_late_number(self, acme):
        with in_open_transaction(lambda: tell_of(acme)):
            early = tell_of(acme)
            number_events(timezone.now())
        number_events(timezone.now())

        early.refresh_from_db()
        assert early.sequence == 1
        assert numbers(acme) == [1, 2]

    def test_leaves_organizations_to_whoever_holds_their_counter(self, acme, globex):
        tell_of(acme)
        number_events(timezone.now())
        tell_of(acme), tell_of(globex)
        with in_open_transaction(lambda: EventCounter.objects.select_for_update().get(organization=acme)):
            assert number_events(timezone.now()) == 1
        assert (numbers(acme), numbers(globex)) == ([1], [1])

    def test_leaves_nobody_behind_a_backlog_that_somebody_else_holds(self, acme, globex, monkeypatch):
        monkeypatch.setattr(module, "BATCH_SIZE", 2)
        tell_of(acme)
        number_events(timezone.now())
        for organization in (acme, acme, acme, globex):
            tell_of(organization)
        with in_open_transaction(lambda: EventCounter.objects.select_for_update().get(organization=acme)):
            assert number_events(timezone.now()) == 1
            assert number_events(timezone.now()) == 0
        assert (numbers(acme), numbers(globex)) == ([1], [1])

    def test_is_done_by_a_worker(self, acme):
        PodFactory(organization=acme)
        run_once()

        assert list(Event.objects.numbered().values_list("event", "sequence")) == [("account.created", 1)]

    def test_lets_a_reader_miss_nothing_whoever_writes(self, acme, by_length):
        """Writers commit in any order, two workers number, and a reader asks for what is new: each once, in order."""
        seed = int(os.environ.get("EVENTS_SEED") or random.randrange(10**9))  # noqa: S311 - chance of the run
        print(f"EVENTS_SEED={seed} repeats it")  # noqa: T201 - pytest shows it where the test fails
        each = by_length(10, 30, 300)
        seen: list[int] = []
        left = threading.Semaphore(0)
        is_over = threading.Event()

        def write(number: int):
            dice = random.Random(seed + number)  # noqa: S311 - chance that can be repeated is the point
            for _ in range(each):
                with transaction.atomic():
                    tell_of(acme)
                    is_over.wait(dice.uniform(0, 0.004))
            left.release()

        def number():
            while not is_over.is_set():
                number_events(timezone.now())
            number_events(timezone.now())

        def read():
            while len(seen) < each * WRITERS:
                after = seen[-1] if seen else 0
                seen.extend(number for number in numbers(acme) if number > after)

        def end():
            for _ in range(WRITERS):
                left.acquire(timeout=PATIENCE_SECONDS)
            is_over.set()

        writers = [partial(write, number) for number in range(WRITERS)]
        with Crew(WRITERS + NUMBERERS + 2) as crew:
            outcomes = crew.at_once(*writers, *[number] * NUMBERERS, read, end)

        assert [error for error in outcomes if error] == []
        assert seen == list(range(1, each * WRITERS + 1))


class TestTheDatabase:
    def test_refuses_another_number_and_other_contents(self, acme):
        event = tell_of(acme)
        number_events(timezone.now())

        for change in ({"sequence": 2}, {"event": "key.paused"}, {"created_at": timezone.now()}):
            with pytest.raises(Exception, match="Cannot update rows"):
                Event.objects.filter(id=event.id).update(**change)


class TestPurgeEvents:
    def test_forgets_from_the_front_what_is_older_than_it_is_kept(self, acme):
        now = timezone.now()
        # The second is young, the third older than it: numbers that are kept have no gaps.
        for age in (EVENTS_KEPT + timedelta(days=1), timedelta(days=1), EVENTS_KEPT + timedelta(days=2)):
            tell("webhook.test", organization_id=acme.id, data={}, at=now - age)
        number_events(now)

        assert purge_events(now) == 1
        assert numbers(acme) == [2, 3]
        assert purge_events(now) == 0

    @pytest.mark.parametrize(("age", "gone"), [(timedelta(days=90, seconds=1), 1), (timedelta(days=90, seconds=-1), 0)])
    def test_comes_after_90_days(self, acme, age, gone):
        now = timezone.now()
        tell("webhook.test", organization_id=acme.id, data={}, at=now - age)
        number_events(now)

        assert purge_events(now) == gone

    def test_forgets_from_the_front_however_many_there_are(self, acme, monkeypatch):
        monkeypatch.setattr("sequence.core.events.purging.PURGE_BATCH", 2)
        now = timezone.now()
        tell_of(acme), number_events(now)
        for number in (5, 4, 3, 2):  # The last lies first in the table, where PostgreSQL may well look first.
            event = tell("webhook.test", organization_id=acme.id, data={}, at=now - EVENTS_KEPT - timedelta(days=1))
            Event.objects.filter(id=event.id).update(sequence=number)
        EventCounter.objects.update(last_sequence=5)
        later = now + EVENTS_KEPT + timedelta(days=1)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")

            assert purge_events(later) == 2
            assert numbers(acme) == [3, 4, 5]
            assert purge_events(later) == 2
            assert numbers(acme) == [5]

    def test_goes_on_counting_when_nothing_is_left(self, acme):
        now = timezone.now()
        tell("webhook.test", organization_id=acme.id, data={}, at=now - EVENTS_KEPT - timedelta(days=1))
        number_events(now)
        assert purge_events(now) == 1

        tell_of(acme)
        number_events(now)
        assert numbers(acme) == [2]
