"""GET /events/{id}/deliveries: every try of an event, newest first, and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sequence.core.events.models import Event
from tests.webhooks.conftest import answer

pytestmark = pytest.mark.django_db


class TestDeliveries:
    def test_are_in_the_contracts_order(self, endpoint, receiver, happen, work, reader):
        receiver.behave = answer(503)
        happen()
        now = timezone.now()
        work(now)
        receiver.behave = answer(200)
        work(now + timedelta(seconds=6))

        event = Event.objects.get()
        body = reader.get(f"/events/{event.id}/deliveries").json()
        last, first = body["data"]
        assert list(first) == [
            *("id", "event_id", "endpoint_id", "attempt", "at", "status"),
            *("status_code", "error", "duration_ms", "next_attempt_at"),
        ]
        assert (first["event_id"], first["endpoint_id"]) == (event.id, endpoint.id)
        assert (first["attempt"], first["status"], first["status_code"]) == (1, "retrying", 503)
        assert (last["attempt"], last["status"], last["next_attempt_at"]) == (2, "delivered", None)
        assert first["next_attempt_at"] is not None
        assert body["page_info"]["has_next_page"] is False

    def test_have_pages(self, endpoint_at, receiver, happen, work, reader):
        for _ in range(3):
            endpoint_at(receiver.url)
        happen()
        work()

        path = f"/events/{Event.objects.get().id}/deliveries"
        page = reader.get(f"{path}?first=2").json()
        rest = reader.get(f"{path}?first=2&after={page['page_info']['end_cursor']}").json()
        assert len({item["endpoint_id"] for item in page["data"] + rest["data"]}) == 3
        assert rest["page_info"]["has_next_page"] is False

    def test_of_an_event_that_nobody_was_told_are_none(self, happen, work, reader):
        happen()
        work()
        assert reader.get(f"/events/{Event.objects.get().id}/deliveries").json()["data"] == []

    def test_of_nobody_else_are_found(self, happen, work, reader, globex, client_with):
        happen(organization=globex)
        work()
        path = f"/events/{Event.objects.get().id}/deliveries"
        assert reader.get(path).status_code == 404
        assert client_with("LIST_ACCOUNTS").get(path).status_code == 403
        assert reader.get("/events/evt_1/deliveries").status_code == 404
