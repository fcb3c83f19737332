"""``{% load ago %}``: how long ago something was, in words."""

from datetime import datetime, timedelta

from django import template
from django.utils.timesince import timesince

from sequence import clock

register = template.Library()


@register.filter
def ago(at: datetime, now: datetime | None = None) -> str:
    """Return "3 minutes ago", or "just now" within the minute."""
    now = now or clock.now()
    if now - at < timedelta(minutes=1):
        return "just now"
    return f"{timesince(at, now)} ago"
