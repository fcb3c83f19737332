"""Console, rules: those that a person is to review, and runs that failed or stand still."""

from datetime import timedelta

from django.db.models import F, Q
from django.urls import reverse

from rules.failure_sentences import failure_in_words
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleStatus
from rules.models.execution import RuleExecutionQuerySet
from rules.models.rule import RuleQuerySet
from sequence.core.admin.console import ConsoleQuery, Item, Queue, Tally, queue_of

RECENT = timedelta(days=1)
# A worker takes a run within a second.
LATE = timedelta(minutes=1)


def _to_review(look: ConsoleQuery) -> RuleQuerySet:
    rows = Rule.objects.not_deleted().filter(status=RuleStatus.DISABLED)
    return rows.filter(Q(enabled_version=None) | ~Q(enabled_version=F("version")))


def _failed(look: ConsoleQuery) -> RuleExecutionQuerySet:
    return RuleExecution.objects.failed_since(look.at - RECENT).filter(mode=ExecutionMode.LIVE)


FAILED_TALLY = Tally("Failed runs", "bad", _failed, RuleExecution, {"status": ExecutionStatus.FAILED.value})
REVIEWS_TALLY = Tally("Rules to review", "warn", _to_review, Rule, {"status": RuleStatus.DISABLED.value})


def reviews(look: ConsoleQuery) -> Queue:
    """Rules that were written or changed since a person last enabled them."""
    rows = look.of(_to_review(look).select_related("organization"))

    def item(rule: Rule) -> Item:
        what = "new" if rule.enabled_version is None else "changed since it was last enabled"
        detail = f"{what}, of {rule.organization}"
        return Item(str(rule), detail, reverse("admin:rules_rule_change", args=[rule.id]), rule.updated_at)

    address = look.list_of(Rule, status=RuleStatus.DISABLED.value)
    return queue_of("Rules to review and enable", rows.order_by("updated_at", "id"), item, address=address)


def _item(execution: RuleExecution, detail: str) -> Item:
    address = reverse("admin:rules_ruleexecution_change", args=[execution.id])
    since = execution.decided_at or execution.created_at
    return Item(execution.rule_name or execution.rule_id, detail, address, since)


def failures(look: ConsoleQuery) -> Queue:
    """Runs that failed, all of them or in part, within a day, the newest first."""
    rows = look.of(_failed(look))
    address = look.list_of(RuleExecution, status=ExecutionStatus.FAILED.value)
    ordered = rows.order_by("-decided_at", "-id")
    return queue_of(
        "Runs of rules that failed in the last day",
        ordered,
        lambda run: _item(run, failure_in_words(run.error_message or run.get_status_display())),
        address=address,
        tone="bad",
    )


def standing_still(look: ConsoleQuery) -> Queue:
    """Runs that no worker takes."""
    rows = look.of(RuleExecution.objects.waiting(look.at).filter(created_at__lt=look.at - LATE))
    address = look.list_of(RuleExecution, status=ExecutionStatus.IN_PROGRESS.value)
    return queue_of(
        "Runs of rules that stand still",
        rows.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lt=look.at - LATE)),
        lambda run: _item(run, "no worker has taken it"),
        address=address,
        tone="bad",
    )
