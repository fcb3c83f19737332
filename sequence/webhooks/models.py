"""Webhook endpoint, what waits to be sent to it, and every try of sending it."""

from datetime import datetime, timedelta

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from apikeys.models import Organization
from apikeys.models.organizations import MAX_ACTOR_LENGTH
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.encryption import EncryptedField
from sequence.core.events.models import EventCounter
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time

MAX_URL_LENGTH = 2_000
MAX_DESCRIPTION_LENGTH = 200
# The first and ten more.
MAX_TRIES = 11
# An endpoint that has failed for so long, and so often, is disabled.
FAILING_FOR = timedelta(days=5)
FAILURES_AT_LEAST = 20


class Format(models.TextChoices):
    """What the body of a request looks like."""

    EVENT = "event"
    PLATFORM = "platform"


class EndpointStatus(models.TextChoices):
    """Whether an endpoint is sent anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(models.TextChoices):
    """Why an endpoint is sent nothing any more."""

    BY_PERSON = "by_person", "by a person"
    GONE = "gone", "it answered 410: it is gone"
    FAILING = "failing", "it failed for five days"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def kept(self) -> "WebhookEndpointQuerySet":
        """Endpoints that nobody has deleted."""
        return self.filter(deleted_at=None)

    def enabled(self) -> "WebhookEndpointQuerySet":
        """Endpoints that requests are sent to."""
        return self.filter(status=EndpointStatus.ENABLED)

    def behind(self) -> "WebhookEndpointQuerySet":
        """Enabled endpoints for which events are numbered that they have not been given yet."""
        counter = EventCounter.objects.filter(organization_id=OuterRef("organization_id"))
        newest = Subquery(counter.values("last_sequence"))
        return self.enabled().alias(newest=newest).filter(newest__gt=F("after_sequence"))

    def failing_since(self, at: datetime) -> "WebhookEndpointQuerySet":
        """Enabled endpoints that have only failed since then, often enough to be given up."""
        return self.enabled().filter(failing_since__lte=at, failures__gte=FAILURES_AT_LEAST)


# The secrets stay out of the trail, and what deliveries do to the row is no change of it.
@pghistory.track(
    append_only=True,
    meta=by_time(),
    exclude=["secret", "previous_secret", "after_sequence", "failures", "failing_since"],
)
class WebhookEndpoint(OwnedModel):
    """Where an organization wants to be told what changed. People make it, never a key."""

    id = PrefixedIdField("whk", primary_key=True)
    # ``webhook_endpoint_within_organization`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    url = models.CharField("URL", max_length=MAX_URL_LENGTH)
    # ``events`` is what the trail calls an object's changes.
    event_names = ArrayField(
        models.CharField(max_length=40), verbose_name="events", default=list, blank=True, help_text="None means all."
    )
    format = models.CharField(max_length=10, choices=Format, default=Format.EVENT)
    description = PlainTextField(max_length=MAX_DESCRIPTION_LENGTH, blank=True)
    status = models.CharField(max_length=10, choices=EndpointStatus, default=EndpointStatus.ENABLED, editable=False)
    disabled_reason = models.CharField(  # noqa: DJ001 - null is "it is not"
        max_length=10, choices=DisabledReason, null=True, editable=False
    )
    disabled_at = models.DateTimeField(null=True, editable=False)
    # Deleted ones stay for the tries that name them, without their secrets.
    deleted_at = models.DateTimeField(null=True, editable=False)
    secret = EncryptedField(null=True, editable=False)
    previous_secret = EncryptedField(null=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    # Its cursor: events up to this number have been put into its queue.
    after_sequence = models.BigIntegerField(default=0, editable=False)
    # Tries that failed since the last one that did not, and when the first of them was.
    failures = models.IntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        # ``delete`` is that of people; the row stays.
        default_permissions = ("view", "add", "delete")
        permissions = [
            ("operate_webhookendpoint", "Can enable, disable, test and resend webhook endpoint"),
            ("rotate_webhookendpoint", "Can rotate the secret of webhook endpoint"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="webhook_endpoint_within_organization"),
            models.CheckConstraint(condition=Q(format__in=Format.values), name="webhook_format_is_known"),
            models.CheckConstraint(
                condition=Q(status=EndpointStatus.ENABLED, disabled_reason=None, disabled_at=None, deleted_at=None)
                | Q(
                    status=EndpointStatus.DISABLED,
                    disabled_reason__in=DisabledReason.values,
                    disabled_at__isnull=False,
                ),
                name="webhook_disabled_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None, secret__isnull=False)
                | Q(deleted_at__isnull=False, secret=None, previous_secret=None),
                name="webhook_secret_unless_deleted",
            ),
            models.CheckConstraint(
                condition=Q(previous_secret=None, previous_secret_until=None)
                | Q(previous_secret__isnull=False, previous_secret_until__isnull=False),
                name="webhook_previous_secret_until",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_enabled(self) -> bool:
        """Whether requests are sent to it."""
        return self.status == EndpointStatus.ENABLED

    def secrets(self, at: datetime) -> list[str]:
        """Return what its requests are signed with at that instant, the newest first."""
        if self.previous_secret is None or self.previous_secret_until is None or self.previous_secret_until <= at:
            return [str(self.secret)]
        return [str(self.secret), str(self.previous_secret)]

    # Mutators. The caller holds this row's lock, and saves it.

    def disable(self, reason: DisabledReason, *, at: datetime) -> None:
        """Send nothing more to it; what waits stays until it is enabled. It keeps the first reason."""
        if self.is_enabled:
            self.status, self.disabled_reason, self.disabled_at = EndpointStatus.DISABLED, reason, at

    def enable(self) -> None:
        """Go on where it stopped."""
        self.status, self.disabled_reason, self.disabled_at = EndpointStatus.ENABLED, None, None
        self.failures, self.failing_since = 0, None


class PendingDelivery(OwnedModel):
    """An event that an endpoint has not acknowledged yet. Gone when it has, or was given up."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    # A composite foreign key says more than a constraint of its own would: see the migration.
    endpoint = OwnForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    # Events are purged by SQL, which no foreign key of the ledger's kind shall hold up.
    event_id = PrefixedIdField("evt")
    # Its place among the first tries; null where it has none: a test goes out beside them.
    sequence = models.BigIntegerField(null=True)
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    # While a worker sends it: who, and until when nobody else may.
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id", "organization"], name="webhook_pending_once"),
            models.CheckConstraint(
                condition=Q(attempts__gte=0, attempts__lt=MAX_TRIES), name="webhook_pending_tries_left"
            ),
            models.CheckConstraint(
                condition=Q(claim=None, claimed_until=None) | Q(claim__isnull=False, claimed_until__isnull=False),
                name="webhook_claim_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "sequence"],
                condition=Q(attempts=0, sequence__isnull=False),
                name="webhook_first_tries",
            ),
            models.Index(fields=["endpoint", "due_at"], name="webhook_pending_by_due_at"),
            models.Index(fields=["due_at"], name="webhook_pending_due"),
        ]

    def __str__(self) -> str:
        return self.event_id


