"""Counters: what has gone through an entry in a period, and the requests of a key's minute."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q

from apikeys.limits import SpendPeriod
from apikeys.models import news
from apikeys.models.keys import ApiKey
from apikeys.models.organizations import Organization
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel


class SpentPair(OwnedModel):
    """A pair that the keys of a lineage have had an entry for, and under which id its use is counted.

    It outlives the entry: one that is removed and written anew for the same pair goes on with what was spent.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    lineage_id = PrefixedIdField("key")
    source = models.CharField(max_length=64)
    target = models.CharField(max_length=64)
    spend_id = models.UUIDField(unique=True, default=uuid.uuid4)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["lineage_id", "source", "target"], name="spent_pair_of_a_lineage")]

    def __str__(self) -> str:
        return f"{self.source}>{self.target}"


class SpendCounter(OwnedModel):
    """How many cents went through a permission entry in one period, and how often: pending included, failed given back.

    Of triggers it counts how often a lineage set one rule off, and how often any.
    """

    spend_id = models.UUIDField()
    period = models.CharField(max_length=5, choices=SpendPeriod)
    starts_on = models.DateField()
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # More than a bigint holds: 1,025 transfers of the largest amount are beyond it, where nothing caps their entry.
    spent_cents = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    uses = models.BigIntegerField(default=0, db_default=0)
    # How much of its limit has been told as used up.
    told_percent = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["spend_id", "period", "starts_on", "organization"], name="spend_counter_of_one_period"
            ),
            models.CheckConstraint(condition=Q(spent_cents__gte=0), name="spend_counter_not_negative"),
            models.CheckConstraint(condition=Q(uses__gte=0), name="spend_counter_uses_not_negative"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name=f"tells_of_limits_{name}",
                when=pgtrigger.After,
                operation=operation,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),
                func=news.TELL_OF_LIMITS,
            )
            for name, operation in (("insert", pgtrigger.Insert), ("update", pgtrigger.Update))
        ]

    def __str__(self) -> str:
        return f"{self.spent_cents} in the {self.period} of {self.starts_on}"


class RateWindow(OwnedModel):
    """How many requests a key has made in its current minute. Unlogged: losing it in a crash costs nothing."""

    # A composite foreign key holds the key; in the database it is the primary key together with its organization.
    api_key = models.OneToOneField(
        ApiKey, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    requests = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.requests} since {self.started_at}"
