"""Readers of the events: each reads every event once, whatever the others do, and what it has yet to read stays."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from sequence.core.events.models import EVENTS_KEPT, EventCounter, EventReader
from sequence.core.events.numbering import number_events
from sequence.core.events.purging import purge_events
from sequence.core.events.readers import hold_behind, open_reader
from sequence.core.events.telling import tell
from sequence.core.sweeps import only_for
from tests.factories import OrganizationFactory
from tests.threads import Crew, in_open_transaction

pytestmark = pytest.mark.django_db(transaction=True)

# A reader that only this test knows: its name, and what it makes of the events.
READER = "third"
READ = """
WITH behind AS MATERIALIZED ({behind}), moved AS (
    UPDATE sequence_eventreader AS reader SET after_sequence = behind.until_sequence
    FROM behind WHERE reader.organization_id = behind.organization_id AND reader.name = '{name}'
)
SELECT event.organization_id, event.sequence FROM behind JOIN sequence_event AS event
    ON event.organization_id = behind.organization_id
    AND event.sequence > behind.after_sequence AND event.sequence <= behind.until_sequence
ORDER BY 1, 2
"""


def tell_of(organization, age=timedelta(0)):
    tell("webhook.test", organization_id=organization.id, data={}, at=timezone.now() - age)


def number():
    return number_events(timezone.now())


def read(name=READER, *, organizations=10, events=1_000):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            READ.format(behind=hold_behind(name, organizations=organizations, events=events), name=name),
        )
        return cursor.fetchall()


def numbers(rows):
    return [sequence for _, sequence in rows]


def columns():
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        return set(cursor.fetchall())


class TestThirdReader:
    def test_costs_no_column(self, acme):
        before = columns()
        for name in ("rules", "second", READER):
            open_reader(name, acme.id)
        tell_of(acme), tell_of(acme), number()

        assert [numbers(read(name)) for name in ("second", READER, READER)] == [[1, 2], [1, 2], []]
        assert columns() == before
        assert dict(EventReader.objects.values_list("name", "after_sequence")) == {"rules": 0, "second": 2, READER: 2}

    def test_begins_after_what_was_numbered_before_it_came(self, acme):
        tell_of(acme), number()
        tell_of(acme)
        open_reader(READER, acme.id)
        number()
        tell_of(acme), number()
        open_reader(READER, acme.id)

        assert numbers(read()) == [2, 3]

    def test_reads_of_each_organization_as_far_as_it_is_told(self, acme, globex):
        for organization in (acme, globex):
            open_reader(READER, organization.id)
        for organization in (acme, acme, acme, globex):
            tell_of(organization)
        number()

        assert sorted(numbers(read(events=2))) == [1, 1, 2]
        assert numbers(read(events=2)) == [3]

    def test_never_misses_what_is_committed_late(self, acme):
        open_reader(READER, acme.id)
        with in_open_transaction(lambda: tell_of(acme)):
            tell_of(acme), number()
            assert numbers(read()) == [1]
        number()

        assert numbers(read()) == [2]

    def test_leaves_an_organization_to_whoever_reads_it(self, acme, globex):
        for organization in (acme, globex):
            open_reader(READER, organization.id)
            tell_of(organization)
        number()
        with in_open_transaction(lambda: EventReader.objects.select_for_update().get(organization=acme)):
            assert len(read()) == 1
            assert read() == []

        assert len(read()) == 1

    def test_gives_every_organization_its_turn(self):
        """Of more organizations than one look takes, all of which always have something, each is looked at."""
        many = OrganizationFactory.create_batch(4)
        for organization in many:
            open_reader(READER, organization.id)
        seen = set()
        for _ in range(200):
            for organization in many:
                tell_of(organization)
            number()
            seen |= {organization for organization, _ in read(organizations=1)}
            if len(seen) == len(many):
                return
        pytest.fail("Somebody was never looked at.")

    def test_reads_where_its_sweeps_may(self, acme, globex):
        for organization in (acme, globex):
            open_reader(READER, organization.id)
            tell_of(organization)
        number()
        with only_for(globex.id):
            assert len(read()) == 1

        assert EventReader.objects.get(organization=acme).after_sequence == 0

    def test_reads_each_event_once_however_many_read(self, acme, globex, by_length):
        each, writers = by_length(20, 60, 300), 4
        for organization in (acme, globex):
            open_reader(READER, organization.id)
        is_over = threading.Event()
        seen = []

        def write():
            for index in range(each):
                with transaction.atomic():
                    tell_of((acme, globex)[index % 2])

        def go_on(work):
            while not is_over.is_set():
                seen.extend(work() or [])
            seen.extend(work() or [])

        def end():
            while sum(EventCounter.objects.values_list("last_sequence", flat=True)) < each * writers:
                is_over.wait(0.01)
            is_over.set()

        readers = [lambda: go_on(lambda: read(events=7))] * 3
        with Crew(writers + len(readers) + 2) as crew:
            outcomes = crew.at_once(*[write] * writers, *readers, lambda: go_on(lambda: number() and None), end)
        while more := read():
            seen.extend(more)

        assert [error for error in outcomes if error] == []
        assert len(seen) == len(set(seen)) == each * writers


class TestPurgeEvents:
    def test_never_passes_a_reader_that_is_behind(self, acme, globex):
        old = EVENTS_KEPT + timedelta(days=1)
        for name in ("rules", READER):
            open_reader(name, acme.id)
        for organization in (acme, acme, acme, globex):
            tell_of(organization, old)
        number()
        read(events=2)

        assert purge_events(timezone.now()) == 1  # Of Globex, which nobody reads.
        EventReader.objects.filter(name="rules").update(after_sequence=3)
        assert purge_events(timezone.now()) == 2
        assert numbers(read()) == [3]
        assert purge_events(timezone.now()) == 1
