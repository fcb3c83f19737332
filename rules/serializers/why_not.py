"""Answer of the endpoint that tells why a rule did not run."""

from django.db.models import TextChoices
from rest_framework import serializers

from rules.engine.changes import Change
from rules.reasons import Answer, Reason
from sequence.core.api.fields import Id, Word


class Verdict(TextChoices):
    """Whether the transfer set the rule off, so that it moved something."""

    RAN = "ran"
    DID_NOT_RUN = "did_not_run"


class LiteralChange(serializers.Serializer):
    """Another literal in one condition, which alone would have made its step hold, and no nearer one would."""

    change = serializers.CharField(help_text="Where in the rule the literal stands.")
    to = serializers.IntegerField(help_text="What it would have to be.")

    def to_representation(self, instance: Change) -> dict[str, object]:
        return {"change": instance.path, "to": instance.to}


class WhyNotAnswer(serializers.Serializer):
    """Whether a transfer set a rule off, and if not, why."""

    answer = Word(Verdict, name="WhyNotVerdict")
    code = Word(Reason, name="WhyNotReason")
    sentence = serializers.CharField()
    rule_version = serializers.IntegerField(allow_null=True, help_text="The version that the rule had then.")
    rule_execution_id = Id("rex", allow_null=True)
    smallest_changes = LiteralChange(many=True, help_text="Each is enough alone.")

    def to_representation(self, instance: Answer) -> dict[str, object]:
        show = LiteralChange().to_representation
        return {
            "answer": (Verdict.RAN if instance.has_run else Verdict.DID_NOT_RUN).value,
            "code": instance.reason.value,
            "sentence": instance.sentence,
            "rule_version": instance.version,
            "rule_execution_id": instance.execution_id,
            "smallest_changes": [show(change) for change in instance.changes],
        }
