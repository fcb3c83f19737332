"""Dry runs on the wire. Fields stand in the order of the contract."""

from datetime import datetime

from rest_framework import serializers

from apikeys.limits import TRANSFER_LIMITS, Verdict
from sequence.core.api.fields import Constant, StoredCents, Word, show_time
from sequence.core.api.schemas import NULL, Variants
from sequence.core.errors import MayTell
from sequence.core.typing import JsonObject
from transfers.dry_run import VERDICTS, DryRun, DryRunVerdict, ShownCheck, sentence
from transfers.models import Direction, Origin, Status
from transfers.serializers import AccountReference, show_reference
from transfers.smallest_changes import Change


class PlannedTransfer(serializers.Serializer):
    """The transfer that would be made. What nobody carries has no direction, and what is refused no status."""

    amount_in_cents = StoredCents()
    direction = Word(Direction, name="TransferDirection", allow_null=True)
    origin = Word(Origin, name="TransferOrigin", allow_null=True)
    source = AccountReference()  # type: ignore[assignment]
    destination = AccountReference()
    expected_status = Word(Status, name="TransferStatus", allow_null=True)


class TransferCheck(serializers.Serializer):
    """One check, and what it says. ``limit`` and ``used`` are cents, or transfers where the check counts those."""

    check = serializers.ChoiceField(choices=["route", *(limit.code for limit in TRANSFER_LIMITS), "balance"])
    entry = serializers.IntegerField(allow_null=True, help_text="The index of the entry in GET /key.")
    verdict = Word(Verdict, name="CheckVerdict")
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField(allow_null=True)


class AmountChange(serializers.Serializer):
    """The largest amount that passes."""

    change = Constant("amount_in_cents")
    to = StoredCents()
    verdict = Word(DryRunVerdict)


class TimeChange(serializers.Serializer):
    """The earliest reset of a limit at which the same would pass."""

    change = Constant("not_before")
    to = serializers.DateTimeField()
    verdict = Word(DryRunVerdict)


class Nothing(serializers.Field):
    """Nothing at all: null."""

    def json_schema(self) -> JsonObject:
        return NULL


class ApprovalChange(serializers.Serializer):
    """A person approves it."""

    change = Constant("approval")
    to = Nothing()
    verdict = Word(DryRunVerdict)


class LeastLimits(serializers.Serializer):
    """The least values of those limits of an entry that stand in the way."""

    max_amount = StoredCents(required=False)
    max_amount_per_day = StoredCents(required=False)
    max_amount_per_week = StoredCents(required=False)
    max_amount_per_month = StoredCents(required=False)
    max_count_per_day = serializers.IntegerField(required=False)
    max_count_per_week = serializers.IntegerField(required=False)
    max_count_per_month = serializers.IntegerField(required=False)
    approval_above = StoredCents(required=False)
    requires_reason = serializers.BooleanField(required=False)


class PermissionChange(serializers.Serializer):
    """Staff change an entry of the key: these are the least values with which it lets this through."""

    change = Constant("permission")
    to = LeastLimits()
    verdict = Word(DryRunVerdict)


_CHANGES = {
    "amount_in_cents": AmountChange,
    "not_before": TimeChange,
    "approval": ApprovalChange,
    "permission": PermissionChange,
}


class SmallestChanges(serializers.Field):
    """Changes of which each is enough alone, at most one of each kind."""

    def json_schema(self) -> JsonObject:
        change = Variants("SmallestChange", _CHANGES, told_by="change", description="A change that is enough alone.")
        return {"type": "array", "items": change}


class DryRunDetail(serializers.Serializer):
    """What POST /transfers would do."""

    verdict = Word(DryRunVerdict)
    code = serializers.CharField(allow_null=True, help_text="The code that POST /transfers would refuse with.")
    sentence = serializers.CharField()
    would_complete = serializers.BooleanField(
        allow_null=True, help_text="Whether the source has the money now; null where that is not known to the key."
    )
    transfer = PlannedTransfer()
    checks = TransferCheck(many=True)
    smallest_changes = SmallestChanges()


def show_dry_run(run: DryRun, may_tell: MayTell) -> JsonObject:
    """Return ``DryRunDetail``, for a reader who may know some accounts."""
    question = run.question
    return {
        "verdict": VERDICTS[run.verdict],
        "code": run.refusal.code if run.refusal else None,
        "sentence": sentence(run, may_tell),
        "would_complete": run.would_complete,
        "transfer": {
            "amount_in_cents": question.ask.amount_cents,
            "direction": run.route.direction if run.route else None,
            "origin": run.origin,
            "source": show_reference(question.source),
            "destination": show_reference(question.destination),
            "expected_status": run.expected_status,
        },
        "checks": [_show_check(check) for check in run.checks],
        "smallest_changes": [_show_change(change) for change in run.changes],
    }


def _show_check(check: ShownCheck) -> JsonObject:
    return {
        "check": check.check,
        "entry": check.entry,
        "verdict": check.verdict.value,
        "limit": check.limit,
        "used": check.used,
        "resets_at": show_time(check.resets_at) if check.resets_at else None,
    }


def _show_change(change: Change) -> JsonObject:
    to = show_time(change.to) if isinstance(change.to, datetime) else change.to
    return {"change": change.what, "to": to, "verdict": VERDICTS[change.verdict]}
