"""A transfer: one movement of money, from its request to its end."""

from datetime import datetime, timedelta

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Upper

from accounts.models import Account
from apikeys.models import MAX_ACTOR_LENGTH, ApiKey, Organization, OrganizationStatus
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.events.telling import tells_of_statements
from sequence.core.money import MAX_CENTS
from sequence.core.texts import MAX_REASON_LENGTH, PlainTextField
from sequence.core.tracking import by_time
from transfers.expressions import WAITS_UNTIL
from transfers.models import guards, news
from transfers.models.states import (
    FAILED,
    LATEST,
    STOPPABLE,
    TAKEN_WHOLE,
    TRANSITIONS,
    UNDER_WAY,
    UNTAKEN,
    CancelReason,
    Direction,
    ErrorCode,
    Origin,
    Status,
)

# After this a transfer that a worker broke on is tried again: what broke it may be mended by then.
STALLED_REST = timedelta(minutes=5)


# A literal, no parameter: in a plan that is made once for all statuses PostgreSQL cannot tell that the index of the
# sliver will do, and walks the whole table in the order of creation instead.
_PENDING_APPROVAL = RawSQL(f"'{Status.PENDING_APPROVAL.value}'", ())  # noqa: S611 - a constant of ours


class TransferQuerySet(models.QuerySet["Transfer"]):
    def for_organization(self, organization_id: str) -> "TransferQuerySet":
        """Transfers of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def touching(self, account_id: str) -> "TransferQuerySet":
        return self.filter(Q(source_id=account_id) | Q(destination_id=account_id))

    def under_way(self) -> "TransferQuerySet":
        """Transfers that may still move money."""
        return self.filter(status__in=UNDER_WAY)

    def accepted(self) -> "TransferQuerySet":
        """Transfers that a worker should look at once they are due, the oldest first."""
        return self.filter(status=Status.PROCESSING).order_by(WAITS_UNTIL, "created_at", "id")

    def due(self, at: datetime) -> "TransferQuerySet":
        """Transfers without those that are not to move yet."""
        return self.alias(waits_until=WAITS_UNTIL).filter(waits_until__lte=at)

    def with_stop(self) -> "TransferQuerySet":
        """Tell as ``stop_reason`` why nothing may come of them any more: a CancelReason, or None where all is well."""
        suspended = ~Q(organization__status=OrganizationStatus.ACTIVE)
        stopped = Q(api_key__paused_at__isnull=False) | Q(api_key__revoked_at__isnull=False)
        reason = Case(
            When(suspended, then=Value(CancelReason.ORGANIZATION_STOPPED.value)),
            When(stopped, then=Value(CancelReason.KEY_STOPPED.value)),
            output_field=models.CharField(null=True),
        )
        return self.annotate(stop_reason=reason)

    def stoppable(self) -> "TransferQuerySet":
        """Transfers that no rail has yet."""
        return self.filter(status__in=STOPPABLE)

    def ready(self, at: datetime) -> "TransferQuerySet":
        """Transfers without those that are left alone for now."""
        # What stalled in the future stalled before a clock was set back.
        has_rested = Q(stalled_at__lte=at - STALLED_REST) | Q(stalled_at__gt=at)
        return self.filter(Q(stalled_at=None) | has_rested)

    def stalled(self) -> "TransferQuerySet":
        """Transfers that a worker broke on, and none has carried on since."""
        return self.filter(stalled_at__isnull=False)

    def resting(self, at: datetime) -> "TransferQuerySet":
        """Stalled transfers that are left alone for now."""
        return self.filter(stalled_at__gt=at - STALLED_REST, stalled_at__lte=at)

    def unsubmitted(self) -> "TransferQuerySet":
        """Transfers that the rail does not have for sure, oldest first."""
        return self.filter(status=Status.PENDING, submitted_at=None).order_by("created_at", "id")

    def failed_since(self, at: datetime) -> "TransferQuerySet":
        """Transfers that failed or came back after the instant."""
        return self.filter(status__in=FAILED, updated_at__gt=at)

    def untaken(self) -> "TransferQuerySet":
        """Transfers that failed or came back, and that nobody has taken yet."""
        return self.filter(UNTAKEN)

    def undecided_since(self, at: datetime) -> "TransferQuerySet":
        return self.waiting_for_a_person().filter(created_at__lte=at)

    def waiting_for_a_person(self) -> "TransferQuerySet":
        """Transfers that somebody is to approve or reject, those that are cancelled undecided first on top."""
        return self.filter(status=_PENDING_APPROVAL).order_by("created_at", "id")

    def with_accounts(self) -> "TransferQuerySet":
        """Read the accounts along, for their names."""
        return self.select_related("source", "destination")


_HAS_SOURCE, _HAS_DESTINATION = Q(source__isnull=False), Q(destination__isnull=False)
_OUTSIDE_ORIGINS = [Origin.PAYCHECK, Origin.CHECK_DEPOSIT, Origin.CASHBACK]


# What was asked for. Nothing here changes after the insert, whatever becomes of it.
_ASKED = [
    *("id", "organization_id", "amount_cents", "direction", "origin", "description", "source_id", "destination_id"),
    *("rail", "rule_id", "rule_execution_id", "api_key_id", "request_id", "called_reason", "created_at", "not_before"),
]
_DECIDED = ["decided_by", "decided_at"]
_DECISION = [*_DECIDED, "cancelled_by", "cancel_reason", "decision_note"]
_TAKEN = ["failure_taken_by", "failure_taken_at", "failure_note"]


# Settlement changes too many of them for the trail; decisions are on it, with what they were about, whoever makes them
# and by whatever statement. UPDATE OF lets the others pass free.
@pghistory.track(
    pghistory.InsertEvent("record", trigger_name="record", condition=pgtrigger.Q(new__decided_by__isnull=False)),
    pghistory.UpdateEvent(
        "decide",
        trigger_name="decide",
        operation=pgtrigger.UpdateOf(*_DECISION),
        condition=pgtrigger.AnyChange(*_DECISION),
    ),
    pghistory.UpdateEvent(
        "take",
        trigger_name="take",
        operation=pgtrigger.UpdateOf(*_TAKEN),
        condition=pgtrigger.AnyChange(*_TAKEN),
    ),
    model_name="TransferDecision",
    append_only=True,
    meta=by_time(),
    fields=[
        *("id", "status", "cancel_reason", "decided_by", "cancelled_by", "decision_note"),
        *("organization", "amount_cents", "source", "destination"),
        *("failure_taken_by", "failure_note"),
    ],
    # Unknown of decisions from before the trail kept what they were about.
    attrs={"amount_cents": models.BigIntegerField(null=True)},
)
class Transfer(OwnedModel):
    """One movement of money. Cents, UTC.

    Money that comes from outside all by itself (a paycheck) has no source; a pull from outside has no destination.
    """

    id = PrefixedIdField("txr", primary_key=True)
    # Composite foreign keys hold both accounts and the key, which says more than constraints of their own would: see
    # the migration. The indexes of what has none begin other ones, below.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_cents = models.BigIntegerField()
    direction = models.CharField(max_length=10, choices=Direction)
    origin = models.CharField(max_length=15, choices=Origin)
    status = models.CharField(max_length=20, choices=Status)
    error_code = models.CharField(max_length=50, choices=ErrorCode, null=True)  # noqa: DJ001 - null in the API
    cancel_reason = models.CharField(max_length=25, choices=CancelReason, null=True)  # noqa: DJ001 - null in the API
    description = models.CharField(max_length=10, null=True)  # noqa: DJ001 - null in the API
    source = OwnForeignKey(
        Account, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="outgoing"
    )
    destination = OwnForeignKey(
        Account, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="incoming"
    )
    # The name of what carries it: see transfers.rails.
    rail = models.CharField(max_length=30)
    rule_id = PrefixedIdField("rule", null=True)
    rule_execution_id = PrefixedIdField("rex", null=True, db_index=True)

    # Who asked, and through which permission entry it is counted.
    api_key = OwnForeignKey(ApiKey, null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    # Why the caller asked, in its own words.
    called_reason = PlainTextField(max_length=MAX_REASON_LENGTH, null=True)
    spend_id = models.UUIDField(null=True)
    # Who first approved, rejected or cancelled it, and when: never changed. ``cancelled_by`` is who cancelled it after
    # somebody had decided otherwise. The note is of whoever decided last.
    decided_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    decided_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    decision_note = PlainTextField(max_length=MAX_NOTE_LENGTH, null=True)
    # Who looks after its failure, since when, and what they say about it: set once, together.
    failure_taken_by = models.CharField(max_length=MAX_ACTOR_LENGTH, null=True)  # noqa: DJ001
    failure_taken_at = models.DateTimeField(null=True)
    failure_note = PlainTextField(max_length=MAX_NOTE_LENGTH, null=True)

    created_at = models.DateTimeField(default=clock.now)
    # No money moves or is looked for before; caps count it in the periods of this instant.
    not_before = models.DateTimeField(null=True)
    # When it left PROCESSING for its rail: the day that counts for the rail's limits.
    accepted_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    # When a worker last broke on it, by a defect of ours; None again as soon as one carries it on.
    stalled_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    objects = TransferQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("decide_transfer", "Can approve and reject transfer"),
            ("cancel_transfer", "Can cancel transfer"),
            ("take_transfer", "Can take the failure of transfer"),
            ("simulate_transfer", "Can tell the simulated rail how transfer ends"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="transfer_within_organization"),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=1, amount_cents__lte=MAX_CENTS), name="transfer_amount_in_range"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="transfer_status_is_known"),
            models.CheckConstraint(
                condition=Q(source=None) | Q(destination=None) | ~Q(source=F("destination")),
                name="transfer_between_two_accounts",
            ),
            models.CheckConstraint(
                condition=(Q(direction=Direction.INTERNAL) & _HAS_SOURCE & _HAS_DESTINATION)
                | (Q(direction=Direction.MONEY_IN) & _HAS_DESTINATION)
                | (Q(direction=Direction.MONEY_OUT) & _HAS_SOURCE),
                name="transfer_has_its_ends",
            ),
            models.CheckConstraint(
                condition=Q(direction=Direction.INTERNAL, origin__in=[Origin.RULE, Origin.USER])
                | Q(direction=Direction.MONEY_IN, origin__in=[*_OUTSIDE_ORIGINS, Origin.USER_PULL])
                | Q(direction=Direction.MONEY_OUT, origin__in=[Origin.RULE, Origin.USER, Origin.EXTERNAL_PULL]),
                name="transfer_origin_fits_direction",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[Status.INCOMPLETE, Status.ERROR], error_code__isnull=False)
                | (~Q(status__in=[Status.INCOMPLETE, Status.ERROR]) & Q(error_code=None)),
                name="transfer_error_code_when_it_failed",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CANCELLED, cancel_reason__isnull=False, cancel_reason__in=CancelReason.values)
                | (~Q(status=Status.CANCELLED) & Q(cancel_reason=None)),
                name="transfer_cancel_reason_when_cancelled",
            ),
            models.CheckConstraint(condition=TAKEN_WHOLE, name="transfer_failure_taken_by_somebody"),
            models.CheckConstraint(
                condition=Q(status=Status.COMPLETE, completed_at__isnull=False)
                | Q(status=Status.ERROR)
                | (~Q(status__in=[Status.COMPLETE, Status.ERROR]) & Q(completed_at=None)),
                name="transfer_completed_at_when_complete",
            ),
            models.CheckConstraint(
                condition=Q(not_before=None)
                | Q(not_before__gt=F("created_at"), not_before__lte=F("created_at") + LATEST),
                name="transfer_due_later_within_reach",
            ),
        ]
        indexes = [
            # The two halves of an account's history, each in the order of its pages.
            models.Index(F("source"), F("created_at").desc(), F("id").desc(), name="transfer_by_source"),
            models.Index(F("destination"), F("created_at").desc(), F("id").desc(), name="transfer_by_destination"),
            # The staff's list and its periods, which no account narrows down.
            models.Index(F("created_at").desc(), F("id").desc(), name="transfer_list"),
            # What staff search for.
            models.Index(F("amount_cents"), F("created_at").desc(), F("id").desc(), name="transfer_by_amount"),
            models.Index(
                OpClass(Upper("description"), name="varchar_pattern_ops"),
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(description__isnull=False),
                name="transfer_by_description",
            ),
            # What workers and staff look for is a sliver of the table.
            models.Index(
                F("status"),
                WAITS_UNTIL,
                F("created_at"),
                F("id"),
                condition=Q(status__in=UNDER_WAY),
                name="transfer_due",
            ),
            models.Index(fields=["updated_at"], condition=Q(status__in=FAILED), name="transfer_failed"),
            models.Index(fields=["updated_at"], condition=UNTAKEN, name="transfer_failed_untaken"),
            # Not ``db_index``, which makes a second one for patterns that nobody asks for.
            models.Index(fields=["request_id"], name="transfer_by_request"),
            # What moved today.
            models.Index(fields=["completed_at"], condition=Q(completed_at__isnull=False), name="transfer_completed"),
            models.Index(fields=["stalled_at"], condition=Q(stalled_at__isnull=False), name="transfer_stalled"),
            # The rail's limits add up a day or a month of one organization.
            models.Index(fields=["organization", "direction", "accepted_at"], name="transfer_accepted"),
        ]
        triggers = [
            pgtrigger.FSM(name="status_never_goes_back", field="status", transitions=TRANSITIONS),
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            # What is stopped starts nothing, whoever writes it: see apikeys.standing, which has the same locks.
            pgtrigger.Trigger(
                name="starts_by_leave",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("standing", "RECORD")],
                func=guards.REFUSE_WHAT_IS_STOPPED,
            ),
            # After the constraints, which say more exactly what is wrong.
            pgtrigger.Trigger(
                name="stays_what_was_asked",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf(*_ASKED),
                condition=pgtrigger.AnyChange(*_ASKED),
                func=guards.REFUSE_ANOTHER_REQUEST,
            ),
            pgtrigger.Trigger(
                name="is_decided_once",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf(*_DECIDED, "cancelled_by"),
                condition=pgtrigger.Condition(guards.IS_DECIDED_AGAIN),
                func=guards.REFUSE_ANOTHER_DECIDER,
            ),
            pgtrigger.Trigger(
                name="failure_is_taken_once",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf(*_TAKEN),
                condition=pgtrigger.Condition(guards.IS_TAKEN_AGAIN),
                func=guards.REFUSE_ANOTHER_TAKER,
            ),
            tells_of_statements("tells_of_new_ones", operation=pgtrigger.Insert, news=news.CREATED),
            tells_of_statements("tells_of_its_status", operation=pgtrigger.Update, news=news.STATUS_CHANGED),
        ]

    def __str__(self) -> str:
        return self.id

    def shortfall_cents(self, available_cents: int | None) -> int:
        """Return what the source lacks to pay it. An institution that never told a balance decides for itself: 0."""
        return 0 if available_cents is None else max(0, self.amount_cents - available_cents)

    @property
    def counted_at(self) -> datetime:
        """The instant whose periods the caps count it in."""
        return self.not_before or self.created_at

    @property
    def holds_funds(self) -> bool:
        """Whether its amount is set aside on the source right now."""
        return self.status == Status.PENDING and self.source_id is not None

    def take_failure(self, *, by: str, at: datetime, note: str) -> None:
        """Let somebody look after its failure. The caller holds this row's lock."""
        self.failure_taken_by, self.failure_taken_at, self.failure_note = by, at, note
        self.save(update_fields=_TAKEN)

    def decide(
        self,
        *,
        status: Status,
        by: str,
        at: datetime,
        reason: CancelReason | None = None,
        note: str | None = None,
    ) -> None:
        """Record a decision, with why where it cancels. The caller holds this row's lock."""
        if self.decided_at is None:
            self.decided_by, self.decided_at = by, at
        else:
            self.cancelled_by = by
        self.status, self.updated_at = status, at
        self.cancel_reason, self.decision_note, self.stalled_at = reason, note, None
        self.save(update_fields=["status", *_DECISION, "updated_at", "stalled_at"])
