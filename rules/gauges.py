"""Gauges of rules."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Min

from rules.models import RuleExecution
from sequence.core.gauges import Gauge, seconds_since

RECENT = timedelta(hours=1)


def rule_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield the runs that wait for a worker, and those that failed within an hour."""
    waiting = RuleExecution.objects.waiting(now).order_by()
    yield Gauge("rule_executions_waiting", "Runs that have yet to decide.", {"": waiting.count()})
    oldest = seconds_since(waiting.aggregate(oldest=Min("created_at"))["oldest"], now)
    yield Gauge("rule_executions_oldest_waiting_seconds", "How long the oldest one waits.", {"": oldest})
    failed = RuleExecution.objects.failed_since(now - RECENT).count()
    yield Gauge("rule_executions_failed_last_hour", "Runs that failed within an hour, all or in part.", {"": failed})
