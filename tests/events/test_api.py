"""GET /events: a reader that comes back with its last number misses nothing, and sees nobody else's."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sequence.core.events.models import EVENTS_KEPT, Event
from sequence.core.events.numbering import number_events
from sequence.core.events.purging import purge_events
from sequence.core.events.telling import tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def tell_of(acme):
    def tell_all(*names, age=timedelta(0), organization=acme):
        at = timezone.now() - age
        for name in names:
            tell(name, organization_id=organization.id, data={}, at=at)
        number_events(timezone.now())

    return tell_all


def sequences(answer):
    assert answer.status_code == 200, answer.content
    return [event["sequence"] for event in answer.json()["data"]]


class TestList:
    def test_is_oldest_first_and_goes_on_by_the_last_number(self, reader, tell_of):
        tell_of(*["webhook.test"] * 5)

        page = reader.get("/events?first=2")
        assert sequences(page) == [1, 2]
        assert page.json()["page_info"] == {"end_cursor": "2", "has_next_page": True}
        last = reader.get("/events?after_sequence=2")
        assert sequences(last) == [3, 4, 5]
        assert last.json()["page_info"] == {"end_cursor": "5", "has_next_page": False}
        assert reader.get("/events?after_sequence=5").json()["page_info"] == {
            "end_cursor": None,
            "has_next_page": False,
        }

    def test_gives_twenty_unless_asked(self, reader, tell_of):
        tell_of(*["webhook.test"] * 21)
        assert len(sequences(reader.get("/events"))) == 20
        assert len(sequences(reader.get("/events?first=100"))) == 21

    def test_can_be_of_one_name(self, reader, tell_of):
        tell_of("webhook.test", "audit.checkpoint", "webhook.test")
        assert sequences(reader.get("/events?event=webhook.test")) == [1, 3]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("event=nothing.happened", "event"),
            ("after_sequence=-1", "after_sequence"),
            ("after_sequence=x", "after_sequence"),
            ("after_sequence=99999999999999999999", "after_sequence"),
            ("first=0", "first"),
            ("first=101", "first"),
            ("after=2", "after"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, reader, query, field):
        answer = reader.get(f"/events?{query}")
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == field

    def test_shows_nothing_without_a_number(self, reader, acme):
        event = tell("webhook.test", organization_id=acme.id, data={}, at=timezone.now())
        assert sequences(reader.get("/events")) == []
        assert reader.get(f"/events/{event.id}").status_code == 404

    def test_shows_nobody_elses(self, reader, tell_of, globex):
        tell_of("webhook.test", organization=globex)
        assert sequences(reader.get("/events")) == []
        assert reader.get(f"/events/{Event.objects.get().id}").status_code == 404

    def test_wants_its_scope(self, client_with):
        assert client_with("LIST_ACCOUNTS").get("/events").status_code == 403


class TestWhatIsGone:
    OLD = EVENTS_KEPT + timedelta(days=1)

    def test_is_told_with_the_first_that_is_kept(self, reader, tell_of):
        tell_of(*["webhook.test"] * 3, age=self.OLD)
        tell_of("webhook.test")
        purge_events(timezone.now())

        answer = reader.get("/events?after_sequence=2")
        [detail] = answer.json()["error"]["details"]
        assert (answer.status_code, detail["field"], detail["code"]) == (400, "after_sequence", "too_old")
        assert "before 4" in detail["message"]
        assert sequences(reader.get("/events?after_sequence=3")) == [4]
        assert sequences(reader.get("/events")) == [4]

    def test_is_told_where_it_goes_just_before_it_is_read(self, reader, tell_of):
        tell_of(*["webhook.test"] * 3, age=self.OLD)
        tell_of("webhook.test")

        def purge_before_the_page(execute, sql, *rest):
            if "sequence_event" in sql and "LIMIT 21" in sql:
                purge_events(timezone.now())
            return execute(sql, *rest)

        with connection.execute_wrapper(purge_before_the_page):
            answer = reader.get("/events?after_sequence=0")

        assert not Event.objects.filter(sequence__lt=4).exists()
        assert answer.json()["error"]["details"][0]["code"] == "too_old"

    def test_is_told_where_nothing_is_left(self, reader, tell_of):
        tell_of("webhook.test", age=self.OLD)
        purge_events(timezone.now())

        assert reader.get("/events?after_sequence=0").status_code == 400
        assert sequences(reader.get("/events?after_sequence=1")) == []
        assert sequences(reader.get("/events")) == []


class TestRetrieve:
    def test_shows_the_event_in_the_contracts_order(self, reader, tell_of, acme):
        tell_of("webhook.test")
        event = Event.objects.get()

        data = reader.get(f"/events/{event.id}").json()["data"]
        assert list(data) == ["id", "sequence", "event", "created_at", "organization_id", "data"]
        assert (data["id"], data["sequence"], data["data"]) == (event.id, 1, {})
        assert data["organization_id"] == acme.id
