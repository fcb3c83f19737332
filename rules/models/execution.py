"""A rule's execution: one run, what it saw and what it moved."""

from datetime import datetime

import pgtrigger
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apikeys.models import MAX_ACTOR_LENGTH, Organization
from rules.engine.traces import Trace
from rules.models.rule import OrderedJSONField, Rule, RuleVersion
from rules.vocabulary import TriggerType
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from transfers.models import Status, Transfer

# Transfers that have not ended yet.
ON_ITS_WAY = (Status.PROCESSING, Status.PENDING)
# Transfers that limits count: they have not failed.
MOVED = (*ON_ITS_WAY, Status.COMPLETE)


class ExecutionStatus(models.TextChoices):
    """How a run stands."""

    IN_PROGRESS = "in_progress"
    EXECUTED = "executed"
    PARTIAL = "partial"
    FAILED = "failed"


FAILED = (ExecutionStatus.PARTIAL, ExecutionStatus.FAILED)
# What has ended stays as it ended.
_EXECUTION_TRANSITIONS: list[tuple[str, str]] = [
    (ExecutionStatus.IN_PROGRESS, ExecutionStatus.EXECUTED),
    (ExecutionStatus.IN_PROGRESS, ExecutionStatus.PARTIAL),
    (ExecutionStatus.IN_PROGRESS, ExecutionStatus.FAILED),
]
# What a run becomes; everything else of it is as it was started.
_OUTCOME = [
    *("status", "attempts", "decided_at", "next_attempt_at", "step_index_matched", "conditions_not_met", "attempted"),
    *("failed_without_transfer", "error_message", "trace", "chain_runs"),
]


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
    trigger_type = models.CharField(max_length=25, choices=TriggerType.choices())
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
            models.CheckConstraint(
                condition=Q(status=ExecutionStatus.IN_PROGRESS) | Q(decided_at__isnull=False),
                name="execution_ends_decided",
            ),
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
        triggers = [
            pgtrigger.FSM(name="status_follows_its_path", field="status", transitions=_EXECUTION_TRANSITIONS),
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="stays_what_was_started", exclude=_OUTCOME),
        ]

    def __str__(self) -> str:
        return self.id

    def transfers(self) -> list[Transfer]:
        """Return its transfers in the order in which they were made."""
        if not hasattr(self, "_transfers"):
            moves = self.moves.select_related("transfer").order_by("id")
            self._transfers = [move.transfer for move in moves]
        return self._transfers

    @property
    def due_at(self) -> datetime | None:
        """The instant that a run of a schedule is judged by, however late it is; None for now."""
        return self.scheduled_at

    # Mutators. The caller holds this row's lock and writes it afterwards: see rules.execution_rows for many at once.

    def decide(
        self,
        *,
        trace: Trace,
        step_index: int | None,
        attempted: int,
        failed_without_transfer: int,
        at: datetime,
    ) -> None:
        """Remember what this try decided, and how many movements it tried."""
        self.trace, self.decided_at, self.next_attempt_at = trace, at, None
        self.step_index_matched, self.conditions_not_met = step_index, step_index is None
        self.attempted += attempted
        self.failed_without_transfer = failed_without_transfer

    def end(self, status: ExecutionStatus) -> None:
        """Set the final status: it never changes after this."""
        self.status = status

    def fail(self, message: str, *, at: datetime) -> None:
        """End it before it has decided anything."""
        self.end(ExecutionStatus.FAILED)
        self.error_message, self.decided_at, self.next_attempt_at = message, at, None

    def try_again(self, at: datetime) -> None:
        """Leave it undecided until then."""
        self.decided_at, self.next_attempt_at = None, at

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
