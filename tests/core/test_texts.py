"""One rule for every text that people or programs write: nothing in it that nobody sees."""

import re

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import models
from rest_framework import serializers

from accounts.models import Account
from apikeys.models import Organization
from cards.names import clean_name
from sequence.core.api.fields import IdText, StrictSerializer, Text
from sequence.core.errors import InvalidRequest
from sequence.core.texts import PlainTextField, flaw_of, refused_in_patterns

PODS = "/accounts/pods"
INVISIBLE = {
    "right-to-left override": "Chase\u202eknab",
    "right-to-left isolate": "Chase\u2067bank",
    "right-to-left mark": "Chase\u200f",
    "zero-width space": "Rainy\u200bdays",
    "zero-width non-joiner": "Rainy\u200cdays",
    "joiner between letters": "Rainy\u200ddays",
    "joiner at the end of an emoji": "👩\u200d",
    "joiner before a letter": "👩\u200dx",
    "byte order mark": "\ufeffRainy days",
    "soft hyphen": "Rainy\u00addays",
    "tag characters": "Rent\U000e0061\U000e007f",
    "flag spelled with tags": "🏴\U000e0067\U000e0062\U000e007f",
    "musical control": "Rent\U0001d173",
    "Hangul filler": "Rent\u3164",
    "Braille blank": "\u2800",
    "variation selector after a letter": "Rent\ufe0f",
    "combining grapheme joiner": "Rent\u034f",
}
VISIBLE = [
    "Rent",
    "Miete für März",
    "家賃",
    "إيجار",
    "שכר דירה",
    "👨‍👩‍👧‍👦",
    "👩🏽‍🚀 fund",
    "🏳️‍🌈",
    "❤️‍🔥",
    "1️⃣",
    "🇫🇷",
    "é",
    "é",
]

