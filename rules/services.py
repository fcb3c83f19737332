"""Services of rules: write, enable, trigger, simulate. Each is one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts.models import Account
from accounts.services import find_accounts_for_reference
from apikeys.authentication import AuthenticatedKey
from apikeys.custody import find_key_of_actor, reason_against
from apikeys.models import ApiKey
from apikeys.standing import what_is_stopped
from apikeys.trigger_limits import charge_trigger
from rules.arrivals import begin_reading
from rules.engine.definition import Definition
from rules.engine.vocabulary import TriggerType
from rules.errors import RuleChanged, RuleConflict, RuleDisabled, RuleExecutionNotFound, RuleNotEnablable, RuleNotFound
from rules.models import (
    ExecutionMode,
    ExecutionStatus,
    Rule,
    RuleExecution,
    RuleStatus,
    RuleVersion,
)
from rules.references import resolve_references
from rules.runs import simulate
from rules.schedules import next_slot
from sequence.core import clock
from sequence.core.database.owned import within
from sequence.core.errors import DomainError
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject
from sequence.core.wakeup import wake_workers

# What a version's author has to do with it, where a person must not enable it.
WROTE = "wrote this"


@transactional
def create_rule(
    *,
    organization_id: str,
    trigger: Mapping[str, object],
    steps: Sequence[Mapping[str, object]],
    nickname: str | None = None,
    description: str | None = None,
    by: str,
) -> Rule:
    """Return a new rule, disabled: a person reviews and enables it. Raises InvalidRequest with every fault's path."""
    now = clock.now()
    rule = Rule(organization_id=organization_id, created_at=now, updated_at=now)
    _define(rule, trigger, steps, nickname, description)
    rule.save(force_insert=True)
    _keep_version(rule, by)
    return rule


@transactional
def replace_rule(
    *,
    organization_id: str,
    rule_id: str,
    trigger: Mapping[str, object],
    steps: Sequence[Mapping[str, object]],
    nickname: str | None = None,
    description: str | None = None,
    by: str,
) -> Rule:
    """Replace the whole rule and disable it. The old version is kept. Raises RuleNotFound, InvalidRequest."""
    rule = _lock_rule(rule_id, organization_id)
    _define(rule, trigger, steps, nickname, description)
    rule.replace(at=clock.now())
    _keep_version(rule, by)
    return rule


@transactional
def edit_rule(*, organization_id: str, rule_id: str, by: str, **changes: Any) -> Rule:
    """Change the nickname, the trigger or the steps, each as a whole. Raises RuleNotFound, InvalidRequest.

    A trigger or steps make a new version, which nobody has reviewed: the rule is disabled. A nickname alone does not
    touch what was reviewed. Nothing changes nothing.
    """
    rule = _lock_rule(rule_id, organization_id)
    nickname = changes.get("nickname", rule.nickname)
    if "trigger" in changes or "steps" in changes:
        written = {**rule.definition, **changes}
        _define(rule, written["trigger"], written["steps"], nickname, rule.description)
        rule.replace(at=clock.now())
        _keep_version(rule, by)
    elif nickname != rule.nickname:
        rule.rename(nickname, at=clock.now())
    return rule


@transactional
def delete_rule(*, organization_id: str, rule_id: str) -> None:
    """Take the rule out of every list, for good; its executions stay. Raises RuleNotFound."""
    _lock_rule(rule_id, organization_id).delete_softly(at=clock.now())


@transactional
def enable_rule(*, rule_id: str, version: int, by: str) -> Rule:
    """Let the rule run from now on. Slots and deposits before this moment never set it off.

    ``version`` is the one that whoever decides has read. Raises RuleNotFound, RuleChanged when it is not the rule's
    any more, RuleConflict when another enabled rule waits for the same account's funds, and
    RuleNotEnablable when an account that it names is gone, its schedule is over, its organization is
    suspended, or ``by`` is a custodian of the key that wrote it (see ``apikeys.custody``).
    """
    rule = _lock_rule(rule_id)
    if rule.version != version:
        raise RuleChanged(current=rule.version, seen=version)
    if rule.status == RuleStatus.ENABLED:
        return rule
    if rule.trigger_type == TriggerType.ON_FUNDS_TRANSFERRED:
        # Before the instant from which on arrivals set it off: none of them is numbered yet.
        begin_reading(rule.organization_id)
    now = clock.now()
    if what_is_stopped(rule.organization_id, None):
        raise RuleNotEnablable(reason="The organization is suspended. Make it active first.")
    _check_author(rule, by)
    _check_accounts(rule)
    _check_no_other(rule)
    next_slot_at = _first_slot(rule, now)
    try:
        with transaction.atomic():
            rule.enable(by=by, next_slot_at=next_slot_at, at=now)
    except IntegrityError:
        raise _conflict(rule) from None  # Somebody enabled the other one a moment ago.
    return rule


