"""A replay of a rule: what was asked, how far it is, what came of it."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from apikeys.models import MAX_ACTOR_LENGTH, Organization
from rules.engine.definition import Definition
from rules.models import Rule, RuleVersion
from rules.models.rule import OrderedJSONField
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey

# How long a replay can be read.
KEPT = timedelta(days=30)
# A worker tells every second how far it is. One that has not for so long is dead, and another one begins anew.
SILENCE = timedelta(seconds=60)
# A history that has broken so many workers breaks the next one, too.
MAX_ATTEMPTS = 3


class ReplayStatus(models.TextChoices):
    """How a replay stands."""

    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"


class ReplayError(models.TextChoices):
    """Why a replay failed."""

    TOO_MANY_EVENTS = "too_many_events"
    UNEXPECTED_ERROR = "unexpected_error"


class RuleReplayQuerySet(models.QuerySet["RuleReplay"]):
    def in_progress(self) -> "RuleReplayQuerySet":
        """Replays that have not ended, the oldest first."""
        return self.filter(status=ReplayStatus.IN_PROGRESS).order_by("created_at", "id")

    def kept(self, at: datetime) -> "RuleReplayQuerySet":
        """Replays that can be read; of the others a chore has not heard yet."""
        return self.filter(created_at__gt=at - KEPT)

    def claimable(self, at: datetime) -> "RuleReplayQuerySet":
        """Those of which no living worker has hold. What was heard in the future came before a clock was set back."""
        silent = Q(heard_at__lt=at - SILENCE) | Q(heard_at__gt=at + SILENCE)
        return self.in_progress().filter(Q(heard_at=None) | silent)


class RuleReplay(OwnedModel):
    """What a definition would have done in the time after ``from_at``, until ``to_at``. Cents, UTC."""

    id = PrefixedIdField("rpl", primary_key=True)
    # Composite foreign keys hold the rule and its version, which says more than constraints of their own would: see the
    # migrations.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    rule = OwnForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="replays")
    # None of a draft.
    version = OwnForeignKey(RuleVersion, null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    definition = OrderedJSONField()
    # Every account that the rule or the draft touches: whoever reads this must be allowed to read them.
    account_ids = models.JSONField()
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    status = models.CharField(max_length=15, choices=ReplayStatus, default=ReplayStatus.IN_PROGRESS)
    error_code = models.CharField(max_length=50, choices=ReplayError, null=True)  # noqa: DJ001 - null in the API
    asked_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    # Which worker has hold of it, when that was last heard, how often one began, and how far this one is.
    claim = models.UUIDField(null=True)
    heard_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    events_seen = models.PositiveIntegerField(default=0)

    # What came of it, as the API tells it, with the balances of each day for the picture.
    result = OrderedJSONField(null=True)
    days = OrderedJSONField(null=True)
    digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null in the API

    objects = RuleReplayQuerySet.as_manager()

    class Meta:
        # Whoever may see the rule and transfers may see what it would have done.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(status=ReplayStatus.IN_PROGRESS), name="replay_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(from_at__lt=models.F("to_at")), name="replay_goes_forward"),
            models.CheckConstraint(
                condition=Q(status=ReplayStatus.FAILED, error_code__isnull=False)
                | (~Q(status=ReplayStatus.FAILED) & Q(error_code=None)),
                name="replay_error_code_when_it_failed",
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "-created_at", "-id"], name="replay_list"),
            models.Index(fields=["created_at"], name="replay_by_age"),
        ]

    def __str__(self) -> str:
        return self.id

    def parsed(self) -> Definition:
        """Return what was replayed as a value."""
        return Definition.read(self.definition)

    def take(self, *, at: datetime) -> None:
        """Take hold of it for this process. The caller has its row's lock, or just made it, and writes it."""
        self.claim, self.heard_at, self.attempts = uuid.uuid4(), at, self.attempts + 1
