"""API keys for staff: create, limit, rotate, revoke. The secret is on one page, once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apikeys import services
from apikeys.admin.allowances import shown_allowances
from apikeys.admin.choosing import ChooseOrganization
from apikeys.admin.entries import EntryFormSet, EntryInline
from apikeys.admin.entry_words import in_words
from apikeys.admin.organizations import ORGANIZATION_FILTER
from apikeys.custody import custodians_of
from apikeys.models import ApiKey, Organization, OrganizationStatus, PermissionEntry
from sequence.core import clock
from sequence.core.admin.base import ObjectPage, StaffAdmin, actor_of
from sequence.core.admin.display import UNKNOWN, badge, code
from sequence.core.admin.filters import Named, OneOf
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.admin.period_filters import period
from sequence.core.typing import Context

ACTIVE, EXPIRED, PAUSED, REVOKED = "Active", "Expired", "Paused", "Revoked"
SUSPENDED = "Organization suspended"
TONES = {ACTIVE: "good", EXPIRED: "quiet", PAUSED: "warn", REVOKED: "bad", SUSPENDED: "warn"}
# Entries of a single key that a list shows before it counts the rest.
SHOWN_ENTRIES = 4


def status_of(key: ApiKey) -> str:
    """Return what stands between the key and the door, or that nothing does."""
    if key.revoked_at is not None:
        return REVOKED
    if not key.is_usable(clock.now()):
        return EXPIRED
    if key.paused_at is not None:
        return PAUSED
    return ACTIVE if key.organization.status == OrganizationStatus.ACTIVE else SUSPENDED


def key_filter(*columns: str) -> Named:
    """Return the filter for rows of one key: by its id, its name, or how it begins."""
    return Named("key", "Key", ApiKey, *columns, called=("name", "prefix"))


def _is_usable() -> Q:
    return Q(id__in=ApiKey.objects.usable(clock.now()).values("id"))


_NOT_PAUSED = Q(paused_at=None)
_IN_ACTIVE = Q(organization__status=OrganizationStatus.ACTIVE)
STATUS_FILTER = OneOf(
    "status",
    "Status",
    {
        "active": (ACTIVE, lambda: _is_usable() & _IN_ACTIVE & _NOT_PAUSED),
        "paused": (PAUSED, lambda: _is_usable() & ~_NOT_PAUSED),
        "expired": (EXPIRED, lambda: Q(revoked_at=None, expires_at__lte=clock.now())),
        "revoked": (REVOKED, Q(revoked_at__isnull=False)),
        "suspended": (SUSPENDED, lambda: _is_usable() & ~_IN_ACTIVE & _NOT_PAUSED),
    },
)


class ResumeKey(ObjectPage[ApiKey]):
    name = "resume"
    label = "Resume"
    permission = "change"
    form_class = NoteForm

    def offered(self, obj: ApiKey) -> bool:
        return obj.paused_at is not None and obj.revoked_at is None

    def consequences(self, obj: ApiKey) -> list[str]:
        return [
            f"{obj.name} ({obj.prefix}…) and its rotations work again at their next request.",
            "What was cancelled when it was paused stays cancelled.",
        ]

    def perform(self, request: HttpRequest, obj: ApiKey, choices: Context) -> str:
        note_of(request, choices)
        services.resume_api_key(key_id=obj.id)
        return f"{obj.name} works again."


class RotationForm(forms.Form):
    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=services.MAX_OVERLAP_HOURS,
        initial=services.DEFAULT_OVERLAP_HOURS,
        label="Overlap in hours",
        help_text="How long the old key still works beside the new one; 0 closes it at once.",
    )


class RotateKey(ObjectPage[ApiKey]):
    name = "rotate"
    label = "Rotate"
    permission = "rotate"
    form_class = RotationForm

    def offered(self, obj: ApiKey) -> bool:
        return obj.is_usable(clock.now()) and not hasattr(obj, "successor")

    def consequences(self, obj: ApiKey) -> list[str]:
        expiry = (
            "" if obj.expires_at is None else f" It expires when the old one does: {obj.expires_at:%Y-%m-%d %H:%M} UTC."
        )
        return [
            f"A new key with the permissions and limits of {obj.name} is made and shown once.{expiry}",
            "The old key works until the overlap ends; bring the new one to its program before that.",
            "Idempotency records and spent amounts go on: a retry across the rotation does nothing twice.",
            "Whoever does this may from then on neither approve its transfers nor enable the rules that it wrote.",
        ]

    def perform(self, request: HttpRequest, obj: ApiKey, choices: Context) -> HttpResponse:
        overlap = timedelta(hours=choices["overlap_hours"])
        key, token = services.rotate_api_key(key_id=obj.id, overlap=overlap, rotated_by=actor_of(request))
        return show_new_key(request, key, token)


def show_new_key(request: HttpRequest, key: ApiKey, token: str) -> HttpResponse:
    """Return the one page that ever shows the secret.

    It is the answer to the form itself: no redirect, so that no message, session or address has to carry the secret.
    """
    model_admin = admin.site.get_model_admin(ApiKey)
    assert isinstance(model_admin, ApiKeyAdmin)  # noqa: S101 - tells the type checker
    page = model_admin.page(
        request,
        "admin/sequence/new_key.html",
        title=f"New key: {key.name}",
        original=key,
        token=token,
        address=model_admin.address_of(key),
    )
    page["Cache-Control"] = "no-store"
    return page


class ApiKeyForm(forms.ModelForm):
    class Meta:
        model = ApiKey
        fields = ["name", "expires_at", "rate_limit_per_minute"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "rate_limit_per_minute" in self.fields:
            limit = self.fields["rate_limit_per_minute"]
            limit.label = "Requests a minute"
            limit.help_text = f"Empty means {settings.RATE_LIMIT_PER_MINUTE}."
            limit.widget.attrs["min"] = 1

    def clean_rate_limit_per_minute(self) -> int | None:
        limit: int | None = self.cleaned_data["rate_limit_per_minute"]
        if limit == 0:
            raise forms.ValidationError("0 would refuse every request. To close the key, revoke it.")
        return limit

    def clean_expires_at(self) -> datetime | None:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and "expires_at" in self.changed_data and expires_at <= clock.now():
            raise forms.ValidationError("This is in the past. To close the key now, revoke it.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(StaffAdmin[ApiKey]):
    """No key is ever deleted: history needs it. Revoke it instead."""

    form = ApiKeyForm
    inlines = [EntryInline]
    object_pages = [RotateKey(), ResumeKey()]
    trail_parts = {PermissionEntry: "api_key"}
    list_display = ["name", "organization", "status_and_end", "shown_prefix", "last_used_at", "may_do"]
    list_select_related = ["organization"]
    filters = [ORGANIZATION_FILTER, STATUS_FILTER, *period("created_at")]
    search_fields = ["name", "prefix__startswith", "id__is", "organization__name"]
    search_help_text = "Name, organization, the beginning of the key, or its whole id."
    ordering = ["-created_at", "-id"]
    _facts = [
        "shown_organization",
        "shown_status",
        "shown_prefix",
        "shown_id",
        "created_by",
        "created_at",
        "last_used_at",
        "revoked_at",
        "pause",
        "shown_replaces",
        "shown_successor",
        "permissions_changed_by",
        "permissions_changed_at",
        "shown_custodians",
    ]
    readonly_fields = ["shown_allowances", *_facts]

    class Media:
        js = ["sequence/entries.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        keys = super().get_queryset(request).select_related("organization", "replaces", "successor")
        # Nothing here needs a digest, so none is read.
        return keys.defer("digest", "replaces__digest", "successor__digest").prefetch_related("entries")

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        form = (None, {"fields": ["name", "expires_at", "rate_limit_per_minute"]})
        if obj is None:
            return [form]
        return [form, ("What it may move now", {"fields": ["shown_allowances"]}), ("Facts", {"fields": self._facts})]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A revoked key stays as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A key that may do nothing is of no use, so whoever makes one must be able to give it permissions."""
        return super().has_add_permission(request) and request.user.has_perm("apikeys.add_permissionentry")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None) -> HttpResponse:
        """Ask for the organization first: which accounts there are to choose from depends on it."""
        choosing = ChooseOrganization(request.GET or None)
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        if choosing.is_valid():
            title = f"New API key for {choosing.cleaned_data['organization']}"
            return super().add_view(request, form_url, {"title": title, **(extra_context or {})})
        title = "New API key: for which organization?"
        return self.page(request, "admin/sequence/choose.html", title=title, form=choosing)

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None:
            return form
        organization = Organization.objects.get(id=request.GET["organization"])

        class NewApiKeyForm(form):  # type: ignore[valid-type, misc]
            def __init__(self, *args: object, **options: object) -> None:
                super().__init__(*args, **options)
                self.instance.organization = organization

        return NewApiKeyForm

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:
        """A new key is made together with its entries, in save_related."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if change and changes:
            services.edit_api_key(key_id=obj.pk, changes=changes, changed_by=actor_of(request))

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm, formsets: Sequence[EntryFormSet], change: bool
    ) -> None:
        if change:
            for formset in formsets:
                self._save_entries(request, form.instance, formset)
            return
        [formset] = formsets
        given = form.cleaned_data
        key, token = services.create_api_key(
            organization=form.instance.organization,
            name=given["name"],
            permissions=formset.granted(),
            created_by=actor_of(request),
            expires_at=given["expires_at"],
            rate_limit_per_minute=given["rate_limit_per_minute"],
        )
        form.instance.pk = key.pk
        request.new_key = key, token  # type: ignore[attr-defined]

    def _save_entries(self, request: HttpRequest, key: ApiKey, formset: EntryFormSet) -> None:
        """Leave entries that nobody edited alone, and with them the name of who answers for them."""
        if formset.has_changed():
            services.set_permissions(key_id=key.pk, permissions=formset.granted(), changed_by=actor_of(request))

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return show_new_key(request, *request.new_key)  # type: ignore[attr-defined]

    @admin.display(description="used and left")
    def shown_allowances(self, obj: ApiKey) -> SafeString:
        return shown_allowances(obj)

    @admin.display(description="organization")
    def shown_organization(self, obj: ApiKey) -> SafeString:
        address = reverse("admin:apikeys_organization_change", args=[quote(obj.organization_id)])
        return format_html('<a href="{}">{}</a>', address, obj.organization)

    @admin.display(description="status")
    def shown_status(self, obj: ApiKey) -> SafeString:
        status = status_of(obj)
        return badge(status, TONES[status])

    @admin.display(description="status", ordering="expires_at")
    def status_and_end(self, obj: ApiKey) -> SafeString:
        """The status, and when it will end by itself. One column for both leaves room for what the key may do."""
        if obj.expires_at is None or status_of(obj) not in (ACTIVE, PAUSED, SUSPENDED):
            return self.shown_status(obj)
        until = f"until {obj.expires_at:%Y-%m-%d}"
        return format_html('{} <span class="until">{}</span>', self.shown_status(obj), until)

    @admin.display(description="begins with", ordering="prefix")
    def shown_prefix(self, obj: ApiKey) -> SafeString:
        return code(f"{obj.prefix}…")

    @admin.display(description="id")
    def shown_id(self, obj: ApiKey) -> SafeString:
        return code(obj.id)

    @admin.display(description="may do")
    def may_do(self, obj: ApiKey) -> SafeString:
        lines = [in_words(permission) for permission in obj.permissions()]
        shown, rest = lines[:SHOWN_ENTRIES], len(lines) - SHOWN_ENTRIES
        if rest > 0:
            shown.append(f"and {rest} more")
        items = format_html_join("", "<li>{}</li>", ((line,) for line in shown))
        return format_html('<ul class="plain">{}</ul>', items)

    @admin.display(description="neither approve its transfers nor enable its rules")
    def shown_custodians(self, obj: ApiKey) -> SafeString:
        lines = ((f"{row.actor}, who {row.how} it on {row.since:%Y-%m-%d}",) for row in custodians_of(obj))
        return format_html_join("", "<p>{}</p>", lines)

    @admin.display(description="paused")
    def pause(self, obj: ApiKey) -> str:
        if obj.paused_at is None:
            return UNKNOWN
        note = f": {obj.pause_note}" if obj.pause_note else ""
        return f"{obj.paused_at:%Y-%m-%d %H:%M:%S} UTC by {obj.paused_by}{note}"

    @admin.display(description="replaces")
    def shown_replaces(self, obj: ApiKey) -> str | SafeString:
        return self._link(obj.replaces)

    @admin.display(description="replaced by")
    def shown_successor(self, obj: ApiKey) -> str | SafeString:
        return self._link(getattr(obj, "successor", None))

    def _link(self, key: ApiKey | None) -> str | SafeString:
        return UNKNOWN if key is None else format_html('<a href="{}">{}</a>', self.address_of(key), key)
