"""Endpoints by which a program reads what changed, in the order in which it was committed."""

from rest_framework.request import Request

from apikeys.operations import operation
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.pagination import DEFAULT_SIZE, Page
from sequence.core.events.models import Event, EventCounter, EventQuerySet
from sequence.core.typing import JsonObject
from sequence.events.errors import EventNotFound, TooOld
from sequence.events.serializers import EventDetail, EventQuery, show_event


class EventViewSet(KeyedViewSet):
    """The organization's news, from the oldest that is kept."""

    @operation(
        scope=Scope.READ_EVENTS,
        action="LIST_EVENTS",
        summary="List what changed, oldest first",
        description=(
            "Numbers have no gaps, and nothing with a lower number ever appears later: ask again with the "
            "`end_cursor` of the last page as `after_sequence`, and nothing is missed. Kept for 90 days; what is older "
            "is refused with the detail `too_old`, which names the first event that is kept."
        ),
        query=EventQuery,
        response=EventDetail,
        is_list=True,
        has_pages=True,
    )
    def list(self, request: Request) -> Page:
        size = self.query.get("first", DEFAULT_SIZE)
        events = Event.objects.for_organization(self.caller.organization_id).numbered()
        wanted = events
        if "after_sequence" in self.query:
            wanted = wanted.filter(sequence__gt=self.query["after_sequence"])
        if "event" in self.query:
            wanted = wanted.filter(event=self.query["event"])
        found = list(wanted[: size + 1])
        # Afterwards: what is purged in between is then refused, not passed over.
        if "after_sequence" in self.query:
            self._check_that_all_are_kept(events, after=self.query["after_sequence"])
        shown = found[:size]
        info = {"end_cursor": str(shown[-1].sequence) if shown else None, "has_next_page": len(found) > size}
        return Page([show_event(event) for event in shown], info)

    def _check_that_all_are_kept(self, events: EventQuerySet, *, after: int) -> None:
        first_kept = events.values_list("sequence", flat=True).first()
        if first_kept is None:
            counter = EventCounter.objects.filter(organization_id=self.caller.organization_id).first()
            first_kept = counter.last_sequence + 1 if counter else 1
        if after + 1 < first_kept:
            raise TooOld.since(first_kept)

    @operation(
        scope=Scope.READ_EVENTS,
        action="GET_EVENT",
        summary="Read an event",
        response=EventDetail,
        refusals=(EventNotFound,),
    )
    def retrieve(self, request: Request, event_id: str) -> JsonObject:
        events = Event.objects.for_organization(self.caller.organization_id).numbered()
        event = events.filter(id=event_id).first()
        if event is None:
            raise EventNotFound()
        return show_event(event)