# Columns of text that nobody outside writes, or whose text has a form of its own.
EXCEPTIONS = {
    "accounts.Account.external_account_type": "one of a list",
    "accounts.Account.type": "one of a list",
    "accounts.Account.routing_number": "made by us, encrypted",
    "accounts.Account.bank_account_number": "made by us, encrypted",
    "accounts.Account.routing_number_last_four": "made by us",
    "accounts.Account.bank_account_number_last_four": "made by us",
    "apikeys.ApiKey.prefix": "made by us",
    "apikeys.ApiKey.created_by": "an actor, whose name Django or the operating system has checked",
    "apikeys.ApiKey.permissions_changed_by": "an actor",
    "apikeys.ApiKey.paused_by": "an actor",
    "apikeys.KeyCustodian.actor": "an actor",
    "apikeys.Organization.status": "one of a list",
    "apikeys.PermissionEntry.scope": "one of a list",
    "apikeys.PermissionEntry.resources": "ids, read by their form",
    "apikeys.PermissionEntry.source": "an id, read by its form",
    "apikeys.PermissionEntry.target": "an id, read by its form",
    "apikeys.SpentPair.source": "copied from an entry",
    "apikeys.SpentPair.target": "copied from an entry",
    "apikeys.CallInProgress.key": "see IdempotencyRecord",
    "apikeys.CallInProgress.endpoint": "see IdempotencyRecord",
    "apikeys.CallInProgress.request_id": "see IdempotencyRecord",
    "apikeys.CallInProgress.method": "see IdempotencyRecord",
    "apikeys.CallInProgress.path": "see IdempotencyRecord",
    "apikeys.IdempotencyRecord.key": "visible ASCII",
    "apikeys.IdempotencyRecord.endpoint": "of a declaration",
    "apikeys.IdempotencyRecord.request_id": "a form of its own",
    "apikeys.IdempotencyRecord.method": "one of a list",
    "apikeys.IdempotencyRecord.path": "what was asked for, told as it was",
    "apikeys.IdempotencyRecord.request_body": "what was asked for, told as it was",
    "apikeys.IdempotencyRecord.response_body": "what was answered, byte for byte",
    "cards.Card.type": "one of a list",
    "cards.Card.status": "one of a list",
    "cards.Card.last_four": "made by us",
    "cards.CardTransaction.direction": "one of a list",
    "cards.CardTransaction.merchant_name": "checked by clean_name; a refund repeats what its purchase says",
    "cards.CardDecline.reason": "one of a list",
    "rules.Rule.status": "one of a list",
    "rules.Rule.trigger_type": "one of a list",
    "rules.Rule.enabled_by": "an actor",
    "rules.RuleVersion.created_by": "an actor",
    "rules.RuleExecution.rule_name": "the rule's name when it ran, told as it was",
    "rules.RuleExecution.mode": "one of a list",
    "rules.RuleExecution.status": "one of a list",
    "rules.RuleExecution.trigger_type": "one of a list",
    "rules.RuleExecution.request_id": "a form of its own",
    "rules.RuleExecution.started_by": "an actor",
    "rules.RuleMove.limit_period": "one of a list",
    "rules.RuleMove.action_key": "made by us",
    "rules.RuleExecution.error_message": "written by us",
    "sequence.AuditEntry.actor": "made by us of an id, a user name or a command's",
    "sequence.AuditEntry.action": "written by us",
    "sequence.AuditEntry.method": "one of a list",
    "sequence.AuditEntry.path": "percent-encoded",
    "sequence.AuditEntry.error_code": "written by us",
    "sequence.AuditEntry.reason": "made plain where it comes in, a note checked by its form",
    "sequence.AuditEntry.resource_type": "written by us",
    "sequence.AuditEntry.resource_id": "an id, or the key of a row of ours",
    "sequence.AuditChain.fault_code": "written by us",
    "sequence.AuditSigningKey.private_key": "made by us, encrypted",
    "sequence.AuditSigningKey.public_key": "made by us",
    "sequence.CallsBeyondLimit.actor": "made by us of an id, a user name or a command's",
    "sequence.CallsBeyondLimit.action": "written by us",
    "sequence.CallsBeyondLimit.method": "one of a list",
    "sequence.CallsBeyondLimit.path": "percent-encoded",
    "sequence.EventReader.name": "written by us",
    "sequence.SecondFactor.secret": "made by us, encrypted",
    "sequence.SignIn.outcome": "one of a list",
    "sequence.SignIn.person": "a staff user's name, which Django's validator has seen",
    "sequence.SignIn.name_digest": "made by us",
    "sequence.SignInWindow.digest": "made by us",
    "sequence.ApprovalNotice.occasion": "one of a list",
    "sequence.WebhookEndpoint.url": "visible ASCII",
    "sequence.WebhookEndpoint.event_names": "of a list",
    "sequence.WebhookEndpoint.format": "one of a list",
    "sequence.WebhookEndpoint.status": "one of a list",
    "sequence.WebhookEndpoint.disabled_reason": "one of a list",
    "sequence.WebhookEndpoint.secret": "made by us, encrypted",
    "sequence.WebhookEndpoint.previous_secret": "made by us, encrypted",
    "sequence.WebhookEndpoint.created_by": "an actor",
    "sequence.WebhookDelivery.status": "one of a list",
    "sequence.WebhookDelivery.error": "written by us",
    "sequence.WorkerProcess.host": "the operating system's",
    "sequence.WorkerProcess.broken_sweep": "written by us",
    "transfers.TransferDecision.pgh_label": "made by us",
    "transfers.TransferDecision.decided_by": "copied from the transfer",
    "transfers.TransferDecision.cancelled_by": "copied from the transfer",
    "transfers.TransferDecision.decision_note": "copied from the transfer",
    "transfers.TransferDecision.failure_note": "copied from the transfer",
    "transfers.TransferDecision.failure_taken_by": "copied from the transfer",
    "transfers.Transfer.rail": "one of a list that the rails declare",
    "transfers.RailTrouble.rail": "one of a list that the rails declare",
    "transfers.SimulatedTransfer.description": "letters, digits and spaces of ASCII",
    "transfers.Transfer.description": "letters, digits and spaces of ASCII",
}
OURS = ("accounts", "apikeys", "cards", "rules", "sequence", "transfers")
# How an actor, a choice and a form of its own are recognised without being listed.
KNOWN_NAMES = {"request_id", "decided_by", "cancelled_by", "failure_taken_by", "proposed_by", "posted_by", "by"}


