"""Idempotency record: a request that was answered, and what it was answered."""

from datetime import datetime

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import F, Q

from apikeys.models.keys import ApiKey
from apikeys.models.organizations import Organization
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.tracking import by_time

# SQLSTATE of our own: how a key is kept to one dialect.
USED_IN_ANOTHER_DIALECT = "SQ003"


class IdempotencyRecordQuerySet(models.QuerySet["IdempotencyRecord"]):
    def expired(self, at: datetime) -> "IdempotencyRecordQuerySet":
        return self.filter(expires_at__lte=at)


# Written with every request, so no trigger watches it; what staff do to a record by hand is noted by the service.
@pghistory.track(
    pghistory.ManualEvent("expire"),
    pghistory.ManualEvent("purge"),
    append_only=True,
    meta=by_time(),
    exclude=["request_body", "response_body"],
)
class IdempotencyRecord(OwnedModel):
    """A request that was executed, and its answer, byte for byte.

    Inserted first and filled in last, within the transaction of the effect: nobody ever sees one without its answer.
    """

    # A composite foreign key says more than constraints of their own would: see the migration.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    api_key = OwnForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    lineage_id = PrefixedIdField("key")
    key = models.CharField(max_length=255)
    # Method and path template where the dialect lets one key be used on several endpoints; empty where it does not.
    endpoint = models.CharField(max_length=100, default="", db_default="")
    request_id = models.CharField(max_length=128)
    method = models.CharField(max_length=10)
    path = models.TextField()
    request_body = models.TextField(help_text="Canonical JSON.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = IdempotencyRecordQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "delete")
        # People search for a key without knowing whose it is, which the unique constraint cannot serve.
        indexes = [
            HashIndex(fields=["key"], name="idempotency_record_by_key"),
            # Not ``db_index``, which makes a second one for patterns that nobody asks for.
            models.Index(fields=["request_id"], name="idempotency_record_by_request"),
        ]
        constraints = [
            # What makes a repeated request harmless: the second insert waits for the first, then finds it.
            models.UniqueConstraint(
                fields=["lineage_id", "key", "endpoint", "organization"], name="idempotency_key_used_once"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="idempotency_record_lives"),
        ]
        triggers = [
            # A client that moves between the dialects in mid-retry must not pay twice. Each statement of a trigger sees
            # what was committed before it began, and the inserting one holds a lock that keeps the other dialect out.
            pgtrigger.Trigger(
                name="stays_in_one_dialect",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=f"""
                    IF EXISTS (
                        SELECT FROM apikeys_idempotencyrecord other
                        WHERE other.lineage_id = NEW.lineage_id AND other.key = NEW.key
                            AND (other.endpoint = '') <> (NEW.endpoint = '') AND other.expires_at > NEW.created_at
                    ) THEN
                        RAISE EXCEPTION 'The key was used in another dialect.'
                            USING ERRCODE = '{USED_IN_ANOTHER_DIALECT}';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.key})"


class CallInProgress(OwnedModel):
    """What a request with an Idempotency-Key is that takes longer than a moment; see ``apikeys.slow_calls``.

    Unlogged: what a crash loses was of requests that it ended.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    lineage_id = PrefixedIdField("key")
    key = models.CharField(max_length=255)
    endpoint = models.CharField(max_length=100)
    method = models.CharField(max_length=10)
    path = models.TextField()
    request_id = models.CharField(max_length=128)
    told_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["lineage_id", "key", "endpoint", "organization"], name="call_in_progress_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
