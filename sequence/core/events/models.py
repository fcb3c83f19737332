"""Event, the counter that numbers those of an organization, and the cursors of those who read them."""

from datetime import timedelta

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel
from sequence.core.events.names import EVENTS, show_data
from sequence.core.typing import JsonObject

# How long somebody who reads them may be away.
EVENTS_KEPT = timedelta(days=90)
MAX_NAME_LENGTH = 40
MAX_READER_LENGTH = 20


class EventQuerySet(models.QuerySet["Event"]):
    def for_organization(self, organization_id: str) -> "EventQuerySet":
        """Events of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def numbered(self) -> "EventQuerySet":
        """Events that readers see, by number."""
        return self.filter(sequence__isnull=False).order_by("sequence")

    def unnumbered(self) -> "EventQuerySet":
        """Events whose change is committed and that have no number yet, as they were written."""
        return self.filter(sequence=None).order_by("position")


class Event(OwnedModel):
    """Something that changed: written in the transaction of the change, numbered from 1 in its organization after it.

    ``data`` holds what ``names.EVENTS`` says, as PostgreSQL writes it: ids are uuids there.
    """

    id = PrefixedIdField("evt", primary_key=True)
    # ``event_number_once`` begins with it.
    organization = models.ForeignKey("apikeys.Organization", on_delete=models.PROTECT, related_name="+", db_index=False)
    # The order in which events were written: of two changes that waited for each other the later has the higher one.
    position = models.BigIntegerField(
        editable=False, db_default=models.Func(models.Value("sequence_event_position"), function="nextval")
    )
    sequence = models.BigIntegerField(null=True, editable=False)
    event = models.CharField(max_length=MAX_NAME_LENGTH, choices=[(name, name) for name in EVENTS])
    data = models.JSONField()
    created_at = models.DateTimeField()

    objects = EventQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["organization", "sequence"], name="event_number_once"),
            models.CheckConstraint(condition=Q(event__in=list(EVENTS)), name="event_is_known"),
            models.CheckConstraint(condition=Q(sequence=None) | Q(sequence__gte=1), name="event_numbers_begin_at_one"),
        ]
        indexes = [
            models.Index(fields=["position"], condition=Q(sequence=None), name="event_unnumbered"),
            # Purged by age, which is the order of the rows.
            BrinIndex(fields=["created_at"], name="event_by_age"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="changes_only_by_its_number",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.sequence IS NOT NULL OR (OLD.id, OLD.organization_id, OLD.position, OLD.event, OLD.data,"
                    " OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.organization_id, NEW.position, NEW.event,"
                    " NEW.data, NEW.created_at)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.sequence or ''}".strip()

    def shown_data(self) -> JsonObject:
        """Return its data as it is told."""
        return show_data(self.event, self.data)


class EventCounter(models.Model):
    """The number of an organization's newest event. Whoever numbers its events holds this row."""

    organization = models.OneToOneField("apikeys.Organization", primary_key=True, on_delete=models.PROTECT)
    last_sequence = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.last_sequence}"


class EventReaderQuerySet(models.QuerySet["EventReader"]):
    def behind(self, name: str) -> "EventReaderQuerySet":
        """Cursors of a reader beyond which events are numbered."""
        counter = EventCounter.objects.filter(organization_id=OuterRef("organization_id"))
        newest = Subquery(counter.values("last_sequence"))
        return self.filter(name=name).alias(newest=newest).filter(newest__gt=F("after_sequence"))


class EventReader(OwnedModel):
    """A reader's cursor in an organization: it has read the events up to this number, and none is purged before."""

    # ``event_reader_once`` begins with it.
    organization = models.ForeignKey("apikeys.Organization", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=MAX_READER_LENGTH)
    after_sequence = models.BigIntegerField(default=0)

    objects = EventReaderQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="event_reader_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.after_sequence}"
