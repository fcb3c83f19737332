"""What decides: rules, every version of them, and what each run did."""

import json
from datetime import datetime
from typing import Any

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from apikeys.models import MAX_ACTOR_LENGTH, Organization
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.texts import PlainTextField
from transfers.models import Status, Transfer


class OrderedJSONField(models.JSONField):
    """JSON that comes back as it was written: jsonb would sort the keys, and people read these in their order."""

    def db_type(self, connection: Any) -> str:
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class RuleStatus(models.TextChoices):
    """Whether it may run."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class TriggerType(models.TextChoices):
    """What sets it off, as rules spell it."""

    MANUAL = "MANUAL"
    ON_FUNDS_TRANSFERRED = "ON_FUNDS_TRANSFERRED"
    SCHEDULED = "SCHEDULED"


class ScheduleType(models.TextChoices):
    """When a scheduled rule runs."""

    ONE_TIME = "ONE_TIME"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BI_WEEKLY = "BI_WEEKLY"  # the 1st and the 15th
    MONTHLY = "MONTHLY"
    EVERY_OTHER_WEEK = "EVERY_OTHER_WEEK"  # every 14 days


class RuleQuerySet(models.QuerySet["Rule"]):
    def of(self, organization_id: str) -> "RuleQuerySet":
        """Rules of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def kept(self) -> "RuleQuerySet":
        return self.filter(deleted_at=None)

    def enabled(self) -> "RuleQuerySet":
        return self.kept().filter(status=RuleStatus.ENABLED)

    def naming(self, account_id: str) -> "RuleQuerySet":
        """Rules that name the account anywhere: trigger, source, destination, condition."""
        return self.filter(account_ids__contains=[account_id])

    def written_by(self, author: Q) -> "RuleQuerySet":
        """Rules whose first or present version somebody of these made; ``author`` is about ``created_by``."""
        versions = RuleVersion.objects.filter(author, rule=OuterRef("pk"))
        return self.filter(Exists(versions.filter(Q(number=1) | Q(number=OuterRef("version")))))

    def due(self, at: datetime) -> "RuleQuerySet":
        return self.enabled().filter(next_slot_at__lte=at).order_by("next_slot_at", "id")


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    append_only=True,
    fields=["id", "nickname", "description", "status", "version", "enabled_by", "enabled_version", "deleted_at"],
)
class Rule(models.Model):
    """What is to happen with money, and when. ``definition`` is the validated ``{"trigger", "steps"}``."""

    id = PrefixedIdField("rule", primary_key=True)
    # ``rule_list`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="rules", db_index=False)
    nickname = PlainTextField(max_length=100, null=True)
    description = PlainTextField(multiline=True, max_length=500, null=True)
    status = models.CharField(max_length=10, choices=RuleStatus, default=RuleStatus.DISABLED)
    trigger_type = models.CharField(max_length=25, choices=TriggerType)
    # A composite foreign key says more than a constraint of its own would: see migration 0002.
    trigger_account = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    definition = OrderedJSONField()
    # Every account that the definition names, so that "who uses this account?" is one look at an index.
    account_ids = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    enabled_at = models.DateTimeField(null=True)
    enabled_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    enabled_version = models.PositiveIntegerField(null=True)
    next_slot_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(null=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("enable_rule", "Can enable and disable rule"),
            ("simulate_rule", "Can simulate rule"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="rule_within_organization"),
            # Two rules for one paycheck would both spend it.
            models.UniqueConstraint(
                fields=["trigger_account"],
                condition=Q(status=RuleStatus.ENABLED, trigger_type=TriggerType.ON_FUNDS_TRANSFERRED),
                name="rule_one_enabled_for_arriving_funds",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(status=RuleStatus.DISABLED), name="rule_deleted_is_disabled"
            ),
            models.CheckConstraint(
                condition=Q(status=RuleStatus.DISABLED) | Q(enabled_at__isnull=False, enabled_by__isnull=False),
                name="rule_enabled_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="rule_list"),
            GinIndex(fields=["account_ids"], name="rule_accounts"),
            models.Index(fields=["next_slot_at", "id"], condition=Q(status=RuleStatus.ENABLED), name="rule_due"),
        ]

    def __str__(self) -> str:
        return self.nickname or self.id

    @property
    def trigger(self) -> dict[str, Any]:
        return self.definition["trigger"]


class RuleVersion(models.Model):
    """A rule as it was between two changes. Never changed, never removed."""

    # ``rule_version_number_once`` begins with it.
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    nickname = PlainTextField(max_length=100, null=True)
    description = PlainTextField(multiline=True, max_length=500, null=True)
    definition = OrderedJSONField()
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number_once")]
        triggers = [pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"version {self.number} of {self.rule_id}"


# Transfers that have not ended yet.
ON_ITS_WAY = (Status.PROCESSING, Status.PENDING)


class ExecutionStatus(models.TextChoices):
    """How a run stands."""

    IN_PROGRESS = "in_progress"
    EXECUTED = "executed"
    PARTIAL = "partial"
    FAILED = "failed"


FAILED = (ExecutionStatus.PARTIAL, ExecutionStatus.FAILED)


class ExecutionMode(models.TextChoices):
    """Whether it moves money."""

    LIVE = "live"
    SIMULATION = "simulation"


class RuleExecutionQuerySet(models.QuerySet["RuleExecution"]):
    def waiting(self, at: datetime) -> "RuleExecutionQuerySet":
        """Live runs that have yet to decide, oldest first."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=at)
        return self.undecided().filter(due).order_by("created_at", "id")

    def undecided(self) -> "RuleExecutionQuerySet":
        """Live runs that have yet to decide, those too that rest before another try."""
        return self.filter(status=ExecutionStatus.IN_PROGRESS, decided_at=None)

    def failed_since(self, at: datetime) -> "RuleExecutionQuerySet":
        """Runs that failed, all of them or in part, and decided so after the instant."""
        return self.filter(status__in=FAILED, decided_at__gt=at)

    def unfinished(self) -> "RuleExecutionQuerySet":
        """Runs that have decided and none of whose transfers is on its way any more, oldest first."""
        under_way = RuleMove.objects.filter(execution=OuterRef("pk"), transfer__status__in=ON_ITS_WAY)
        decided = self.filter(status=ExecutionStatus.IN_PROGRESS, decided_at__isnull=False)
        return decided.exclude(Exists(under_way)).order_by("created_at", "id")


class RuleExecution(models.Model):
    """One run of a rule: why, what it saw, what it moved. Cents, UTC."""

    id = PrefixedIdField("rex", primary_key=True)
    # Composite foreign keys hold the rule and the transfer, which says more than constraints of their own would: see
    # migration 0002. Indexes that begin with these columns are below.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    rule = models.ForeignKey(
        Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="executions"
    )
    # The rule as it was when this ran.
    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    rule_name = models.CharField(max_length=100, null=True)  # noqa: DJ001
    mode = models.CharField(max_length=10, choices=ExecutionMode, default=ExecutionMode.LIVE)
    status = models.CharField(max_length=15, choices=ExecutionStatus, default=ExecutionStatus.IN_PROGRESS)
    trigger_type = models.CharField(max_length=25, choices=TriggerType)
    trigger_transfer = models.ForeignKey(
        Transfer, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    incoming_cents = models.BigIntegerField(null=True)
    scheduled_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    # Who asked for it, where somebody did: ``key:<id>`` or ``staff:<user name>``.
    started_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    # How many rules in a row have set each other off.
    hops = models.PositiveIntegerField(default=1)
    # The run that began the chain of rules setting each other off; None for itself. It counts the runs of its chain.
    chain_root = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    chain_runs = models.PositiveIntegerField(default=1)
    # The how manieth of its chain it is.
    chain_number = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    step_index_matched = models.PositiveIntegerField(null=True)
    conditions_not_met = models.BooleanField(default=False)
    attempted = models.PositiveIntegerField(default=0)
    # Actions that failed before a transfer could be made of them.
    failed_without_transfer = models.PositiveIntegerField(default=0)
    error_message = models.TextField(null=True)  # noqa: DJ001
    trace = OrderedJSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)

    objects = RuleExecutionQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            # Exactly once: a deposit sets its rule off once, a slot fires once, whoever finds it.
            models.UniqueConstraint(fields=["trigger_transfer"], name="execution_once_for_a_deposit"),
            models.UniqueConstraint(fields=["rule", "scheduled_at"], name="execution_once_for_a_slot"),
            models.UniqueConstraint(fields=["organization", "id"], name="execution_within_organization"),
        ]
        indexes = [
            models.Index(
                fields=["rule", "-created_at", "-id"],
                name="execution_list",
            ),
            # The staff's list and its periods, which no rule narrows down.
            models.Index(fields=["-created_at", "-id"], name="execution_of_any_rule"),
            models.Index(
                fields=["created_at", "id"], condition=Q(status=ExecutionStatus.IN_PROGRESS), name="execution_due"
            ),
            # Not ``db_index``, which makes a second one for patterns that nobody asks for.
            models.Index(fields=["request_id"], name="execution_by_request"),
            models.Index(fields=["decided_at"], condition=Q(status__in=FAILED), name="execution_failed"),
        ]

    def __str__(self) -> str:
        return self.id

    def transfers(self) -> list[Transfer]:
        """Return its transfers in the order in which they were made."""
        if not hasattr(self, "_transfers"):
            moves = self.moves.select_related("transfer").order_by("id")
            self._transfers = [move.transfer for move in moves]
        return self._transfers

    def transfers_of_last_attempt(self) -> list[Transfer]:
        """Return the transfers that its latest decision made."""
        if self.decided_at is None:
            return []
        moves = self.moves.filter(made_at=self.decided_at).select_related("transfer").order_by("id")
        return [move.transfer for move in moves]

    @property
    def due_at(self) -> datetime | None:
        """The instant that a run of a schedule is judged by, however late it is; None for now."""
        return self.scheduled_at

    def transfer_ids(self) -> list[str]:
        return [transfer.id for transfer in self.transfers()]

    def transfer_counts(self) -> dict[str, int]:
        """Return how many transfers were tried, and how they stand now."""
        statuses = [transfer.status for transfer in self.transfers()]
        completed = statuses.count(Status.COMPLETE)
        pending = sum(status in ON_ITS_WAY for status in statuses)
        failed = len(statuses) - completed - pending
        return {
            "transfers_attempted": self.attempted,
            "transfers_completed": completed,
            "transfers_failed": failed + self.failed_without_transfer,
            "transfers_pending": pending,
        }


class RuleMove(models.Model):
    """Which action of which step made a transfer: what limits count by."""

    execution = models.ForeignKey(RuleExecution, on_delete=models.PROTECT, related_name="moves")
    transfer = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="+")
    # ``rule_move_by_count`` begins with it.
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="+", db_index=False)
    step_index = models.PositiveIntegerField()
    action_index = models.PositiveIntegerField()
    group_index = models.PositiveIntegerField()
    limit_period = models.CharField(max_length=15, null=True)  # noqa: DJ001
    # What the action is, wherever in the rule it stands: its type and its ends.
    action_key = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    # The instant whose periods it counts in: of a schedule the slot, however late the run.
    counted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["rule", "counted_at"], name="rule_move_by_count")]

    def __str__(self) -> str:
        return f"action {self.action_index} of {self.execution_id}"