@transactional
def disable_rule(*, rule_id: str) -> Rule:
    """Stop the rule. Runs that have decided go on. Raises RuleNotFound."""
    rule = _lock_rule(rule_id)
    if rule.status == RuleStatus.ENABLED:
        rule.disable(at=clock.now())
    return rule


@transactional
def end_runs(which: Q, *, message: str, at: datetime) -> list[str]:
    """End the runs of these that have yet to decide, as failed, and return their ids, the oldest first.

    Waits for workers that are carrying one out, and takes what they leave.
    """
    rows = RuleExecution.objects.undecided().filter(which).order_by("id").select_for_update()
    ids = list(rows.values_list("id", flat=True))
    RuleExecution.objects.filter(id__in=ids).update(
        status=ExecutionStatus.FAILED, error_message=message, decided_at=at, next_attempt_at=None
    )
    return ids


@transactional
def trigger_rule(
    *,
    organization_id: str,
    rule_id: str,
    manual_execute_amount: int | None = None,
    simulation: bool = False,
    pretends_balance: bool = False,
    by: str | None = None,
    key: AuthenticatedKey | None = None,
    request_id: str | None = None,
) -> RuleExecution:
    """Return a new execution: one that a worker will carry out, or a simulation that is done already.

    ``pretends_balance`` lets the amount stand for what the trigger's account holds, too: in a simulation for
    everything, live as the base of percentages alone. ``by`` is who asks for it, as the audit trail names them, and
    ``key`` the key whose limits hold, where one asks.
    Raises RuleNotFound, TriggerLimitExceeded, RuleDisabled.
    """
    rule = get_rule(organization_id=organization_id, rule_id=rule_id)
    if key is not None:
        charge_trigger(
            key, rule.id, execute_amount_cents=manual_execute_amount, at=clock.now(), is_counted=not simulation
        )
    if not simulation and rule.status != RuleStatus.ENABLED:
        raise RuleDisabled()
    execution = start_execution(
        rule,
        trigger_type=TriggerType.MANUAL,
        mode=ExecutionMode.SIMULATION if simulation else ExecutionMode.LIVE,
        incoming_cents=manual_execute_amount,
        pretends_balance=pretends_balance and manual_execute_amount is not None,
        started_by=by,
        request_id=request_id,
    )
    if simulation:
        simulate(execution, now=execution.created_at)
    else:
        wake_workers()
    return execution


def start_execution(rule: Rule, *, now: datetime | None = None, **facts: object) -> RuleExecution:
    """Return a new execution of the rule as it is now. The caller decides who carries it out."""
    [execution] = start_executions([(rule, facts)], now=now or clock.now())
    return execution


def start_executions(starts: Sequence[tuple[Rule, JsonObject]], *, now: datetime) -> list[RuleExecution]:
    """Return a new execution for each rule and its facts, in two statements however many there are."""
    rules = {rule.id for rule, _ in starts}
    owners = {rule.organization_id for rule, _ in starts}
    current = RuleVersion.objects.filter(rule_id__in=rules, number=F("rule__version"))
    current = within(current, owners)
    versions = {version.rule_id: version for version in current} if rules else {}
    return RuleExecution.objects.bulk_create(
        RuleExecution(
            organization_id=rule.organization_id,
            rule=rule,
            version=versions[rule.id],
            rule_name=rule.nickname,
            created_at=now,
            **facts,
        )
        for rule, facts in starts
    )


def get_rule(*, organization_id: str, rule_id: str) -> Rule:
    """Return the organization's rule with its trigger's account. Raises RuleNotFound."""
    rules = Rule.objects.for_organization(organization_id).not_deleted().select_related("trigger_account")
    rule = rules.filter(id=rule_id).first()
    if rule is None:
        raise RuleNotFound()
    return rule


def find_rule(rule_id: str) -> Rule:
    """Return the rule, whosever it is, for an operator. Raises RuleNotFound."""
    rule = Rule.objects.not_deleted().filter(id=rule_id).first()
    if rule is None:
        raise RuleNotFound()
    return rule


