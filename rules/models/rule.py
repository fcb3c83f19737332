"""A rule and every version of it."""

import json
from datetime import datetime

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from apikeys.models import MAX_ACTOR_LENGTH, Organization
from rules.engine.definition import Definition
from rules.engine.vocabulary import TriggerType
from rules.models import guards
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.events.telling import tells_of_rows
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time


class OrderedJSONField(models.JSONField):
    """JSON that comes back as it was written: jsonb would sort the keys, and people read these in their order."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text"

    def get_db_prep_value(self, value: object, connection: BaseDatabaseWrapper, prepared: bool = False) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class RuleStatus(models.TextChoices):
    """Whether it may run."""

    ENABLED = "enabled"
    DISABLED = "disabled"


_RULE_TRANSITIONS: list[tuple[str, str]] = [
    (RuleStatus.DISABLED, RuleStatus.ENABLED),
    (RuleStatus.ENABLED, RuleStatus.DISABLED),
]

_NEWS = {"rule_id": "NEW.id"}
# A rule that is deleted was disabled with it, which needs no telling of its own.
_TOLD = {
    "replaced": "NEW.version > OLD.version",
    "enabled": "OLD.status = 'disabled' AND NEW.status = 'enabled'",
    "disabled": "OLD.status = 'enabled' AND NEW.status = 'disabled' AND NEW.deleted_at IS NULL",
    "deleted": "OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL",
}


class RuleQuerySet(models.QuerySet["Rule"]):
    def for_organization(self, organization_id: str) -> "RuleQuerySet":
        """Rules of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def not_deleted(self) -> "RuleQuerySet":
        """Those that nobody has deleted; a deleted row stays for whoever looks back."""
        return self.filter(deleted_at=None)

    def enabled(self) -> "RuleQuerySet":
        return self.not_deleted().filter(status=RuleStatus.ENABLED)

    def naming(self, account_id: str) -> "RuleQuerySet":
        """Rules that name the account anywhere: trigger, source, destination, condition."""
        return self.filter(account_ids__contains=[account_id])

    def written_by(self, author: Q) -> "RuleQuerySet":
        """Rules whose first or present version somebody of these made; ``author`` is about ``created_by``."""
        versions = RuleVersion.objects.filter(author, organization_id=OuterRef("organization_id"), rule=OuterRef("pk"))
        return self.filter(Exists(versions.filter(Q(number=1) | Q(number=OuterRef("version")))))

    def due(self, at: datetime) -> "RuleQuerySet":
        return self.enabled().filter(next_slot_at__lte=at).order_by("next_slot_at", "id")


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    append_only=True,
    meta=by_time(),
    # As its table was named before more was kept.
    obj_field=pghistory.ObjForeignKey(related_name="events"),
    model_name="RuleIdNicknameDescriptionStatusVersionEnabledByEnabledVersionDeletedAtEvent",
    fields=[
        *("id", "organization", "nickname", "description", "status", "version", "enabled_by", "enabled_version"),
        *("deleted_at", "updated_at"),
    ],
    # When it happened by our clock, which need not be the database's; unknown of events from before it was kept.
    attrs={"updated_at": models.DateTimeField(null=True)},
)
class Rule(OwnedModel):
    """What is to happen with money, and when. ``definition`` is the validated ``{"trigger", "steps"}``."""

    id = PrefixedIdField("rule", primary_key=True)
    # ``rule_list`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="rules", db_index=False)
    nickname = PlainTextField(max_length=100, null=True)
    description = PlainTextField(multiline=True, max_length=500, null=True)
    status = models.CharField(max_length=10, choices=RuleStatus, default=RuleStatus.DISABLED)
    trigger_type = models.CharField(max_length=25, choices=TriggerType.choices())
    # A composite foreign key says more than a constraint of its own would: see the migration.
    trigger_account = OwnForeignKey(Account, null=True, on_delete=models.PROTECT, db_constraint=False, related_name="+")
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
                fields=["trigger_account", "organization"],
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
        triggers = [
            pgtrigger.FSM(name="status_follows_its_path", field="status", transitions=_RULE_TRANSITIONS),
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            # What a person has enabled is what stays enabled, and what is deleted stays so.
            pgtrigger.Trigger(
                name="changes_only_while_disabled",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(guards.IS_CHANGED_BESIDE_ITS_PATH),
                func=guards.REFUSE_A_CHANGE_OF_A_RULE,
            ),
            tells_of_rows("tells_of_it", "rule.created", operation=pgtrigger.Insert, data=_NEWS, at="NEW.created_at"),
            *(
                tells_of_rows(
                    f"tells_it_is_{change}",
                    f"rule.{change}",
                    operation=pgtrigger.Update,
                    data=_NEWS,
                    at="NEW.updated_at",
                    condition=condition,
                )
                for change, condition in _TOLD.items()
            ),
        ]

    def __str__(self) -> str:
        return self.nickname or self.id

    def parsed(self) -> Definition:
        """Return what it does as a value."""
        return Definition.read(self.definition)

    def kept_versions(self) -> "models.QuerySet[RuleVersion]":
        """Return every version of it."""
        return RuleVersion.objects.filter(organization_id=self.organization_id, rule=self)

    def numbered(self, number: int) -> "RuleVersion":
        """Return the version of this number, which is there."""
        return self.kept_versions().get(number=number)

    # Mutators. The caller holds this row's lock.

    def define(
        self,
        definition: Definition,
        *,
        account_ids: list[str],
        nickname: str | None,
        description: str | None,
    ) -> None:
        """Set what it does. It is written with whatever says when: see ``replace``."""
        self.definition, self.account_ids = definition.as_dict(), account_ids
        self.nickname, self.description = nickname, description
        self.trigger_type, self.trigger_account_id = definition.trigger.type.value, definition.trigger.account_id

    def replace(self, *, at: datetime) -> None:
        """Become the next version, which nobody has reviewed yet."""
        self.version += 1
        self.status, self.next_slot_at, self.updated_at = RuleStatus.DISABLED, None, at
        self.save()

    def rename(self, nickname: str | None, *, at: datetime) -> None:
        """Take another nickname. What was reviewed stays as it is."""
        self.nickname, self.updated_at = nickname, at
        self.save(update_fields=["nickname", "updated_at"])

    def enable(self, *, by: str, next_slot_at: datetime | None, at: datetime) -> None:
        """Let the present version run from now on."""
        self.status, self.enabled_at, self.enabled_by, self.enabled_version = RuleStatus.ENABLED, at, by, self.version
        self.next_slot_at, self.updated_at = next_slot_at, at
        self.save()

    def disable(self, *, at: datetime) -> None:
        self.status, self.next_slot_at, self.updated_at = RuleStatus.DISABLED, None, at
        self.save(update_fields=["status", "next_slot_at", "updated_at"])

    def delete_softly(self, *, at: datetime) -> None:
        """Take it out of every list, for good. Its executions stay."""
        self.status, self.next_slot_at = RuleStatus.DISABLED, None
        self.deleted_at = self.updated_at = at
        self.save(update_fields=["status", "next_slot_at", "deleted_at", "updated_at"])


class RuleVersion(OwnedModel):
    """A rule as it was between two changes. Never changed, never removed."""

    # A composite foreign key holds the rule: see the migration. ``rule_version_number_once`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    rule = OwnForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="versions")
    number = models.PositiveIntegerField()
    nickname = PlainTextField(max_length=100, null=True)
    description = PlainTextField(multiline=True, max_length=500, null=True)
    definition = OrderedJSONField()
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["rule", "number", "organization"], name="rule_version_number_once"),
            # What runs and replays point to.
            models.UniqueConstraint(fields=["organization", "id"], name="rule_version_within_organization"),
        ]
        indexes = [models.Index(fields=["rule", "-created_at", "-id"], name="rule_version_list")]
        triggers = [pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"version {self.number} of {self.rule_id}"

    def parsed(self) -> Definition:
        """Return what it does as a value."""
        return Definition.read(self.definition)
