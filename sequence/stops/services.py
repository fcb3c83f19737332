"""Stopping a key or an organization: mark it, end what it has under way, and account for it, all in one transaction.

Once the answer is given no transfer of what was stopped leaves PENDING_APPROVAL or PROCESSING: see apikeys.standing for
the locks that see to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apikeys import services as keys
from apikeys.models import ApiKey, Organization, OrganizationStatus
from apikeys.standing import hold_lineage, hold_organization
from rules.models import Rule
from rules.runs import KEY_STOPPED, ORGANIZATION_STOPPED
from rules.services import disable_rule, end_runs
from sequence.core import clock
from sequence.core.transactions import transactional
from sequence.stops.accounting import LISTED, Accounting, Part, count_not_stopped, part_of, tell_given_back
from transfers.models import CancelReason
from transfers.stopping import cancel_all


@dataclass(frozen=True)
class _Reach:
    """What belongs to the keys or the organization that is stopped: conditions on transfers, runs and versions."""

    stopped: list[dict[str, str]]
    reason: CancelReason
    # What is cancelled, and of whose outcome is told: not money that arrived by itself.
    transfers: Q
    movements: Q
    runs: Sequence[tuple[Q, str]]
    authors: Q
    organization_id: str


@dataclass(frozen=True, kw_only=True)
class _Stop:
    """Who stopped what, when, and whether it was not stopped before."""

    reach: _Reach
    by: str
    at: datetime
    is_news: bool
    note: str | None


@transactional
def pause_key(*, key_id: str, by: str, note: str | None = None, disable_rules: bool = False) -> Accounting:
    """Pause the key's lineage until a person resumes it. Pausing twice ends nothing more and answers zeros.

    ``disable_rules`` also disables the enabled rules that it wrote. Raises ApiKeyNotFound, ApiKeyNotUsable for a
    revoked one.
    """
    hold_lineage(keys.get_api_key(key_id).lineage_id)
    is_news = keys.get_api_key(key_id).paused_at is None
    lineage = keys.pause_api_key(key_id=key_id, by=by, note=note)
    paused_at = next(key.paused_at for key in lineage if key.paused_at is not None)
    stop = _Stop(reach=reach_of_keys(lineage), by=by, at=paused_at, is_news=is_news, note=note)
    return _account_for(stop, disable_rules=disable_rules)


def opening_of(key_id: str) -> int | None:
    """Return the trail's newest number of the key as one that is not paused: another one once a pause has ended."""
    events = ApiKey.pgh_event_model.objects.filter(pgh_obj_id=key_id, paused_at=None)  # type: ignore[attr-defined]
    number: int | None = events.order_by("-pgh_id").values_list("pgh_id", flat=True).first()
    return number


@transactional
def revoke_key(*, key_id: str, by: str, note: str | None = None, disable_rules: bool = False) -> Accounting:
    """Close this one key for good; others of its lineage go on. Otherwise as pause_key. Raises ApiKeyNotFound."""
    hold_lineage(keys.get_api_key(key_id).lineage_id)
    is_news = keys.get_api_key(key_id).revoked_at is None
    key = keys.revoke_api_key(key_id=key_id)
    stop = _Stop(reach=reach_of_keys([key]), by=by, at=key.revoked_at or clock.now(), is_news=is_news, note=note)
    return _account_for(stop, disable_rules=disable_rules)


@transactional
def suspend_organization(
    *, organization_id: str, by: str, note: str | None = None, disable_rules: bool = False
) -> Accounting:
    """Suspend the organization: its keys are closed and its rules start nothing until a person makes it active again.

    Otherwise as pause_key. Raises OrganizationNotFound.
    """
    keys.get_organization(organization_id)
    hold_organization(organization_id)
    is_news = keys.get_organization(organization_id).status == OrganizationStatus.ACTIVE
    organization = keys.set_organization_status(organization_id=organization_id, status=OrganizationStatus.SUSPENDED)
    suspended_at = organization.suspended_at or organization.updated_at
    stop = _Stop(reach=reach_of_organization(organization), by=by, at=suspended_at, is_news=is_news, note=note)
    return _account_for(stop, disable_rules=disable_rules)


def enabled_rules_of(reach: _Reach) -> list[Rule]:
    """Return the enabled rules that somebody of these wrote or last changed, by name."""
    rules = Rule.objects.for_organization(reach.organization_id).enabled().written_by(reach.authors)
    return list(rules.order_by("nickname", "id"))


def lineage_of(key: ApiKey) -> list[ApiKey]:
    """Return the keys of the key's lineage, the newest first."""
    return list(ApiKey.objects.in_lineage_of(key.id))


def reach_of_keys(lineage: Sequence[ApiKey]) -> _Reach:
    """Return what belongs to these keys of one organization."""
    of_keys = Q(api_key__in=[key.id for key in lineage])
    actors = [f"key:{key.id}" for key in lineage]
    return _Reach(
        stopped=[{"type": "api_key", "id": key.id, "name": key.name} for key in lineage],
        reason=CancelReason.KEY_STOPPED,
        transfers=of_keys,
        movements=of_keys,
        runs=[(Q(started_by__in=actors), KEY_STOPPED)],
        authors=Q(created_by__in=actors),
        organization_id=lineage[0].organization_id,
    )


def reach_of_organization(organization: Organization) -> _Reach:
    """Return what belongs to the organization's keys and rules."""
    of_it = Q(organization=organization)
    return _Reach(
        stopped=[{"type": "organization", "id": organization.id, "name": organization.name}],
        reason=CancelReason.ORGANIZATION_STOPPED,
        transfers=of_it,
        movements=of_it & (Q(api_key__isnull=False) | Q(rule_id__isnull=False)),
        runs=[(of_it & Q(started_by__startswith="key:"), KEY_STOPPED), (of_it, ORGANIZATION_STOPPED)],
        authors=Q(created_by__startswith="key:"),
        organization_id=organization.id,
    )


def _account_for(stop: _Stop, *, disable_rules: bool) -> Accounting:
    """End what is under way and account for it. The mark is set, and its lock is held.

    In the order in which everybody locks: runs, rules, transfers, counters.
    """
    reach, now = stop.reach, clock.now()
    ended = [id for which, message in reach.runs for id in end_runs(which, message=message, at=now)]
    rules = enabled_rules_of(reach)
    if disable_rules:
        rules = [disable_rule(rule_id=rule.id) for rule in rules]
    cancelled = cancel_all(reach.transfers, reason=reach.reason, by=stop.by, at=now, note=stop.note)
    return Accounting(
        stopped=reach.stopped,
        at=stop.at,
        cancelled=part_of(cancelled),
        not_stopped=count_not_stopped(reach.movements, at=now) if stop.is_news else Part(),
        executions_ended=Part(count=len(ended), rows=ended[:LISTED]),
        given_back=tell_given_back(cancelled),
        rules=rules if stop.is_news or disable_rules else (),
    )
