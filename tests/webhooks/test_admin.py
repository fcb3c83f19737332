"""Webhooks on the staff's pages: made by people, with the secret on one page, once."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sequence.webhooks.models import DisabledReason, PendingDelivery, WebhookDelivery, WebhookEndpoint
from tests.staff import Staff, page_of
from tests.webhooks.conftest import answer

pytestmark = pytest.mark.django_db

ADD = "sequence/webhookendpoint/add/"


@pytest.fixture
def ann():
    return Staff("ann", is_superuser=True)


def form(url, **more):
    return {"url": url, "format": "event", "description": "", **more}


def texts_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


class TestAdding:
    def test_shows_the_secret_once(self, ann, acme, receiver):
        page = ann.post(f"{ADD}?organization={acme.id}", **form(receiver.url, event_names=["key.paused"]))

        endpoint = WebhookEndpoint.objects.get()
        assert endpoint.secret in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert (endpoint.organization, endpoint.event_names) == (acme, ["key.paused"])
        assert endpoint.created_by == "staff:ann"
        for address in ("sequence/webhookendpoint/", page_of(endpoint), page_of(endpoint, "history")):
            response = ann.client.get(address) if address.startswith("/") else ann.get(address)
            assert response.status_code == 200
            assert endpoint.secret not in response.content.decode()

    def test_says_what_is_wrong_with_an_address(self, ann, acme):
        page = ann.post(f"{ADD}?organization={acme.id}", **form("https://10.0.0.1/"))

        assert "10.0.0.1 is private" in texts_of(page)
        assert not WebhookEndpoint.objects.exists()

    def test_asks_for_the_organization_first(self, ann, acme):
        assert "for which organization?" in texts_of(ann.get(ADD))


class TestAnEndpoint:
    def press(self, ann, endpoint, page, **form):
        return ann.client.post(page_of(endpoint, page), form, follow=True)

    def test_is_disabled_and_enabled(self, ann, endpoint):
        self.press(ann, endpoint, "disable")
        endpoint.refresh_from_db()
        assert endpoint.disabled_reason == DisabledReason.BY_PERSON
        self.press(ann, endpoint, "enable")
        endpoint.refresh_from_db()
        assert endpoint.is_enabled

    def test_is_tested(self, ann, endpoint, receiver, work):
        self.press(ann, endpoint, "test")
        work()
        assert receiver.names == ["webhook.test"]
        listed = ann.get("sequence/webhookdelivery/", endpoint=endpoint.id, status="delivered")
        assert WebhookDelivery.objects.get().event_id in texts_of(listed)

    def test_is_given_a_new_secret(self, ann, endpoint):
        before = endpoint.secret
        page = self.press(ann, endpoint, "rotate", overlap_hours="1")
        endpoint = WebhookEndpoint.objects.get()
        assert endpoint.secret in page.content.decode()
        assert (endpoint.previous_secret, endpoint.secret != before) == (before, True)

    def test_is_sent_everything_again(self, ann, endpoint, receiver, happen, work):
        happen(2)
        work()
        page = self.press(ann, endpoint, "resend", after_sequence="0")
        assert "2 events will be sent again" in texts_of(page)
        assert PendingDelivery.objects.count() == 2

    def test_is_deleted(self, ann, endpoint):
        self.press(ann, endpoint, "remove")
        assert WebhookEndpoint.objects.get().deleted_at is not None
        assert endpoint.url not in texts_of(ann.get("sequence/webhookendpoint/"))


class TestTheConsole:
    def test_tells_of_endpoints_that_fail_and_of_those_that_were_given_up(self, ann, endpoint, receiver, happen, work):
        assert "All that was sent to 1 endpoint has arrived" in texts_of(ann.get(""))
        receiver.behave = answer(500)
        happen()
        work()
        assert "1 of 1 endpoints do not take" in texts_of(ann.get(""))
        receiver.behave = answer(410)
        work(timezone.now() + timedelta(minutes=1))
        page = texts_of(ann.get(""))
        assert "Disabled webhook endpoints" in page
        assert endpoint.url in page
