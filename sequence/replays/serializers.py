"""Replays on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from rules.serializers.bodies import MAX_STEPS, RuleStepInput
from rules.serializers.triggers import TriggerField
from sequence.core.api.fields import BoundedList, Id, Shown, StoredCents, StrictSerializer, Time, Word
from sequence.core.api.reading_time import reading_time
from sequence.core.api.schemas import union
from sequence.core.typing import JsonObject
from sequence.replays.findings import Assumption
from sequence.replays.models import ReplayError, ReplayStatus
from sequence.replays.services import check_span


class ReplayDefinition(StrictSerializer):
    """A draft: what the rule would do, and when."""

    trigger = TriggerField()
    steps = BoundedList(child=RuleStepInput(), min_length=1, max_length=MAX_STEPS)


class DraftBody(StrictSerializer):
    """A draft as people give one."""

    definition = ReplayDefinition()


class ReplayBody(StrictSerializer):
    """Body of ``POST /rules/{id}/replays``."""

    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(help_text="The replay begins after this time, at most 366 days before its end.")
    to = Time(required=False, help_text="The replay ends with this time; now where it is left out.")
    definition = ReplayDefinition(required=False, help_text="A draft; the rule's newest version where it is left out.")

    def validate(self, attrs: JsonObject) -> JsonObject:
        now = reading_time()
        if now is not None and (faults := check_span(attrs["from"], attrs.get("to"), now=now)):
            told = {
                str(fault["field"]): [serializers.ErrorDetail(str(fault["message"]), str(fault["code"]))]
                for fault in faults
            }
            raise serializers.ValidationError(told)
        return attrs


class ReplayStarted(serializers.Serializer):
    """What asking for a replay answers."""

    replay_id = Id("rpl")


class RunCounts(serializers.Serializer):
    """How runs ended; in ``executed`` everything moved, or there was nothing to move."""

    executed = serializers.IntegerField()
    partial = serializers.IntegerField()  # type: ignore[assignment]
    failed = serializers.IntegerField()
    no_match = serializers.IntegerField()


class ReplayRuns(serializers.Serializer):
    """Runs by how they ended, in the replay and in reality."""

    replay = RunCounts()
    actual = RunCounts()


class LowestBalance(serializers.Serializer):
    """The least that an account had in the time, and when it first had no more."""

    cents = StoredCents()
    at = serializers.DateTimeField()


class ReplayedAccount(serializers.Serializer):
    """An account in both courses. Its balances are null where its institution never told one."""

    id = Id("acc")
    name = serializers.CharField()
    opening_in_cents = StoredCents(allow_null=True)
    closing_actual_in_cents = StoredCents(allow_null=True)
    closing_replay_in_cents = StoredCents(allow_null=True)
    lowest_actual = LowestBalance(allow_null=True)
    lowest_replay = LowestBalance(allow_null=True)


class ReplayedWay(serializers.Serializer):
    """What the rule moved from one account to another, as far as it has arrived."""

    source = Id("acc")  # type: ignore[assignment]
    destination = Id("acc")
    actual_in_cents = StoredCents()
    replay_in_cents = StoredCents()


class ReplayedPayment(serializers.Serializer):
    """What a run paid."""

    destination = Id("acc")
    amount_in_cents = StoredCents()


class DepositTrigger(serializers.Serializer):
    """Money arrived; null where that was in the replay alone."""

    transfer_id = Id("txr", allow_null=True)


class SlotTrigger(serializers.Serializer):
    """The time came."""

    scheduled_at = serializers.DateTimeField()


class AskedTrigger(serializers.Serializer):
    """Somebody asked for the run."""

    rule_execution_id = Id("rex")


class ReplayDifference(serializers.Serializer):
    """What set the rule off and led to something else than in reality."""

    at = serializers.DateTimeField()
    trigger = Shown(union("ReplayTrigger", DepositTrigger, SlotTrigger, AskedTrigger))
    actual = ReplayedPayment(many=True)
    replay = ReplayedPayment(many=True)


class MissedTransfer(serializers.Serializer):
    """A transfer that the replayed accounts could not fund."""

    transfer_id = Id("txr")
    at = serializers.DateTimeField()
    short_by_in_cents = StoredCents()


class MissedCardTransaction(serializers.Serializer):
    """A purchase that the replayed accounts could not fund, or a refund of one, which is short of nothing."""

    card_transaction_id = Id("ctx")
    at = serializers.DateTimeField()
    short_by_in_cents = StoredCents()


class ReplayDetail(serializers.Serializer):
    """A replay. Until it is done its sums are zero and its lists empty; ``events_seen`` tells how far it is."""

    id = Id("rpl")
    rule_id = Id("rule")
    rule_version = serializers.IntegerField(allow_null=True, help_text="Null of a draft.")
    status = Word(ReplayStatus)
    vars()["from"] = serializers.DateTimeField()
    to = serializers.DateTimeField()
    error_code = Word(ReplayError, allow_null=True)
    events_seen = serializers.IntegerField()
    runs = ReplayRuns()
    accounts = ReplayedAccount(many=True)
    moved = ReplayedWay(many=True)
    would_have_failed = serializers.ListField(
        child=Shown(union("MissedMovement", MissedTransfer, MissedCardTransaction))
    )
    differences = ReplayDifference(many=True, help_text="The first 100, oldest first.")
    assumptions = serializers.ListField(child=Word(Assumption, name="ReplayAssumption"))
    digest = serializers.CharField(
        allow_null=True, help_text="SHA-256 of the RFC 8785 JSON of all but `id`, `status` and `digest`."
    )