def get_execution(*, organization_id: str, rule_execution_id: str) -> RuleExecution:
    """Return the organization's execution. Raises RuleExecutionNotFound."""
    executions = RuleExecution.objects.filter(organization_id=organization_id).select_related("rule", "version")
    execution = executions.filter(id=rule_execution_id).first()
    if execution is None:
        raise RuleExecutionNotFound()
    return execution


def name_rules(organization_id: str) -> list[tuple[str, str]]:
    """Return the ids of the organization's rules, each with its name."""
    rules = Rule.objects.for_organization(organization_id).not_deleted().order_by("created_at", "id")
    return [(rule.id, str(rule)) for rule in rules.only("id", "nickname")]


def current_version(rule_id: str) -> int:
    """Return the number of the rule's version. Raises RuleNotFound."""
    version = Rule.objects.not_deleted().filter(id=rule_id).values_list("version", flat=True).first()
    if version is None:
        raise RuleNotFound()
    return version


def author_of(rule: Rule) -> ApiKey | None:
    """Return the key that wrote the version which the rule has now, None where no key did."""
    return find_key_of_actor(rule.numbered(rule.version).created_by)


def account_names(rule: Rule, ids: Collection[str] | None = None) -> dict[str, str]:
    """Return the names of the accounts that the rule names, or of these, by id; deleted ones keep their last."""
    accounts = Account.objects.for_organization(rule.organization_id)
    rows = accounts.filter(id__in=rule.account_ids if ids is None else ids)
    return dict(rows.values_list("id", "name"))


def _define(
    rule: Rule,
    trigger: Mapping[str, object],
    steps: Sequence[Mapping[str, object]],
    nickname: str | None,
    description: str | None,
) -> None:
    written = Definition.read({"trigger": trigger, "steps": steps})
    definition, account_ids = resolve_references(written, rule.organization_id)
    rule.define(definition, account_ids=account_ids, nickname=nickname, description=description)


def _keep_version(rule: Rule, by: str) -> None:
    RuleVersion.objects.create(
        organization_id=rule.organization_id,
        rule=rule,
        number=rule.version,
        nickname=rule.nickname,
        description=rule.description,
        definition=rule.definition,
        created_by=by,
        created_at=rule.updated_at,
    )


def _lock_rule(rule_id: str, organization_id: str | None = None) -> Rule:
    rules = (
        Rule.objects.not_deleted()
        if organization_id is None
        else Rule.objects.not_deleted().for_organization(organization_id)
    )
    rule = rules.select_for_update(no_key=True).filter(id=rule_id).first()
    if rule is None:
        raise RuleNotFound()
    return rule


def _check_author(rule: Rule, by: str) -> None:
    """Let nobody enable what a key wrote whose secret they may hold: it may be their own word."""
    author = author_of(rule)
    against = None if author is None else reason_against(author, by=by, role=WROTE)
    if against is not None:
        raise RuleNotEnablable(reason=against)


def _check_accounts(rule: Rule) -> None:
    """Keep the accounts from being deleted until this commits, and see that all of them still fit."""
    try:
        find_accounts_for_reference(*rule.account_ids, organization_id=rule.organization_id)
        resolve_references(rule.parsed(), rule.organization_id)
    except DomainError as refusal:
        raise RuleNotEnablable(reason=f"An account of the rule is gone or no longer fits: {refusal.text}") from None


def _check_no_other(rule: Rule) -> None:
    if rule.trigger_type == TriggerType.ON_FUNDS_TRANSFERRED and _other_rule(rule) is not None:
        raise _conflict(rule)


def _other_rule(rule: Rule) -> Rule | None:
    others = Rule.objects.enabled().filter(
        trigger_type=TriggerType.ON_FUNDS_TRANSFERRED, trigger_account_id=rule.trigger_account_id
    )
    return others.exclude(id=rule.id).first()


def _conflict(rule: Rule) -> RuleConflict:
    other = _other_rule(rule)
    account = rule.trigger_account
    return RuleConflict(account=account.name if account else "The account", other=str(other or "another rule"))


def _first_slot(rule: Rule, now: datetime) -> datetime | None:
    schedule = rule.parsed().trigger.schedule
    if schedule is None:
        return None
    slot = next_slot(schedule, now, inclusive=True)
    if slot is None:
        raise RuleNotEnablable(reason="Its only slot is past. Give it a later start date.")
    return slot
