"""History of a rule: when each of its versions was enabled, and until when, by the events that are kept of its row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce

from apikeys.models import Organization, OrganizationStatus
from rules.models import Rule, RuleStatus, RuleVersion


@dataclass(frozen=True)
class Enabling:
    """A time in which one version of a rule was enabled.

    ``until`` is None while it lasts. ``was_replaced`` says that another version ended it; else somebody disabled it.
    """

    version: int
    since: datetime
    until: datetime | None = None
    was_replaced: bool = False

    def covers(self, at: datetime) -> bool:
        """Say whether it had begun at the instant and not ended before."""
        return self.since <= at and (self.until is None or at <= self.until)

    def had_ended(self, at: datetime) -> bool:
        return self.until is not None and self.until <= at


def last_enabled(rule: Rule, numbers: Collection[int]) -> dict[int, datetime]:
    """Return when these versions were last enabled, by their numbers; those that never were are missing."""
    rows = _events_of(rule).filter(status=RuleStatus.ENABLED, version__in=numbers)
    return dict(rows.values("version").annotate(last=Max("at")).values_list("version", "last"))


def enabling_before(rule: Rule, at: datetime) -> Enabling | None:
    """Return the last time in which the rule was enabled of those that had begun at the instant, None without any."""
    began = _events_of(rule).filter(status=RuleStatus.ENABLED, at__lte=at).order_by("-pgh_id").first()
    if began is None:
        return None
    # Nothing of an enabled rule changes but that it is no longer enabled.
    ended = _events_of(rule).filter(pgh_id__gt=began.pgh_id).order_by("pgh_id").first()
    if ended is None:
        return Enabling(began.version, began.at)
    return Enabling(began.version, began.at, ended.at, was_replaced=ended.version != began.version)


def version_at(rule: Rule, at: datetime) -> RuleVersion | None:
    """Return the version that the rule had at the instant, None before there was any."""
    return rule.kept_versions().filter(created_at__lte=at).order_by("-number").first()


def was_suspended(organization_id: str, since: datetime, until: datetime) -> bool:
    """Say whether the organization was suspended at any instant between the two."""
    events: Any = Organization.pgh_event_model.objects.filter(pgh_obj_id=organization_id)  # type: ignore[attr-defined]
    suspended = events.filter(status=OrganizationStatus.SUSPENDED).annotate(
        at=Coalesce("suspended_at", "pgh_created_at")
    )
    last = suspended.filter(at__lte=until).order_by("-pgh_id").first()
    if last is None:
        return False
    resumed = events.filter(pgh_id__gt=last.pgh_id, status=OrganizationStatus.ACTIVE).order_by("pgh_id").first()
    return resumed is None or (resumed.active_since or resumed.pgh_created_at) > since


def _events_of(rule: Rule) -> QuerySet[Any]:
    events: Any = rule.events  # type: ignore[attr-defined]
    return events.filter(organization_id=rule.organization_id).annotate(
        at=Coalesce(F("updated_at"), F("pgh_created_at"))
    )
