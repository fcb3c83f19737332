"""Commands: endpoints are made by people, and each command answers in the contract's shape."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from standardwebhooks import Webhook

from sequence.core.audit_log.models import AuditEntry
from sequence.core.events.models import Event
from sequence.webhooks.models import PendingDelivery, WebhookDelivery, WebhookEndpoint
from tests.webhooks.conftest import answer

pytestmark = pytest.mark.django_db


def run(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def made(acme, receiver):
    return run("create_webhook", "--organization", acme.id, "--url", receiver.url)


class TestCreate:
    def test_tells_the_secret_once(self, acme, receiver):
        made = run(
            *("create_webhook", "--organization", acme.id, "--url", receiver.url),
            *("--event", "key.paused", "--event", "card.declined", "--format", "event", "--description", "Ours"),
        )

        assert list(made) == ["id", "url", "events", "format", "secret"]
        assert (made["events"], made["format"]) == (["key.paused", "card.declined"], "event")
        row = WebhookEndpoint.objects.get()
        assert (row.secret, row.description) == (made["secret"], "Ours")
        assert row.created_by.startswith("command:create_webhook:")
        assert made["secret"] not in str(WebhookEndpoint.objects.values())
        assert "secret" not in run("list_webhooks")[0]

    def test_is_an_entry_of_the_audit_log(self, made, acme):
        entry = AuditEntry.objects.get(action="CREATE_WEBHOOK")
        assert (entry.organization_id, entry.resource_id) == (acme.id, made["id"])
        assert made["secret"] not in str(AuditEntry.objects.values())

    def test_refuses_with_a_clear_field(self, acme):
        with pytest.raises(CommandError, match=r"url: 10\.0\.0\.1 is private"):
            run("create_webhook", "--organization", acme.id, "--url", "https://10.0.0.1/")
        with pytest.raises(CommandError, match="Organization not found"):
            run("create_webhook", "--organization", "org_1", "--url", "https://8.8.8.8/")
        with pytest.raises(CommandError, match="invalid choice"):
            run("create_webhook", "--organization", acme.id, "--url", "https://8.8.8.8/", "--event", "x")


class TestList:
    def test_is_of_one_organization_or_of_all(self, made, acme, globex, receiver):
        other = run("create_webhook", "--organization", globex.id, "--url", receiver.url)

        assert [row["id"] for row in run("list_webhooks")] == [made["id"], other["id"]]
        [row] = run("list_webhooks", "--organization", acme.id)
        assert list(row) == [
            *("id", "organization", "url", "events", "format", "status", "disabled_reason", "created_at"),
        ]
        assert (row["organization"], row["status"], row["disabled_reason"]) == (acme.id, "enabled", None)


class TestDisable:
    def test_sends_nothing_until_it_is_enabled_and_loses_nothing(self, made, receiver, happen, work):
        assert run("disable_webhook", made["id"])["status"] == "disabled"
        assert run("list_webhooks")[0]["disabled_reason"] == "by_person"
        happen(3)
        work()
        assert receiver.requests == []

        assert run("enable_webhook", made["id"])["status"] == "enabled"
        work()
        assert receiver.numbers == [1, 2, 3]


class TestDelete:
    def test_forgets_the_secret_and_keeps_the_tries(self, made, receiver, happen, work):
        happen()
        work()
        receiver.behave = answer(500)
        happen()
        work()
        assert run("delete_webhook", made["id"]) == {"id": made["id"], "deleted": True}

        assert run("list_webhooks") == []
        assert (PendingDelivery.objects.count(), WebhookDelivery.objects.count()) == (0, 2)
        assert WebhookEndpoint.objects.get().secret is None
        happen()
        work()
        assert len(receiver.requests) == 2
        with pytest.raises(CommandError, match="Webhook endpoint not found"):
            run("enable_webhook", made["id"])


class TestRotate:
    def test_signs_with_both_until_the_overlap_ends(self, made, receiver, happen, work):
        rotated = run("rotate_webhook_secret", made["id"])
        assert (rotated["id"], rotated["secret"] != made["secret"]) == (made["id"], True)
        happen()
        work()
        [first] = receiver.requests
        for secret in (made["secret"], rotated["secret"]):
            Webhook(secret).verify(first.body, first.headers)

        happen()
        work(timezone.now() + timedelta(hours=24, seconds=1))
        assert len(receiver.requests[-1].headers["webhook-signature"].split(" ")) == 1

    def test_may_end_the_old_one_at_once(self, made, receiver, happen, work):
        run("rotate_webhook_secret", made["id"], "--overlap-hours", "0")
        happen()
        work()
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(made["secret"]).verify(receiver.requests[0].body, receiver.requests[0].headers)


class TestTest:
    def test_is_for_that_endpoint_alone_whatever_it_wants(self, acme, receiver, other_receiver, work):
        one = run("create_webhook", "--organization", acme.id, "--url", receiver.url, "--event", "key.paused")
        run("create_webhook", "--organization", acme.id, "--url", other_receiver.url)

        tested = run("test_webhook", one["id"])
        work()

        assert receiver.names == ["webhook.test"]
        assert receiver.requests[0].json["data"] == {}
        assert receiver.requests[0].json["sequence"] == 1
        assert receiver.requests[0].headers["webhook-id"] == tested["event_id"]
        assert other_receiver.requests == []

    def test_of_format_platform_is_the_newest_that_it_tells(self, acme, receiver, work, api):
        one = run("create_webhook", "--organization", acme.id, "--url", receiver.url, "--format", "platform")
        with pytest.raises(CommandError, match="nothing has happened yet"):
            run("test_webhook", one["id"])

    def test_needs_an_enabled_one(self, made):
        run("disable_webhook", made["id"])
        with pytest.raises(CommandError, match="disabled"):
            run("test_webhook", made["id"])


class TestResend:
    def test_sends_all_after_a_number(self, made, receiver, happen, work):
        happen(4)
        work()
        assert run("resend_webhooks", made["id"], "--after-sequence", "2") == {"id": made["id"], "events": 2}
        work()

        assert receiver.numbers == [1, 2, 3, 4, 3, 4]

    def test_sends_what_was_given_up(self, made, receiver, happen, work):
        receiver.behave = lambda handler, received: answer(500 if received.json["sequence"] == 2 else 200)(
            handler, received
        )
        happen(3)
        now = timezone.now()
        for _ in range(12):
            work(now)
            now += timedelta(hours=9)
        assert WebhookDelivery.objects.filter(status="failed").count() == 1
        receiver.behave = answer(200)

        assert run("resend_webhooks", made["id"], "--failed") == {"id": made["id"], "events": 1}
        assert run("resend_webhooks", made["id"], "--failed")["events"] == 0
        work()
        assert receiver.numbers[-1] == 2
        assert run("resend_webhooks", made["id"], "--failed")["events"] == 0

    def test_wants_to_know_which(self, made):
        with pytest.raises(CommandError):
            run("resend_webhooks", made["id"])


class TestPlatformFormat:
    def test_tells_of_transfers_in_the_vendors_words(self, acme, receiver, work):
        from tests.factories import IncomeSourceFactory
        from tests.transfers.steps import fund

        made = run("create_webhook", "--organization", acme.id, "--url", receiver.url, "--format", "platform")
        fund(IncomeSourceFactory(organization=acme), 100_00)
        work()

        assert receiver.requests
        events = {request.headers["x-sequence-event-id"] for request in receiver.requests}
        for request in receiver.requests:
            body = request.json
            assert list(body) == ["id", "type", "resource", "created_at"]
            assert body["type"] == "transfer.changed"
            assert body["resource"]["type"] == "transfer"
            assert body["id"] in events
            assert len(body["resource"]["id"]) == 36
            Webhook(made["secret"]).verify(request.body, request.headers)
        told = Event.objects.filter(event__startswith="transfer.").exclude(event="transfer.approval_required")
        assert len(receiver.requests) == told.count() < Event.objects.count()
