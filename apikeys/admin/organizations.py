"""Organizations for staff: create, rename, suspend, reactivate."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apikeys.models import Organization, OrganizationStatus
from apikeys.services import create_organization, set_organization_status
from sequence.core.admin.base import ObjectPage, StaffAdmin
from sequence.core.admin.console import ConsoleQuery
from sequence.core.admin.display import badge, code
from sequence.core.admin.filters import Named
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.typing import Context

ORGANIZATION_FILTER = Named("organization", "Organization", Organization, "organization")
# More names than these are no choice; each organization's own page leads to its console.
LISTED_ORGANIZATIONS = 20


class ReactivateOrganization(ObjectPage[Organization]):
    name = "reactivate"
    label = "Reactivate"
    permission = "change"
    form_class = NoteForm

    def offered(self, obj: Organization) -> bool:
        return obj.status == OrganizationStatus.SUSPENDED

    def consequences(self, obj: Organization) -> list[str]:
        return [
            f"The API keys of {obj.name} that are not paused, revoked or expired work again at their next request.",
            "Its enabled rules start again with what comes from now on. What was missed or cancelled stays so.",
        ]

    def perform(self, request: HttpRequest, obj: Organization, choices: Context) -> str:
        note_of(request, choices)
        set_organization_status(organization_id=obj.id, status=OrganizationStatus.ACTIVE)
        return f"{obj.name} is active again."


class OrganizationForm(forms.ModelForm):
    class Meta:
        model = Organization
        fields = ["name", "legal_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "legal_name" in self.fields and self.instance._state.adding:
            self.fields["legal_name"].required = False
            self.fields["legal_name"].help_text = "The beneficiary of its accounts. Left empty, it is the name."


@admin.register(Organization)
class OrganizationAdmin(StaffAdmin[Organization]):
    """No organization is ever deleted: everything hangs on it. Suspend it instead."""

    form = OrganizationForm
    object_pages = [ReactivateOrganization()]
    list_display = ["name", "legal_name", "shown_status", "shown_id", "created_at"]
    list_filter = ["status"]
    search_fields = ["name", "legal_name", "id__is"]
    search_help_text = "Name, legal name, or the whole id."
    ordering = ["name", "id"]
    readonly_fields = ["shown_status", "shown_id", "related", "created_at", "updated_at"]

    def get_fieldsets(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "legal_name"]})]
        facts = {"fields": ["shown_status", "shown_id", "related", "created_at", "updated_at"]}
        return [(None, {"fields": ["name", "legal_name"]}), ("Facts", facts)]

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Organization, form: forms.ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.pk = create_organization(name=obj.name, legal_name=obj.legal_name).pk
        obj.refresh_from_db()

    @admin.display(description="status", ordering="status")
    def shown_status(self, obj: Organization) -> SafeString:
        active = obj.status == OrganizationStatus.ACTIVE
        return badge(OrganizationStatus(obj.status).label, "good" if active else "bad")

    @admin.display(description="id")
    def shown_id(self, obj: Organization) -> SafeString:
        return code(obj.id)

    @admin.display(description="belongs to it")
    def related(self, obj: Organization) -> SafeString:
        return format_html(
            '<a href="{}?organization={}">API keys</a> · <a href="{}?organization={}">Accounts</a>',
            reverse("admin:apikeys_apikey_changelist"),
            obj.id,
            reverse("admin:accounts_account_changelist"),
            obj.id,
        )


def listed_organizations(look: ConsoleQuery) -> list[tuple[str, str]]:
    """Return the id and name of the first few organizations of the alphabet, and always of the chosen one."""
    organizations = Organization.objects.order_by("name", "id").values_list("id", "name")
    listed = list(organizations[:LISTED_ORGANIZATIONS])
    if look.organization_id and look.organization_id not in dict(listed):
        listed += organizations.filter(id=look.organization_id)
    return listed
