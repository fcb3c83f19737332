"""Notes: every command that decides or stops takes one, and keeps it on the trail, where people read it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model
from pghistory.models import Context

from apikeys.models import ApiKey
from cards.models import Card
from sequence.core.audit_log.models import AuditEntry
from sequence.webhooks.models import WebhookEndpoint
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write
from tests.transfers.steps import fund, transfer_between

pytestmark = pytest.mark.django_db


def ask(command, *arguments):
    out = StringIO()
    call_command(command, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme)
    fund(account, 1_000_00)
    return account


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme)


@pytest.fixture
def suspended(acme):
    ask("set_organization_status", acme.id, "suspended")
    return acme


@pytest.fixture
def waiting(client_with, income, pod):
    return transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, pod, 1_00)


@pytest.fixture
def key(client_with):
    client_with("LIST_ACCOUNTS")
    return ApiKey.objects.get()


@pytest.fixture
def written(api, income, pod):
    return write(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id)))


@pytest.fixture
def card(pod):
    return Card.objects.get(id=ask("issue_card", "--account", pod.id, "--type", "virtual", "--holder", "Ada")["id"])


@pytest.fixture
def endpoint(acme):
    made = ask("create_webhook", "--organization", acme.id, "--url", "https://8.8.8.8/")
    return WebhookEndpoint.objects.get(id=made["id"])


# Each with what it is about, and what it takes besides.
COMMANDS = [
    ("approve_transfer", "waiting", ()),
    ("reject_transfer", "waiting", ()),
    ("pause_api_key", "key", ()),
    ("resume_api_key", "key", ()),
    ("revoke_api_key", "key", ()),
    ("rotate_api_key", "key", ()),
    ("set_organization_status", "acme", ("suspended",)),
    ("set_organization_status", "suspended", ("active",)),
    ("enable_rule", "written", ("--rule-version", "1")),
    ("disable_rule", "written", ()),
    ("freeze_card", "card", ()),
    ("unfreeze_card", "card", ()),
    ("set_card_status", "card", ("lost",)),
    ("disable_webhook", "endpoint", ()),
    ("enable_webhook", "endpoint", ()),
    ("delete_webhook", "endpoint", ()),
    ("rotate_webhook_secret", "endpoint", ()),
]


# What makes a state that those end.
BEFORE = {
    "resume_api_key": ("pause_api_key",),
    "disable_rule": ("enable_rule", "--rule-version", "1"),
    "unfreeze_card": ("freeze_card",),
    "enable_webhook": ("disable_webhook",),
}


class TestNote:
    @pytest.mark.parametrize(("command", "about", "more"), COMMANDS)
    def test_is_on_the_trail_and_not_in_the_audit_log(self, request, command, about, more):
        obj: Model = request.getfixturevalue(about)
        if command in BEFORE:
            ask(BEFORE[command][0], obj.pk, *BEFORE[command][1:])

        ask(command, obj.pk, *more, "--note", "The bank called")

        entry = AuditEntry.objects.filter(action=command.upper()).latest("position")
        assert (entry.reason, entry.error_code) == (None, None)
        told = Context.objects.filter(metadata__request_id=entry.request_id).values_list("metadata__reason", flat=True)
        assert set(told) == {"The bank called"}

    def test_is_kept_from_programs_where_it_is_refused(self, waiting):
        ask("reject_transfer", waiting.id)
        with pytest.raises(CommandError, match="Only one that is pending_approval"):
            ask("approve_transfer", waiting.id, "--note", "Too late")

        entry = AuditEntry.objects.get(action="APPROVE_TRANSFER")
        assert (entry.reason, entry.outcome) == (None, "failure")

    def test_is_on_the_trail_of_the_change(self, key, card):
        ask("freeze_card", card.id, "--note", "Seen elsewhere")

        assert card.events.latest("pgh_id").pgh_context.metadata["reason"] == "Seen elsewhere"
