"""Services of replays: ask for one, find it, forget it. A worker does it: see ``working``."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from rules.engine.definition import Definition
from rules.models import ExecutionMode, Rule
from rules.references import resolve_references
from rules.services import get_rule
from sequence.core import clock
from sequence.core.errors import Detail, InvalidRequest
from sequence.core.transactions import transactional
from sequence.core.wakeup import wake_workers
from sequence.replays.errors import ReplayNotFound, ReplayRunning
from sequence.replays.models import KEPT, ReplayStatus, RuleReplay

MAX_SPAN = timedelta(days=366)
# Rows that one round of the chore removes; the next one follows.
BATCH = 100


def check_span(since: datetime, until: datetime | None, *, now: datetime) -> list[Detail]:
    """Return what is wrong with the time that a replay is asked for; nothing if it can be."""
    if until is not None and until > now:
        return [_fault("to", "in_the_future", "This is in the future. Give now or an earlier time.")]
    until = until or now
    if since >= until:
        return [_fault("from", "not_before_to", "Give a time before `to`, which is now where it is left out.")]
    if until - since > MAX_SPAN:
        return [_fault("from", "too_long_before", f"Give a time at most {MAX_SPAN.days} days before `to`.")]
    return []


def _fault(field: str, code: str, message: str) -> Detail:
    return {"field": field, "code": code, "message": message}


def touched_accounts(rule: Rule, *, since: datetime, until: datetime, draft: Definition | None = None) -> set[str]:
    """Return the accounts that the rule touches now, or touched by a run of that time, and those of the draft."""
    runs = rule.executions.filter(mode=ExecutionMode.LIVE, decided_at__gt=since, decided_at__lte=until)
    versions = rule.kept_versions().filter(id__in=runs.values("version_id"))
    ids = {id for version in versions for id in version.parsed().account_ids()}
    return ids.union(rule.account_ids, draft.account_ids() if draft else ())


@transactional
def ask_for_replay(
    *,
    organization_id: str,
    rule_id: str,
    since: datetime,
    until: datetime | None = None,
    definition: Mapping[str, object] | None = None,
    by: str,
    claimed: bool = False,
) -> RuleReplay:
    """Return a new replay of the rule's newest version, or of a draft, which a worker will do.

    ``claimed``: the caller does it. Raises RuleNotFound, InvalidRequest with every fault of the time and the draft, and
    ReplayRunning while the organization has another one.
    """
    now = clock.now()
    rule = get_rule(organization_id=organization_id, rule_id=rule_id)
    if faults := check_span(since, until, now=now):
        raise InvalidRequest.with_details(faults)
    until = until or now
    draft = resolve_draft(definition, organization_id) if definition is not None else None
    version = None if draft else rule.numbered(rule.version)
    replay = RuleReplay(
        organization_id=organization_id,
        rule=rule,
        version=version,
        definition=draft.as_dict() if draft else rule.definition,
        account_ids=sorted(touched_accounts(rule, since=since, until=until, draft=draft)),
        from_at=since,
        to_at=until,
        asked_by=by,
        created_at=now,
    )
    if claimed:
        replay.take(at=now)
    _insert(replay)
    if not claimed:
        wake_workers()
    return replay


def resolve_draft(definition: Mapping[str, object], organization_id: str) -> Definition:
    """Return the draft with the types of its accounts, checked as that of a rule is."""
    written = Definition.read({"trigger": definition["trigger"], "steps": definition["steps"]})
    try:
        return resolve_references(written, organization_id)[0]
    except InvalidRequest as refusal:
        placed: list[Detail] = [{**detail, "field": f"definition.{detail['field']}"} for detail in refusal.details]
        raise InvalidRequest.with_details(placed) from None


def _insert(replay: RuleReplay) -> None:
    """Insert it. The database has one at a time of each organization, however many ask at once."""
    try:
        with transaction.atomic():
            replay.save(force_insert=True)
    except IntegrityError:
        raise ReplayRunning() from None


def get_replay(*, organization_id: str, rule_replay_id: str) -> RuleReplay:
    """Return the organization's replay. Raises ReplayNotFound, for one that is too old, too."""
    kept = RuleReplay.objects.kept(clock.now()).filter(organization_id=organization_id)
    replay = kept.filter(id=rule_replay_id).select_related("rule", "version").first()
    if replay is None:
        raise ReplayNotFound()
    return replay


def forget_old_replays(now: datetime) -> int:
    """Remove a batch of replays that nobody can read any more; return how many it was."""
    old = RuleReplay.objects.filter(created_at__lte=now - KEPT).order_by("created_at")
    ids = list(old.exclude(status=ReplayStatus.IN_PROGRESS).values_list("id", flat=True)[:BATCH])
    return RuleReplay.objects.filter(id__in=ids).delete()[0]