class DeliveryStatus(models.TextChoices):
    """How a try ended."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"


class WebhookDelivery(OwnedModel):
    """One try of sending an event to an endpoint: how it ended, and when the next one follows."""

    id = PrefixedIdField("dlv", primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    # As above.
    endpoint = OwnForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    event_id = PrefixedIdField("evt")
    attempt = models.SmallIntegerField()
    created_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=DeliveryStatus)
    status_code = models.SmallIntegerField(null=True)
    error = models.CharField(max_length=40, null=True)  # noqa: DJ001 - null is "none"
    duration_ms = models.IntegerField()
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="webhook_delivery_status_known"),
            models.CheckConstraint(
                condition=Q(attempt__gte=1, attempt__lte=MAX_TRIES), name="webhook_delivery_tries_at_most"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.RETRYING, next_attempt_at__isnull=False)
                | (~Q(status=DeliveryStatus.RETRYING) & Q(next_attempt_at=None)),
                name="webhook_delivery_next_attempt",
            ),
        ]
        indexes = [
            models.Index(fields=["event_id", "-created_at", "-id"], name="webhook_delivery_by_event"),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhook_delivery_by_endpoint"),
            models.Index(fields=["organization", "-created_at", "-id"], name="webhook_delivery_of"),
        ]
        triggers = [pgtrigger.Protect(name="stays_as_it_was", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.attempt} · {self.status}"
