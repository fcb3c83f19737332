"""Base of the staff's pages: changes that touch only what was edited, the trail, and pages that ask first."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import BaseFormSet, model_to_dict
from django.forms.models import _get_foreign_key
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from sequence.core.admin.actors import actor_of
from sequence.core.admin.acts import CHANGED, NOT_POSSIBLE, action_on, attempt, note_act, note_refusal
from sequence.core.admin.exports import Column, export
from sequence.core.admin.filters import Filter
from sequence.core.admin.fingerprints import CHANGED_MEANWHILE, fingerprint_of, has_seen
from sequence.core.admin.links import Link, links_of
from sequence.core.admin.lists import FilteredList
from sequence.core.admin.object_pages import ObjectPage
from sequence.core.admin.panels import panels_of
from sequence.core.admin.trail import newest_changes_of
from sequence.core.api.request_ids import request_id_of
from sequence.core.typing import Context, Rows
from sequence.core.wired import wired

T = TypeVar("T")
# The model whose page it is.
M = TypeVar("M", bound=models.Model)


class StaffAdmin(admin.ModelAdmin, Generic[M]):
    """The base of all pages about a model. Django's own log is not kept: the audit trail knows more."""

    # Those of its own app; the wiring offers more.
    object_pages: ClassVar[Sequence[ObjectPage]] = ()
    # Tracked models that are shown as part of an object's history, each with its foreign key to the object.
    trail_parts: ClassVar[dict[type[models.Model], str]] = {}
    # What the list can be asked for, in the order of its form.
    filters: ClassVar[Sequence[Filter]] = ()
    # The columns of the list's export; a list without them has none.
    export_columns: ClassVar[Sequence[Column]] = ()
    list_per_page = 50
    show_full_result_count = False  # Counting a whole table is slow, and nobody reads the number.

    def get_changelist(self, request: HttpRequest, **options: object) -> type[ChangeList]:
        return FilteredList if self.filters else super().get_changelist(request, **options)

    def all_object_pages(self) -> list[ObjectPage[M]]:
        """Return the pages that ask about an object of this model, those of other apps last."""
        return [*self.object_pages, *(page for model, page in wired("OBJECT_PAGES") if model is self.model)]

    def get_actions(self, request: HttpRequest) -> Context:
        """Bulk deletion never goes through the services, so there is none."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(f"<path:object_id>/{page.name}/", self.admin_site.admin_view(self._view_of(page)))
            for page in self.all_object_pages()
        ]
        if self.export_columns:
            pages.append(path("export/", self.admin_site.admin_view(self.export_view)))
        return pages + super().get_urls()

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All rows of the filters in force as CSV, for whoever may see the list."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        listed = self.get_changelist_instance(request)
        assert isinstance(listed, FilteredList)  # noqa: S101 - tells the type checker
        if not listed.is_understood:
            return HttpResponseRedirect(f"../?{request.GET.urlencode()}")  # The list says what is wrong.
        return export(
            listed.queryset,
            self.export_columns,
            name=str(self.opts.verbose_name_plural),
            by=actor_of(request),
            filters=request.GET.urlencode(),
            request_id=request_id_of(request),
        )

    def after_asking(
        self,
        request: HttpRequest,
        rows: models.QuerySet[M],
        *,
        action: str,
        label: str,
        consequences: Sequence[str],
        shown: Callable[[M], object],
        do: Callable[[], str],
    ) -> HttpResponse | None:
        """Ask before a bulk action, then ``do`` it to the very rows that were shown, and tell the person what it says.

        ``shown`` returns what the question tells of a row. The rows are locked from the answer on.
        """
        answered = "confirmed" in request.POST
        chosen = list(
            rows.order_by("pk").select_for_update(no_key=True, of=("self",)) if answered else rows.order_by("pk")
        )
        told = (action, self.opts.label, list(consequences), [[row.pk, shown(row)] for row in chosen])
        if answered:
            note_act(request, action_on(self.model, action), chosen)
        if answered and has_seen(request, *told):
            messages.success(request, do())
            return None
        if answered:
            note_refusal(request, CHANGED)
            messages.warning(request, CHANGED_MEANWHILE)
        name = str(self.opts.verbose_name)
        return self.page(
            request,
            "admin/sequence/confirm_rows.html",
            title=f"{label} {len(chosen)} {name}{'' if len(chosen) == 1 else 's'}",
            action=action,
            label=label,
            rows=[(row.pk, shown(row)) for row in chosen],
            consequences=consequences,
            seen=fingerprint_of(*told),
        )

    def _view_of(self, page: ObjectPage[M]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            return self._object_page(request, page, object_id)

        return view

    def _object_page(self, request: HttpRequest, page: ObjectPage[M], object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        may = page.has_permission(request, self.opts) and self.has_view_or_change_permission(request, obj)
        if obj is not None and not (may and page.offered(obj)):
            note_act(request, page.action_on(obj), [obj])
        if not may:
            raise PermissionDenied
        if obj is None:
            raise Http404
        if not page.offered(obj):
            note_refusal(request, NOT_POSSIBLE)
            messages.warning(request, f"“{page.label}” is not possible in the present state of {obj}.")
            return HttpResponseRedirect(self.address_of(obj))
        form = page.form(obj, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            return self._decide(request, page, obj, form)
        return self._ask(request, page, obj, form)

    def _decide(self, request: HttpRequest, page: ObjectPage[M], obj: M, form: forms.Form) -> HttpResponse:
        """Do what the person read, or show what it has become and ask again. The object may have changed until now."""
        locked = self._lock(request, obj.pk)
        page.lock(locked)
        note_act(request, page.action_on(locked), [locked])
        if not page.offered(locked):
            note_refusal(request, NOT_POSSIBLE)
            messages.warning(request, f"“{page.label}” is not possible in the present state of {locked}.")
            return HttpResponseRedirect(self.address_of(locked))
        if not has_seen(request, self._shown_by(page, locked)):
            note_refusal(request, CHANGED)
            messages.warning(request, CHANGED_MEANWHILE)
            return self._ask(request, page, locked, form)
        return self._performed(request, page, locked, form.cleaned_data)

    def _lock(self, request: HttpRequest, pk: object) -> M:
        """Return the object as it is now, locked until the request's transaction ends."""
        return self.get_queryset(request).select_for_update(no_key=True, of=("self",)).get(pk=pk)

    def _shown_by(self, page: ObjectPage[M], obj: M) -> Context:
        """Return what the page tells, read once: the fingerprint must be of just what is on the screen."""
        deciders = page.deciders(obj)
        return {
            "about": [page.name, self.opts.label, obj.pk],
            "consequences": list(page.consequences(obj)),
            "facts": list(self.facts_about(obj)),
            "deciders": list(deciders.sentences),
            "barred": sorted(deciders.barred),
        }

    def _performed(self, request: HttpRequest, page: ObjectPage[M], obj: M, choices: Context) -> HttpResponse:
        outcome = attempt(request, lambda: page.perform(request, obj, choices))
        if isinstance(outcome, HttpResponse):
            return outcome
        if outcome is not None:
            messages.success(request, outcome)
        return HttpResponseRedirect(self.address_of(obj))

    def _ask(self, request: HttpRequest, page: ObjectPage[M], obj: M, form: forms.Form) -> HttpResponse:
        shown = self._shown_by(page, obj)
        return self.page(
            request,
            "admin/sequence/confirm.html",
            title=f"{page.label}: {obj}",
            original=obj,
            page=page,
            consequences=shown["consequences"],
            facts=shown["facts"],
            deciders=shown["deciders"],
            is_barred=actor_of(request) in shown["barred"],
            seen=fingerprint_of(shown),
            form=form,
            back=self.address_of(obj),
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Context | None = None,
    ) -> HttpResponse:
        """The object's form. What is sent was typed over the values that it showed: others are shown first."""
        obj = None if object_id is None else self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_or_change_permission(request, obj):
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST":
            obj = self._lock(request, obj.pk)
        # Read before the form is, which shows what is newer, and before the form writes what was typed into its object.
        shown = self._editable_values(request, obj)
        if request.method == "POST" and self.has_change_permission(request, obj) and not has_seen(request, *shown):
            note_act(request, action_on(self.model, "CHANGE"), [obj])
            note_refusal(request, CHANGED)
            messages.warning(request, CHANGED_MEANWHILE)
            return HttpResponseRedirect(self.address_of(obj))
        context = {**(extra_context or {}), "seen": fingerprint_of(*shown)}
        return super().changeform_view(request, object_id, form_url, context)

    def _editable_values(self, request: HttpRequest, obj: M) -> tuple[object, ...]:
        """Return what the form offers to change: the object's own values and those of the rows below it."""
        fields = list(self.get_form(request, obj, change=True).base_fields)
        rows = [_rows_below(inline, request, obj) for inline in self.get_inline_instances(request, obj)]
        return self.opts.label, obj.pk, model_to_dict(obj, fields), rows

    def page(self, request: HttpRequest, template: str, **context: object) -> TemplateResponse:
        """Return a page of the site about this model."""
        site = self.admin_site.each_context(request)
        return TemplateResponse(request, template, {**site, "opts": self.opts, "media": self.media, **context})

    def links_of(self, request: HttpRequest, obj: M) -> list[Link]:
        """Return pages beside the object's own that tell more of it: the words of each link, and its address."""
        return []

    def facts_about(self, obj: M) -> Sequence[str]:
        """Return what every page that asks tells of what the object names, in words that nobody chose who asks."""
        return []

    def address_of(self, obj: M) -> str:
        """Return the address of the object's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(obj.pk)])

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        """The list, under the name of what it lists."""
        title = str(self.opts.verbose_name_plural)
        context = {"title": title[0].upper() + title[1:], "can_export": bool(self.export_columns)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def render_change_form(
        self,
        request: HttpRequest,
        context: Context,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        # One button that saves; what was made has more to tell than an empty form for the next one.
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        if obj is not None:
            context["buttons"] = [page for page in self.all_object_pages() if page.is_allowed(request, obj)]
            context["links"] = [*self.links_of(request, obj), *links_of(request, obj)]
            context["panels"] = panels_of(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: M, form: forms.ModelForm, change: bool) -> None:
        """Write only what was edited: a whole row would undo what others changed since it was read."""
        if not change:
            obj.save(force_insert=True)
            return
        edited = [name for name in form.changed_data if name in {field.name for field in self.opts.concrete_fields}]
        stamps = [field.name for field in self.opts.concrete_fields if getattr(field, "auto_now", False)]
        if edited:
            obj.save(update_fields=[*edited, *stamps])

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Iterable[BaseFormSet], add: bool = False
    ) -> list[dict[str, dict[str, list[str]]]]:
        """Nothing: the trail has it."""
        return []

    def log_addition(self, request: HttpRequest, obj: M, message: object) -> None:  # type: ignore[override]
        """Say what the audit log will tell; the triggers have noted the rest."""
        note_act(request, action_on(self.model, "CREATE"), [obj])

    def log_change(self, request: HttpRequest, obj: M, message: object) -> None:  # type: ignore[override]
        """Say what the audit log will tell; the triggers have noted the rest."""
        note_act(request, action_on(self.model, "CHANGE"), [obj])

    def log_deletions(self, request: HttpRequest, queryset: Rows) -> None:  # type: ignore[override]
        """Say what the audit log will tell, while it is there; the triggers will note the rest."""
        note_act(request, action_on(self.model, "DELETE"), list(queryset))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Context | None = None) -> HttpResponse:
        """The object's part of the audit trail."""
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            raise Http404
        return self.page(
            request,
            "admin/object_history.html",
            title=f"History: {obj}",
            object=obj,
            module_name=str(self.opts.verbose_name_plural).capitalize(),
            trail=newest_changes_of(obj, parts=self.trail_parts, older=request.GET.get("older", "")),
        )


def _rows_below(inline: InlineModelAdmin, request: HttpRequest, obj: models.Model) -> list[Context]:
    foreign_key = _get_foreign_key(type(obj), inline.model, fk_name=inline.fk_name)
    rows = inline.get_queryset(request).filter(**{foreign_key.name: obj}).order_by("pk")
    return [{"pk": row.pk, **model_to_dict(row)} for row in rows]


def page_about(model: type[models.Model], request: HttpRequest, template: str, **context: object) -> TemplateResponse:
    """Return a page of the site about a model whose admin is another app's."""
    model_admin = admin.site.get_model_admin(model)
    assert isinstance(model_admin, StaffAdmin)  # noqa: S101 - tells the type checker
    return model_admin.page(request, template, **context)


class ReadOnlyAdmin(StaffAdmin[M]):
    """Staff look at these; nothing here is written by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


__all__ = ["ObjectPage", "ReadOnlyAdmin", "StaffAdmin", "actor_of", "attempt", "page_about"]
