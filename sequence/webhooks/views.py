"""Endpoint by which a program reads where an event was sent, and how that ended."""

from rest_framework.request import Request

from apikeys.operations import operation
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.fields import PageQuery
from sequence.core.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.core.events.models import Event
from sequence.events.errors import EventNotFound
from sequence.webhooks.models import WebhookDelivery
from sequence.webhooks.serializers import DeliveryDetail, show_delivery


class EventDeliveryViewSet(KeyedViewSet):
    """The tries of sending an event to webhook endpoints."""

    @operation(
        scope=Scope.READ_EVENTS,
        action="LIST_EVENT_DELIVERIES",
        summary="List the deliveries of an event, newest first",
        description="Each try of each endpoint is an item. What endpoints answered beside their status is not kept.",
        query=PageQuery,
        response=DeliveryDetail,
        is_list=True,
        has_pages=True,
        refusals=(EventNotFound,),
    )
    def list(self, request: Request, event_id: str) -> Page:
        organization_id = self.caller.organization_id
        events = Event.objects.for_organization(organization_id).numbered()
        if not events.filter(id=event_id).exists():
            raise EventNotFound()
        return paginate(
            WebhookDelivery.objects.filter(organization_id=organization_id, event_id=event_id),
            show=show_delivery,
            list_name=f"deliveries:{event_id}",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )
