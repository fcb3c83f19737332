"""Gauges of the outbox."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Min

from sequence.core.events.models import Event
from sequence.core.gauges import Gauge, seconds_since


def event_gauges(now: datetime) -> Iterator[Gauge]:
    """Yield what was written and is not told yet."""
    unnumbered = Event.objects.unnumbered().order_by()
    yield Gauge("events_unnumbered", "Events that are not told yet.", {"": unnumbered.count()})
    oldest = seconds_since(unnumbered.aggregate(oldest=Min("created_at"))["oldest"], now)
    yield Gauge("events_oldest_unnumbered_seconds", "How long the oldest of them waits.", {"": oldest})