def _text_columns():
    for model in apps.get_models():
        tracked = model.__name__.endswith("Event") or model._meta.proxy
        if model._meta.app_label not in OURS or tracked:
            continue
        for field in model._meta.local_fields:
            inner = field.base_field if isinstance(field, ArrayField) else field
            if isinstance(inner, models.CharField | models.TextField):
                yield f"{model._meta.app_label}.{model.__name__}.{field.name}", inner


class TestFlaw:
    @pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
    def test_is_seen_in_a(self, text):
        assert flaw_of(text).code == "invisible_character"
        assert flaw_of(text, multiline=True).code == "invisible_character"

    @pytest.mark.parametrize("text", VISIBLE)
    def test_is_not_seen_in(self, text):
        assert flaw_of(text) is None

    @pytest.mark.parametrize("text", ["a\nb", "a\x00b", "a\u2028b", "a\ud83d"])
    def test_is_a_control_character(self, text):
        assert flaw_of(text).code == "control_character"

    def test_spares_the_line_breaks_of_a_text_of_several_lines(self):
        assert flaw_of("a\n\tb", multiline=True) is None

    def test_is_told_by_the_pattern_of_the_document_too(self):
        pattern = re.compile(f"[{refused_in_patterns()}]")

        spared = {"joiner between letters", "joiner at the end of an emoji", "joiner before a letter"}
        spared.add("variation selector after a letter")
        for name, text in INVISIBLE.items():
            assert bool(pattern.search(text)) is (name not in spared), name
        assert not any(pattern.search(text) for text in VISIBLE)


class TestEveryTextColumn:
    def test_is_plain_text_or_says_why_not(self):
        forgotten = [
            name
            for name, field in _text_columns()
            if not isinstance(field, PlainTextField)
            and name not in EXCEPTIONS
            and not field.choices
            and name.rpartition(".")[2] not in KNOWN_NAMES
        ]
        assert forgotten == []

    def test_is_no_exception_that_is_plain_text_or_gone(self):
        columns = dict(_text_columns())
        assert [name for name in EXCEPTIONS if isinstance(columns.get(name), PlainTextField | None)] == []

    @pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
    def test_refuses_a_write_that_passed_no_form(self, text, acme):
        with pytest.raises(InvalidRequest, match="name"):
            Organization.objects.filter(pk=acme.pk).update(name=text)
        with pytest.raises(InvalidRequest, match="name"):
            Organization.objects.create(name=text, legal_name="Fine")

    def test_refuses_it_in_forms_beside_the_field(self):
        with pytest.raises(ValidationError) as refused:
            Account._meta.get_field("name").run_validators("Chase\u202eknab")
        assert [error.code for error in refused.value.error_list] == ["invisible_character"]


class TestEveryTextOfTheApi:
    def test_is_read_by_a_field_that_refuses_what_nobody_sees(self):
        """Serializers of answers repeat what is stored; those of requests are strict ones."""
        loose = [
            f"{serializer.__module__}.{serializer.__name__}.{name}"
            for serializer in subclasses(StrictSerializer)
            for name, field in serializer().fields.items()
            if isinstance(field, serializers.CharField) and not isinstance(field, Text | IdText) and not field.read_only
        ]
        # The name that GET gave with an account is ignored.
        assert loose == ["rules.serializers.fields.RuleAccountInput.name"]

    @pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
    @pytest.mark.parametrize("field", ["nickname", "icon", "description"])
    def test_is_refused_beside_its_field(self, api, text, field):
        response = api.post(PODS, {"nickname": "Rent", field: text})

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == (field, "invisible_character")
        assert not Account.objects.exists()

    @pytest.mark.parametrize("text", VISIBLE)
    def test_may_be(self, api, text):
        response = api.post(PODS, {"nickname": text})

        assert response.json()["data"]["name"] == text


def subclasses(parent):
    for child in parent.__subclasses__():
        yield child
        yield from subclasses(child)


class TestCommands:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["create_organization", "--name", "Smith\u202e"],
            ["create_organization", "--name", "Smith", "--legal-name", "Smith\u200b"],
        ],
    )
    def test_refuse_what_nobody_sees(self, db, arguments):
        with pytest.raises(CommandError, match="nobody sees"):
            call_command(*arguments)
        assert not Organization.objects.exists()

    def test_refuse_it_of_a_card(self):
        with pytest.raises(InvalidRequest, match="nobody sees"):
            clean_name("Ada\u202e", field="holder_name")
