"""Window of a list that reaches back 90 days: what goes further is clamped, and told."""

from datetime import timedelta

from rest_framework import serializers

from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from sequence.platform.names import Spelled

REACH = timedelta(days=90)


class DateWindow(Spelled):
    """From when to when a list reaches, both included."""

    vars()["from"] = serializers.DateTimeField()
    to = serializers.DateTimeField()
    truncated = serializers.BooleanField(help_text="Whether `from` was further back than 90 days.")


def window_of(query: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Return the window that the query asks for, as far as it reaches, as filters' values and as it is shown."""
    now = clock.now()
    earliest = now - REACH
    asked = query.get("from", earliest)
    begin, end = max(asked, earliest), query.get("to", now)
    shown = {"from": show_time(begin), "to": show_time(end), "truncated": asked < earliest}
    return {"from": begin, "to": end}, shown
