"""Chores: endpoints that fail for days are disabled and stand on the console, and tries leave with their events."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from sequence.core.encryption import cipher
from sequence.core.events.models import EVENTS_KEPT
from sequence.core.events.purging import purge_events
from sequence.webhooks.chores import disable_failing, purge_deliveries
from sequence.webhooks.gauges import webhook_gauges
from sequence.webhooks.models import (
    FAILING_FOR,
    DisabledReason,
    PendingDelivery,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.webhooks.conftest import answer

pytestmark = pytest.mark.django_db


class TestDisabling:
    @pytest.mark.parametrize(
        ("failures", "days", "reason"),
        [(20, 5, DisabledReason.FAILING), (19, 5, None), (20, 4.99, None), (400, 30, DisabledReason.FAILING)],
    )
    def test_wants_five_days_and_twenty_failures(self, endpoint, failures, days, reason):
        now = timezone.now()
        WebhookEndpoint.objects.update(failures=failures, failing_since=now - timedelta(days=days))
        disable_failing(now)

        endpoint.refresh_from_db()
        assert endpoint.disabled_reason == reason
        assert disable_failing(now) == 0

    def test_counts_tries_and_begins_anew_after_a_success(self, endpoint, receiver, happen, work):
        receiver.behave = answer(500)
        happen(2)
        now = timezone.now()
        for _ in range(10):
            work(now)
            now += timedelta(hours=10)
        endpoint.refresh_from_db()
        assert (endpoint.failures, endpoint.is_enabled) == (20, True)
        assert now - endpoint.failing_since < FAILING_FOR

        receiver.behave = answer(200)
        work(now)
        endpoint.refresh_from_db()
        assert (endpoint.failures, endpoint.failing_since) == (0, None)
        disable_failing(now + FAILING_FOR)
        endpoint.refresh_from_db()
        assert endpoint.is_enabled


class TestPurging:
    def test_takes_tries_with_their_events_and_no_others(self, endpoint, receiver, happen, work, set_clock):
        now = timezone.now()
        set_clock(now - EVENTS_KEPT - timedelta(days=1))
        happen()
        work()
        set_clock(now)
        happen()
        work()
        assert WebhookDelivery.objects.count() == 2
        purge_deliveries(now)
        assert WebhookDelivery.objects.count() == 2

        purge_events(now)
        assert purge_deliveries(now) == 1
        assert WebhookDelivery.objects.get().event_id == receiver.requests[1].headers["webhook-id"]
        assert purge_deliveries(now) == 0

    def test_leaves_nothing_to_send_of_an_event_that_is_gone(self, endpoint, receiver, happen, work, set_clock):
        receiver.behave = answer(500)
        now = timezone.now()
        set_clock(now - EVENTS_KEPT - timedelta(days=1))
        happen()
        work()
        set_clock(now)
        purge_events(now)
        work(now + timedelta(minutes=1))

        assert len(receiver.requests) == 1
        assert not PendingDelivery.objects.exists()


def test_gauges_tell_what_waits(endpoint, receiver, happen, work):
    receiver.behave = answer(500)
    happen(2)
    now = timezone.now()
    work(now)
    found = {gauge.name: dict(gauge.values) for gauge in webhook_gauges(now + timedelta(minutes=1))}

    assert found["webhook_endpoints"] == {"enabled": 1, "disabled": 0}
    assert found["webhook_endpoints_failing"] == {"": 1}
    assert found["webhook_deliveries_waiting"] == {"": 2}
    assert 50 < found["webhook_deliveries_oldest_due_seconds"][""] <= 56


def test_secrets_are_encrypted_again(endpoint, settings):
    from cryptography.fernet import Fernet

    before, secret = _stored(), endpoint.secret
    settings.BANK_NUMBER_KEYS = [Fernet.generate_key().decode(), *settings.BANK_NUMBER_KEYS]
    call_command("encrypt_again", "--json")
    assert _stored() != before
    settings.BANK_NUMBER_KEYS = settings.BANK_NUMBER_KEYS[:1]

    assert WebhookEndpoint.objects.get().secret == secret
    assert cipher().decrypt(_stored().encode()).decode() == secret


def _stored() -> str:
    return str(WebhookEndpoint.objects.values_list("secret", flat=True).get())
