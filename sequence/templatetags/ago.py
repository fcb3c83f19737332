"""``{% load ago %}``: how long ago something was, in words."""

from datetime import datetime

from django import template

from sequence.core import clock
from sequence.core.admin import display

register = template.Library()


@register.filter
def ago(at: datetime, now: datetime | None = None) -> str:
    """Return "3 minutes ago", or "just now" within the minute."""
    return display.ago(at, now or clock.now())
