"""Webhooks for staff: make endpoints, see what reached them, mend what did not. The secret is on one page, once."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from apikeys.admin.choosing import ChooseOrganization
from apikeys.admin.organizations import ORGANIZATION_FILTER
from apikeys.models import Organization
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin, StaffAdmin, actor_of
from sequence.core.admin.display import badge, code
from sequence.core.admin.filters import Exact, Named, OneOf
from sequence.core.admin.links import Link
from sequence.core.admin.period_filters import period
from sequence.core.errors import InvalidRequest
from sequence.core.events.names import EVENTS
from sequence.core.typing import Context
from sequence.webhooks import services
from sequence.webhooks.addresses import check_url
from sequence.webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    EndpointStatus,
    Format,
    WebhookDelivery,
    WebhookEndpoint,
)

TONES = {
    DeliveryStatus.DELIVERED.value: "good",
    DeliveryStatus.RETRYING.value: "warn",
    DeliveryStatus.FAILED.value: "bad",
}
_DELETED = "Deleted"
_STATUS_FILTER = OneOf(
    "status",
    "Status",
    {
        "enabled": ("Enabled", Q(status=EndpointStatus.ENABLED)),
        "disabled": ("Disabled", Q(status=EndpointStatus.DISABLED, deleted_at=None)),
        "deleted": (_DELETED, Q(deleted_at__isnull=False)),
    },
    unasked=("Not deleted", Q(deleted_at=None)),
)


class _EndpointPage(ObjectPage[WebhookEndpoint]):
    permission = "operate"

    def offered(self, obj: WebhookEndpoint) -> bool:
        return obj.is_enabled


class EnableWebhook(_EndpointPage):
    name = "enable"
    label = "Enable"

    def offered(self, obj: WebhookEndpoint) -> bool:
        return not obj.is_enabled and obj.deleted_at is None

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        return ["It is sent what it has missed since it was disabled, in order, and then what happens from now on."]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> str:
        services.enable_webhook(endpoint_id=obj.id)
        return f"{obj} is enabled."


class DisableWebhook(_EndpointPage):
    name = "disable"
    label = "Disable"

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        return ["Nothing more is sent to it until somebody enables it. What it misses waits for as long as events do."]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> str:
        services.disable_webhook(endpoint_id=obj.id)
        return f"{obj} is disabled."


class TestWebhook(_EndpointPage):
    name = "test"
    label = "Test"

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        if obj.format == Format.PLATFORM:
            return ["The newest event that its format tells of is sent to it once more."]
        return ["The event webhook.test is sent to it, and to no other endpoint."]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> str:
        _, event_id = services.test_webhook(endpoint_id=obj.id)
        return f"A worker sends {event_id}. The deliveries of this endpoint tell how it ended."


class ResendForm(forms.Form):
    after_sequence = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=10**18,
        label="All events after number",
        help_text="Empty means those that were given up.",
    )


class ResendWebhooks(_EndpointPage):
    name = "resend"
    label = "Resend"
    form_class = ResendForm

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        return ["Events that it has had before arrive again. A receiver that keeps their ids leaves them out."]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> str:
        after = choices["after_sequence"]
        if after is None:
            _, events = services.resend_failed(endpoint_id=obj.id)
        else:
            _, events = services.resend_after(endpoint_id=obj.id, after_sequence=after)
        return f"{events} event{'' if events == 1 else 's'} will be sent again."


class RotationForm(forms.Form):
    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=services.MAX_OVERLAP_HOURS,
        initial=services.DEFAULT_OVERLAP_HOURS,
        label="Overlap in hours",
        help_text="How long requests are signed with the old secret too; 0 ends it at once.",
    )


class RotateSecret(_EndpointPage):
    name = "rotate"
    label = "Rotate the secret"
    permission = "rotate"
    form_class = RotationForm

    def offered(self, obj: WebhookEndpoint) -> bool:
        return obj.deleted_at is None

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        return [
            "A new secret is made and shown once.",
            "Until the overlap ends webhook-signature has both; X-Sequence-Signature is made with the new one at once.",
        ]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> HttpResponse:
        overlap = timedelta(hours=choices["overlap_hours"])
        endpoint, secret = services.rotate_webhook_secret(endpoint_id=obj.id, overlap=overlap)
        return show_secret(request, endpoint, secret)


class DeleteWebhook(_EndpointPage):
    name = "remove"
    label = "Delete"
    permission = "delete"
    is_dangerous = True

    def offered(self, obj: WebhookEndpoint) -> bool:
        return obj.deleted_at is None

    def consequences(self, obj: WebhookEndpoint) -> list[str]:
        return ["Nothing is sent to it ever again, and its secret is forgotten. Its past deliveries stay to look at."]

    def perform(self, request: HttpRequest, obj: WebhookEndpoint, choices: Context) -> str:
        services.delete_webhook(endpoint_id=obj.id)
        return f"{obj} is deleted."


def show_secret(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    """Return the one page that ever shows the secret: the answer to the form itself."""
    model_admin = admin.site.get_model_admin(WebhookEndpoint)
    assert isinstance(model_admin, StaffAdmin)  # noqa: S101 - tells the type checker
    page = model_admin.page(
        request,
        "admin/sequence/new_webhook_secret.html",
        title=f"New secret: {endpoint}",
        original=endpoint,
        secret=secret,
        address=model_admin.address_of(endpoint),
    )
    page["Cache-Control"] = "no-store"
    return page


class WebhookForm(forms.ModelForm):
    event_names = forms.MultipleChoiceField(
        required=False,
        label="Events",
        choices=[(name, name) for name in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None means all of them.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["url", "event_names", "format", "description"]
        help_texts = {"url": "Where requests go, https://…"}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            self.addresses = services.addresses_now(url)
            check_url(url, self.addresses)
        except InvalidRequest as refusal:
            raise forms.ValidationError([detail["message"] for detail in refusal.details]) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(StaffAdmin[WebhookEndpoint]):
    """Where news goes is for people to say, and once: another address is another endpoint."""

    form = WebhookForm
    object_pages = [
        EnableWebhook(),
        DisableWebhook(),
        TestWebhook(),
        ResendWebhooks(),
        RotateSecret(),
        DeleteWebhook(),
    ]
    list_display = ["url", "organization", "state", "told_events", "format", "failures", "created_at"]
    list_select_related = ["organization"]
    filters = [ORGANIZATION_FILTER, _STATUS_FILTER, *period("created_at")]
    search_fields = ["url", "description", "id__is"]
    search_help_text = "Address, description, or whole id."
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "organization",
        "state",
        "told_events",
        "after_sequence",
        "failures",
        "failing_since",
        "previous_secret_until",
        "created_by",
        "created_at",
        "shown_id",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return super().get_queryset(request).defer("secret", "previous_secret")

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        if obj is None:
            return ["url", "event_names", "format", "description"]
        return ["url", "format", "description", *self.readonly_fields]

    def has_change_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None) -> HttpResponse:
        """Ask for the organization first."""
        choosing = ChooseOrganization(request.GET or None)
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        if choosing.is_valid():
            title = f"New webhook endpoint for {choosing.cleaned_data['organization']}"
            return super().add_view(request, form_url, {"title": title, **(extra_context or {})})
        title = "New webhook endpoint: for which organization?"
        return self.page(request, "admin/sequence/choose.html", title=title, form=choosing)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: forms.ModelForm, change: bool) -> None:
        assert isinstance(form, WebhookForm)  # noqa: S101 - tells the type checker
        given = form.cleaned_data
        endpoint, secret = services.create_webhook(
            organization=Organization.objects.get(id=request.GET["organization"]),
            url=given["url"],
            addresses=form.addresses,
            events=given["event_names"],
            format=given["format"],
            description=given["description"],
            created_by=actor_of(request),
        )
        obj.pk = endpoint.pk
        request.new_webhook = endpoint, secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return show_secret(request, *request.new_webhook)  # type: ignore[attr-defined]

    def links_of(self, request: HttpRequest, obj: WebhookEndpoint) -> list[Link]:
        if not request.user.has_perm("sequence.view_webhookdelivery"):
            return []
        return [("Deliveries", f"{reverse('admin:sequence_webhookdelivery_changelist')}?endpoint={obj.id}")]

    @admin.display(description="status")
    def state(self, obj: WebhookEndpoint) -> SafeString:
        if obj.deleted_at is not None:
            return badge(_DELETED, "quiet")
        if obj.is_enabled:
            return badge("Failing", "warn") if obj.failures else badge("Enabled", "good")
        is_chosen = obj.disabled_reason == DisabledReason.BY_PERSON
        reason = DisabledReason(obj.disabled_reason or DisabledReason.BY_PERSON).label
        return badge(f"Disabled: {reason}", "quiet" if is_chosen else "bad")

    @admin.display(description="events")
    def told_events(self, obj: WebhookEndpoint) -> str:
        return ", ".join(obj.event_names) or "all"

    @admin.display(description="id")
    def shown_id(self, obj: WebhookEndpoint) -> SafeString:
        return code(obj.id)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin[WebhookDelivery]):
    """Every try of sending an event, and how it ended. Resending is done from the endpoint's page."""

    list_display = [
        "created_at",
        "outcome",
        "attempt",
        "endpoint",
        "event_id",
        "status_code",
        "error",
        "next_attempt_at",
    ]
    list_select_related = ["endpoint"]
    filters = [
        ORGANIZATION_FILTER,
        Named("endpoint", "Endpoint", WebhookEndpoint, "endpoint", called=("url",)),
        Exact("event", "Event id", "event_id"),
        OneOf.of_column("status", "Status", DeliveryStatus.choices),
        *period("created_at"),
    ]
    search_fields = ["id__is", "event_id__is"]
    search_help_text = "The whole id of a delivery or of an event."
    ordering = ["-created_at", "-id"]
    fields = (
        "created_at",
        "organization",
        "endpoint",
        "event_id",
        "attempt",
        "outcome",
        "status_code",
        "error",
        "duration_ms",
        "next_attempt_at",
        "id",
    )
    readonly_fields = ["outcome", "event_id", "id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).defer("endpoint__secret", "endpoint__previous_secret")

    @admin.display(description="status", ordering="status")
    def outcome(self, obj: WebhookDelivery) -> SafeString:
        return badge(DeliveryStatus(obj.status).label, TONES[obj.status])
