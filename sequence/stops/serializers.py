"""Stops on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from apikeys.limits import SpendPeriod
from rules.models import RuleStatus
from sequence.core.api.fields import Id, StoredCents, StrictSerializer, Text, Word
from sequence.core.audit import MAX_NOTE_LENGTH
from transfers.models import Status


class PauseBody(StrictSerializer):
    """Body of ``POST /key/pause``."""

    reason = Text(max_length=MAX_NOTE_LENGTH, required=False, help_text="Why, for the people who will resume it.")


class Stopped(serializers.Serializer):
    """What was stopped."""

    type = serializers.ChoiceField(choices=["api_key", "organization"])
    id = serializers.CharField()
    name = serializers.CharField()


class CancelledTransfers(serializers.Serializer):
    """What was cancelled."""

    count = serializers.IntegerField()
    amount_in_cents = StoredCents()
    transfer_ids = serializers.ListField(child=Id("txr"))


class LateTransfer(serializers.Serializer):
    """A transfer that went too far to be stopped."""

    id = Id("txr")
    status = serializers.ChoiceField(choices=[Status.PENDING.value, Status.COMPLETE.value])
    amount_in_cents = StoredCents()
    rail = serializers.CharField()


class LateTransfers(serializers.Serializer):
    """What went too far to be stopped."""

    count = serializers.IntegerField()
    amount_in_cents = StoredCents()
    transfers = LateTransfer(many=True)


class EndedExecutions(serializers.Serializer):
    """Runs that had yet to decide."""

    count = serializers.IntegerField()
    ids = serializers.ListField(child=Id("rex"))


class GivenBack(serializers.Serializer):
    """What a cap has got back; an entry that is gone has neither source nor target."""

    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    target = serializers.CharField(allow_null=True)
    period = Word(SpendPeriod)
    amount_in_cents = StoredCents()
    count = serializers.IntegerField()


class WrittenRule(serializers.Serializer):
    """An enabled rule that what was stopped wrote or last changed."""

    id = Id("rule")
    name = serializers.CharField(allow_null=True)
    status = Word(RuleStatus)


class StopAccounting(serializers.Serializer):
    """What a stop did. Lists hold at most 100; counts and sums are whole."""

    stopped = Stopped(many=True)
    at = serializers.DateTimeField()
    cancelled = CancelledTransfers()
    not_stopped = LateTransfers()
    executions_ended = EndedExecutions()
    given_back = GivenBack(many=True)
    rules = WrittenRule(many=True)
