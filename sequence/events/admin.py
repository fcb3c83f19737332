"""Events for staff: what was told of an organization, newest first."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apikeys.admin.organizations import ORGANIZATION_FILTER
from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.filters import OneOf
from sequence.core.admin.period_filters import period
from sequence.core.events.models import Event
from sequence.core.events.names import EVENTS


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    """What programs and webhooks are told. An event without a number is not told yet."""

    list_display = ["sequence", "event", "created_at", "organization", "told"]
    list_display_links = ["sequence", "event"]
    list_select_related = ["organization"]
    filters = [
        ORGANIZATION_FILTER,
        OneOf.of_column("event", "Event", [(name, name) for name in EVENTS]),
        *period("created_at"),
    ]
    search_fields = ["id__is"]
    search_help_text = "The whole id of an event."
    # An id begins with its time, and has an index.
    ordering = ["-id"]
    fields = ("event", "sequence", "created_at", "organization", "told", "id")
    readonly_fields = ["event", "sequence", "created_at", "organization", "told", "id"]

    @admin.display(description="tells")
    def told(self, obj: Event) -> SafeString:
        facts = [(name, value) for name, value in obj.shown_data().items() if value is not None]
        return format_html_join(", ", "{} {}", [(name.replace("_", " "), value) for name, value in facts])
