"""Page of the whole audit trail."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from sequence.core.admin.actors import may_see_trail
from sequence.core.admin.deciders import STAFF
from sequence.core.admin.period_filters import Span, read_span
from sequence.core.admin.trail import Filters, Page, kinds, newest_changes
from sequence.core.admin.trail_export import CSV, JSON_LINES, export_trail
from sequence.core.models import AuditTrail
from sequence.core.typing import Context

WORKER = "worker"


class Time(forms.CharField):
    """A day, a minute or a second in UTC."""

    def __init__(self, label: str) -> None:
        widget = forms.TextInput(attrs={"placeholder": "2026-01-31 12:00", "title": "A day or a minute, UTC."})
        super().__init__(required=False, label=label, widget=widget)

    def clean(self, value: str) -> Span | None:
        text = super().clean(value).strip()
        return read_span(text) if text else None


class FilterForm(forms.Form):
    """The filters, all optional, exact. Both ends of a period belong to it, as far as they are written."""

    kind = forms.ChoiceField(required=False, label="What")
    actor = forms.CharField(required=False, label="Who", widget=forms.TextInput(attrs={"placeholder": "staff:name"}))
    request_id = forms.CharField(required=False, label="Request id")
    object_id = forms.CharField(required=False, label="Object id")

    def __init__(self, given: QueryDict) -> None:
        super().__init__(given)
        self.fields.update({"from": Time("From (UTC)"), "to": Time("To (UTC)")})
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - tells the type checker
        kind.choices = [("", "Everything"), *kinds()]

    def clean(self) -> Context:
        first, last = self.cleaned_data.get("from"), self.cleaned_data.get("to")
        if first and last and last.ends_at <= first.begins_at:
            self.add_error("to", ValidationError("This is before the beginning.", code="backwards"))
        return self.cleaned_data

    def chosen(self, older: str) -> Filters:
        """Return the filters, which made sense. A name alone is that of somebody of the staff."""
        data = self.cleaned_data
        actor = data["actor"].strip()
        is_name = actor and ":" not in actor and actor != WORKER
        return Filters(
            kind=data["kind"],
            actor=f"{STAFF}{actor}" if is_name else actor,
            request_id=data["request_id"],
            object_id=data["object_id"],
            since=data["from"].begins_at if data["from"] else None,
            until=data["to"].ends_at if data["to"] else None,
            older=older,
        )


@admin.register(AuditTrail)
class AuditTrailAdmin(admin.ModelAdmin):
    """Read only, for everybody: the tables behind it refuse every change."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path("", self.admin_site.admin_view(self.trail_view), name="sequence_audittrail_changelist"),
            path("export/", self.admin_site.admin_view(self.export_view), name="sequence_audittrail_export"),
        ]

    def trail_view(self, request: HttpRequest) -> HttpResponse:
        if not may_see_trail(request):
            raise PermissionDenied
        form = FilterForm(request.GET)
        trail = newest_changes(form.chosen(request.GET.get("older", ""))) if form.is_valid() else Page([])
        older, filters = request.GET.copy(), request.GET.copy()
        older["older"] = trail.older
        filters.pop("older", None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Audit trail",
            "opts": self.opts,
            "form": form,
            "trail": trail,
            "filters": filters.urlencode(),
            "older": older.urlencode() if trail.older else "",
        }
        return TemplateResponse(request, "admin/sequence/trail.html", context)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All changes under the filters, as CSV, or as JSON lines where ``form=jsonl`` asks for them."""
        if not may_see_trail(request):
            raise PermissionDenied
        form = FilterForm(request.GET)
        if not form.is_valid():
            return HttpResponseRedirect(f"../?{request.GET.urlencode()}")  # The page says what is wrong.
        wanted = JSON_LINES if request.GET.get("form") == JSON_LINES else CSV
        return export_trail(request, form.chosen(""), form=wanted)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditTrail | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditTrail | None = None) -> bool:
        return False
