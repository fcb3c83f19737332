"""Audit entry, its organization's chain, the keys that sign heads, and calls of a minute beyond the rate limit."""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel
from sequence.core.encryption import EncryptedField
from sequence.core.texts import MAX_REASON_LENGTH

# Before the first entry stands this.
NO_HASH = bytes(32)

# The one change that an entry may undergo: from unnumbered to numbered, everything else as it was.
_ONLY_SEALED = """
DECLARE
    unsealed RECORD;
BEGIN
    unsealed := NEW;
    unsealed.sequence := NULL;
    unsealed.previous_hash := NULL;
    unsealed.hash := NULL;
    IF OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND unsealed IS NOT DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Cannot change an entry of the audit log, but for sealing it.' USING ERRCODE = '23514';
END;
"""


class Via(models.TextChoices):
    """The way in."""

    API = "api", "API"
    PLATFORM = "platform", "Platform API"
    MCP = "mcp", "MCP"
    ADMIN = "admin", "Admin"
    COMMAND = "command", "Command"


class Outcome(models.TextChoices):
    """How it ended."""

    SUCCESS = "success", "Done"
    FAILURE = "failure", "Refused"


class AuditEntry(models.Model):
    """One call of a key, action of staff or command. It is numbered and chained once it has committed, and never again.

    Entries of no organization are chained by themselves, and shown to staff alone.
    """

    id = PrefixedIdField("aud", primary_key=True)
    # Of whoever had one to call with: no organization is ever deleted. Indexes below begin with it.
    organization = models.ForeignKey(
        "apikeys.Organization",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    # The order in which entries were written: of two that waited for each other the later has the higher one.
    position = models.BigIntegerField(
        editable=False, db_default=models.Func(models.Value("sequence_audit_position"), function="nextval")
    )
    created_at = models.DateTimeField("at", default=clock.now)
    actor = models.CharField(max_length=300)
    via = models.CharField(max_length=10, choices=Via)
    action = models.CharField(max_length=100)
    method = models.CharField(max_length=10, null=True)  # noqa: DJ001 - a command has none
    path = models.TextField(null=True)  # noqa: DJ001 - a command has none
    outcome = models.CharField(max_length=10, choices=Outcome)
    status = models.SmallIntegerField(null=True)
    error_code = models.CharField(max_length=100, null=True)  # noqa: DJ001 - nothing went wrong
    request_id = models.CharField("request id", max_length=128)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, null=True)  # noqa: DJ001 - none was given
    resource_type = models.CharField(max_length=100, null=True)  # noqa: DJ001 - it was about nothing
    resource_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - it was about nothing
    sequence = models.BigIntegerField("number", null=True)
    previous_hash = models.BinaryField(max_length=32, null=True)
    hash = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence"],
                name="audit_entry_number",
                nulls_distinct=False,
                condition=Q(sequence__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(sequence=None, previous_hash=None, hash=None)
                | Q(sequence__gte=1, previous_hash__isnull=False, hash__isnull=False),
                name="audit_entry_whole_seal",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "position"], name="audit_entry_unsealed", condition=Q(sequence=None)),
            models.Index("organization", F("created_at").desc(), name="audit_entry_by_time"),
            models.Index("organization", "actor", F("sequence").desc(), name="audit_entry_by_actor"),
            models.Index(fields=["request_id"], name="audit_entry_by_request"),
        ]
        triggers = [
            pgtrigger.Protect(name="is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="is_sealed_later", operation=pgtrigger.Insert, condition=pgtrigger.Q(new__sequence__isnull=False)
            ),
            pgtrigger.Trigger(
                name="is_only_sealed", when=pgtrigger.Before, operation=pgtrigger.Update, func=_ONLY_SEALED
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


class AuditChain(models.Model):
    """The head of an organization's entries, one row for each and one for those of none, and what verifying found.

    Whoever numbers entries holds its lock until they are committed.
    """

    organization = models.ForeignKey(
        "apikeys.Organization", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    sequence = models.BigIntegerField(default=0, db_default=0)
    hash = models.BinaryField(max_length=32, default=NO_HASH)
    # The day, UTC, whose checkpoint is out.
    checkpointed_on = models.DateField(null=True)
    # How far the present round of verifying has come, when it began, and when the last whole one ended.
    verified_through = models.BigIntegerField(default=0, db_default=0)
    round_began_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    # The first bad entry that was found, and what it is.
    fault_sequence = models.BigIntegerField(null=True)
    fault_code = models.CharField(max_length=30, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()
        verbose_name = "audit chain"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="audit_chain_of_one", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"audit chain of {self.organization_id or 'no organization'}"


class AuditSigningKey(models.Model):
    """A pair of Ed25519 keys: the newest signs heads, all are published. Base64 of the raw bytes."""

    number = models.PositiveIntegerField(primary_key=True)
    private_key = EncryptedField(editable=False)
    public_key = models.CharField(max_length=44)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        verbose_name = "audit signing key"
        triggers = [pgtrigger.Protect(name="is_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.key_id

    @property
    def key_id(self) -> str:
        return f"ak{self.number}"


class CallsBeyondLimit(OwnedModel):
    """A key's calls beyond its rate limit in one minute, until that is over and they become one entry.

    It tells the first of them. The table is unlogged: a crash of the server forgets a minute, and no commit waits.
    """

    actor = models.CharField(max_length=300)
    ends_at = models.DateTimeField()
    calls = models.BigIntegerField()
    organization = models.ForeignKey("apikeys.Organization", on_delete=models.PROTECT, related_name="+", db_index=False)
    via = models.CharField(max_length=10, choices=Via)
    action = models.CharField(max_length=100)
    method = models.CharField(max_length=10)
    path = models.TextField()
    request_id = models.CharField(max_length=128)

    class Meta:
        default_permissions = ()
        verbose_name = "calls beyond a limit"
        constraints = [
            models.UniqueConstraint(
                fields=["actor", "ends_at", "organization"], name="calls_beyond_limit_of_one_minute"
            )
        ]
        indexes = [models.Index(fields=["ends_at"], name="calls_beyond_limit_by_end")]

    def __str__(self) -> str:
        return f"{self.calls} of {self.actor}"
