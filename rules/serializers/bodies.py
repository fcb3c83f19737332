"""Bodies and queries of the endpoints of rules."""

from django.db.models import TextChoices

from rules.models import ExecutionStatus, RuleStatus
from rules.serializers.actions import ActionField
from rules.serializers.conditions import ConditionField
from rules.serializers.fields import Flag, Told
from rules.serializers.triggers import TriggerField
from sequence.core.api.fields import BoundedList, Cents, IdText, PageQuery, StrictSerializer, Text, Time, Word
from transfers.serializers import ModeFilter

# Bounds on what one rule makes the engine do; far beyond what a person could review.
MAX_STEPS = 50
MAX_ACTIONS = 50


class RuleStepInput(StrictSerializer):
    """Conditions, and what is done when they hold."""

    conditions = ConditionField(required=False, help_text="Null: always.")
    actions = BoundedList(child=ActionField(), min_length=1, max_length=MAX_ACTIONS)

    def to_internal_value(self, data: object) -> dict[str, object]:
        values = super().to_internal_value(data)
        return {"conditions": values.get("conditions"), "actions": values["actions"]}


class RuleBody(StrictSerializer):
    """Body of ``POST /rules``."""

    nickname = Text(max_length=100, required=False, help_text="Display name.")
    description = Text(max_length=500, multiline=True, required=False, help_text="A note for people.")
    status = Word(RuleStatus, required=False, help_text="Ignored: a person enables the rule in the admin.")
    trigger = TriggerField()
    steps = BoundedList(child=RuleStepInput(), min_length=1, max_length=MAX_STEPS)


class RuleReplacementBody(RuleBody):
    """Body of ``PUT /rules/{id}``: a body of ``POST``, or all that ``GET`` gives."""

    id = Told()
    created_at = Told()
    updated_at = Told()


class DefinitionInput(StrictSerializer):
    """Trigger and steps as ``RuleBody`` has them, for a dialect that reads the rest of its bodies itself."""

    trigger = TriggerField(required=False)
    steps = BoundedList(child=RuleStepInput(), min_length=1, max_length=MAX_STEPS, required=False)


class TriggerRuleBody(StrictSerializer):
    """Body of ``POST /rules/{id}/trigger``."""

    manual_execute_amount = Cents(required=False, help_text="Takes the place of the incoming amount, in cents.")
    simulation = Flag(default=False, required=False, help_text="Run the same engine and move nothing.")


class RuleListQuery(PageQuery):
    """Query of ``GET /rules``."""

    source_id = IdText(required=False, help_text="Only rules whose trigger has this account.")


class WhyNotQuery(StrictSerializer):
    """Query of ``GET /rules/{id}/why-not``."""

    transfer_id = IdText(help_text="The transfer that did not set the rule off, or did.")


class ExecutionTrigger(TextChoices):
    """What set an execution off, as executions spell it."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    ON_FUNDS_TRANSFERRED = "on_funds_transferred"


class ExecutionListQuery(PageQuery):
    """Query of ``GET /rule-executions``."""

    rule_id = IdText(help_text="The rule whose executions are listed.")
    status = Word(ExecutionStatus, required=False)
    trigger_type = Word(ExecutionTrigger, required=False)
    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(required=False, help_text="Created at this time or later.")
    to = Time(required=False, help_text="Created at this time or earlier.")
    mode = Word(ModeFilter, default=ModeFilter.LIVE.value)
