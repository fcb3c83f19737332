"""Page of the whole audit trail."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from sequence.core.admin.actors import may_see_trail
from sequence.core.admin.trail import Filters, kinds, newest_changes
from sequence.core.models import AuditTrail


class FilterForm(forms.Form):
    """The filters, all optional, exact."""

    kind = forms.ChoiceField(required=False, label="What")
    actor = forms.CharField(required=False, label="Who", widget=forms.TextInput(attrs={"placeholder": "staff:name"}))
    request_id = forms.CharField(required=False, label="Request id")
    object_id = forms.CharField(required=False, label="Object id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - tells the type checker
        kind.choices = [("", "Everything"), *kinds()]


@admin.register(AuditTrail)
class AuditTrailAdmin(admin.ModelAdmin):
    """Read only, for everybody: the tables behind it refuse every change."""

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.trail_view), name="sequence_audittrail_changelist")]

    def trail_view(self, request: HttpRequest) -> HttpResponse:
        if not may_see_trail(request):
            raise PermissionDenied
        form = FilterForm(request.GET)
        chosen = form.cleaned_data if form.is_valid() else {}
        trail = newest_changes(Filters(**chosen, older=request.GET.get("older", "")))
        older = request.GET.copy()
        older["older"] = trail.older
        context = {
            **self.admin_site.each_context(request),
            "title": "Audit trail",
            "opts": self.opts,
            "form": form,
            "trail": trail,
            "older": older.urlencode() if trail.older else "",
        }
        return TemplateResponse(request, "admin/sequence/trail.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
