"""A rule's execution: one run, what it saw and what it moved."""

from datetime import datetime, time, timedelta

import pgtrigger
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apikeys.models import MAX_ACTOR_LENGTH, Organization
from rules.engine.traces import Trace
from rules.engine.vocabulary import TriggerType
from rules.models.rule import OrderedJSONField, Rule, RuleVersion
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.events.telling import tells_of_statements
from transfers.models import SimulatedTransfer, Status, Transfer

# Transfers that have not ended yet.
ON_ITS_WAY = (Status.PROCESSING, Status.PENDING)
# Transfers that limits count: they have not failed.
MOVED = (*ON_ITS_WAY, Status.COMPLETE)

# When to try again after the rail refused all of a run for a reason that passes. Three more tries within a day and a
# half; a person has seen the failure by then.
RETRY_DELAYS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
# By which the clocks of two workers may differ, without one taking the other's try for one of a clock set back since.
CLOCKS_DIFFER = timedelta(minutes=1)


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

# Of a simulation nothing is told.
_FINISHED = """
SELECT fresh.organization_id, 'rule_execution.finished' AS event, jsonb_build_object(
    'rule_execution_id', fresh.id, 'rule_id', fresh.rule_id, 'status', fresh.status,
    'conditions_not_met', fresh.conditions_not_met
) AS data, now() AS at
FROM {rows} WHERE fresh.mode = 'live' AND fresh.status <> 'in_progress' AND {was_in_progress}
"""
_WAS_IN_PROGRESS = "stale.status = 'in_progress'"


class ExecutionMode(models.TextChoices):
    """Whether it moves money."""

    LIVE = "live"
    SIMULATION = "simulation"


class RuleExecutionQuerySet(models.QuerySet["RuleExecution"]):
    def waiting(self, at: datetime) -> "RuleExecutionQuerySet":
        """Live runs that have yet to decide, oldest first."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=at) | _is_beyond_its_delay(at)
        return self.undecided().filter(due).order_by("created_at", "id")

    def undecided(self) -> "RuleExecutionQuerySet":
        """Live runs that have yet to decide, those too that rest before another try."""
        return self.filter(status=ExecutionStatus.IN_PROGRESS, decided_at=None)

    def failed_since(self, at: datetime) -> "RuleExecutionQuerySet":
        """Runs that failed, all of them or in part, and decided so after the instant."""
        return self.filter(status__in=FAILED, decided_at__gt=at)

    def unfinished(self) -> "RuleExecutionQuerySet":
        """Runs that have decided and none of whose transfers is on its way any more, oldest first."""
        moves = RuleMove.objects.filter(organization_id=OuterRef("organization_id"), execution=OuterRef("pk"))
        under_way = moves.filter(transfer__status__in=ON_ITS_WAY)
        decided = self.filter(status=ExecutionStatus.IN_PROGRESS, decided_at__isnull=False)
        return decided.exclude(Exists(under_way)).order_by("created_at", "id")


def _is_beyond_its_delay(at: datetime) -> Q:
    """Tries that are further off than they were put off: the clock was set back, and nobody waits for it to catch up.

    One that waits for the rail's next day waits for midnight, whatever the clock says.
    """
    beyond = Q()
    for attempts, delay in enumerate(RETRY_DELAYS, start=1):
        beyond |= Q(attempts=attempts, next_attempt_at__gt=at + delay + CLOCKS_DIFFER)
    return beyond & ~Q(next_attempt_at__time=time(0), next_attempt_at__lte=at + timedelta(days=1))


class RuleExecution(OwnedModel):
    """One run of a rule: why, what it saw, what it moved. Cents, UTC."""

    id = PrefixedIdField("rex", primary_key=True)
    # Composite foreign keys hold the rule, its version, the transfer and the first run of a chain, which says more than
    # constraints of their own would: see the migrations. Indexes that begin with these columns are below.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    rule = OwnForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="executions")
    # The rule as it was when this ran.
    version = OwnForeignKey(RuleVersion, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    rule_name = models.CharField(max_length=100, null=True)  # noqa: DJ001
    mode = models.CharField(max_length=10, choices=ExecutionMode, default=ExecutionMode.LIVE)
    status = models.CharField(max_length=15, choices=ExecutionStatus, default=ExecutionStatus.IN_PROGRESS)
    trigger_type = models.CharField(max_length=25, choices=TriggerType.choices())
    trigger_transfer = OwnForeignKey(
        Transfer, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    incoming_cents = models.BigIntegerField(null=True)
    # Whether the trigger's account is looked at as if it held that: a key may ask so in a dialect.
    pretends_balance = models.BooleanField(default=False, db_default=False)
    scheduled_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    # Who asked for it, where somebody did: ``key:<id>`` or ``staff:<user name>``.
    started_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    # How many rules in a row have set each other off.
    hops = models.PositiveIntegerField(default=1)
    # The run that began the chain of rules setting each other off; None for itself. It counts the runs of its chain.
    chain_root = OwnForeignKey("self", null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+")
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
            models.UniqueConstraint(fields=["trigger_transfer", "organization"], name="execution_once_for_a_deposit"),
            models.UniqueConstraint(fields=["rule", "scheduled_at", "organization"], name="execution_once_for_a_slot"),
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
            tells_of_statements(
                "tells_of_ended_ones",
                operation=pgtrigger.Insert,
                news=_FINISHED.format(rows="fresh", was_in_progress="true"),
            ),
            tells_of_statements(
                "tells_of_its_end",
                operation=pgtrigger.Update,
                news=_FINISHED.format(rows="fresh JOIN stale USING (id)", was_in_progress=_WAS_IN_PROGRESS),
            ),
        ]

    def __str__(self) -> str:
        return self.id

    def transfers(self) -> list[Transfer]:
        """Return its live transfers in the order in which they were made."""
        if not hasattr(self, "_transfers"):
            moves = self.moves.filter(organization_id=self.organization_id)
            moves = moves.select_related("transfer").order_by("id")
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
        """Return the ids of its transfers, of the simulated ones as long as they are kept."""
        if self.mode == ExecutionMode.SIMULATION:
            simulated = SimulatedTransfer.objects.filter(rule_execution_id=self.id)
            return list(simulated.order_by("id").values_list("id", flat=True))
        return [transfer.id for transfer in self.transfers()]

    def transfer_counts(self) -> dict[str, int]:
        """Return how many transfers were tried, and how they stand now; of a simulation, as planned."""
        if self.mode == ExecutionMode.SIMULATION:
            return self._planned_counts()
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

    def _planned_counts(self) -> dict[str, int]:
        # Of the trace, which stays when the simulated transfers are forgotten.
        moving = self.trace.get("would_move", 0)
        return {
            "transfers_attempted": self.attempted,
            "transfers_completed": moving,
            "transfers_failed": self.attempted - self.trace.get("nothing_to_move", 0) - moving,
            "transfers_pending": 0,
        }


class RuleMove(OwnedModel):
    """Which action of which step made a transfer: what limits count by."""

    # Composite foreign keys hold the run, the transfer and the rule: see the migration.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    execution = OwnForeignKey(RuleExecution, on_delete=models.PROTECT, db_constraint=False, related_name="moves")
    transfer = OwnForeignKey(Transfer, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    # ``rule_move_by_count`` begins with it.
    rule = OwnForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
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
        constraints = [models.UniqueConstraint(fields=["transfer", "organization"], name="rule_move_of_one_transfer")]
        indexes = [models.Index(fields=["rule", "counted_at"], name="rule_move_by_count")]

    def __str__(self) -> str:
        return f"action {self.action_index} of {self.execution_id}"
