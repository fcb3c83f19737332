"""Form of one permission entry: a scope, and what it reaches, picked from what the organization has."""

from dataclasses import replace
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from apikeys.admin.entry_words import in_full
from apikeys.entries import Permission
from apikeys.errors import InvalidPermission
from apikeys.limits import EVERY_LIMIT, TRANSFER_LIMITS, TRIGGER_LIMITS
from apikeys.models import ApiKey, PermissionEntry
from apikeys.resources import Choices, resources_of
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from sequence.core.admin.fields import Dollars
from sequence.core.money import MAX_CENTS
from sequence.core.typing import Context

# The form's fields of limits: what goes from one account to another, and what sets rules off.
_LABELS = {
    "max_amount_cents": "Most per transfer",
    "max_amount_per_day_cents": "Most per day (UTC)",
    "max_amount_per_week_cents": "Most per week (from Monday)",
    "max_amount_per_month_cents": "Most per calendar month",
    "max_count_per_day": "Most times per day (UTC)",
    "max_count_per_week": "Most times per week (from Monday)",
    "max_count_per_month": "Most times per calendar month",
    "approval_above_cents": "A person approves above",
    "max_execute_amount_cents": "Most that a trigger may say has arrived",
}
LIMITS = tuple(limit.column for limit in TRANSFER_LIMITS)
TRIGGER_FIELDS = tuple(limit.column for limit in TRIGGER_LIMITS)
_COLUMNS = {limit.column: limit for limit in EVERY_LIMIT.values()}
_MONEY = tuple(name for name in LIMITS if _COLUMNS[name].counts_money)
_TIMES = tuple(name for name in LIMITS if name not in _MONEY and name in _LABELS)
# What stands beside each other on the page: fields that the same scopes have.
_ROWS = (_MONEY, _TIMES, "requires_reason", "max_execute_amount_cents")
# Limits that bound what may be moved; to want a reason is none of them.
_BOUNDS = tuple(name for name in LIMITS if name in _LABELS)
# The fields that a scope of each kind has; the page shows only these, and the others must stay empty.
FIELDS_OF_KIND = {
    ResourceKind.NONE: (),
    ResourceKind.ACCOUNT: ("accounts",),
    ResourceKind.RULE: ("rules",),
    ResourceKind.ACCOUNT_PAIR: ("source", "target", *LIMITS, "no_limit"),
}


def fields_of(scope: Scope) -> tuple[str, ...]:
    """Return the fields that an entry of the scope has."""
    return (*FIELDS_OF_KIND[scope.resource_kind], *(TRIGGER_FIELDS if scope is Scope.TRIGGER_RULES else ()))


# The fields that fill ``resources``.
_CHOSEN_IN = {ResourceKind.ACCOUNT: "accounts", ResourceKind.RULE: "rules"}
_OPTIONAL = {name for scope in Scope for name in fields_of(scope)}
_EVERY_NAME = {
    ResourceKind.ACCOUNT: "Every account (*), also those opened later",
    ResourceKind.RULE: "Every rule (*), also those created later",
}


class ScopeSelect(forms.Select):
    """Tells the page's script, for each scope, which fields an entry of it has."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> Context:
        option = super().create_option(name, value, *args, **kwargs)
        if value in Scope.values:
            option["attrs"]["data-fields"] = " ".join(fields_of(Scope(value)))
        return option


def _dollars(name: str, help_text: str = "Empty: no limit.") -> Dollars:
    least = _COLUMNS[name].low
    return Dollars(required=False, label=f"{_LABELS[name]}, in US dollars", min_cents=least, help_text=help_text)


def _times(name: str) -> forms.IntegerField:
    help_text = "Of MANUAL_TRANSFER: transfers; of TRIGGER_RULES: runs of all its rules together. Empty: no limit."
    return forms.IntegerField(
        required=False, min_value=1, max_value=MAX_CENTS, label=_LABELS[name], help_text=help_text
    )


class EntryForm(forms.ModelForm):
    """``choices`` are the resources of the key's organization, by kind."""

    scope = forms.ChoiceField(
        choices=[("", "Choose what the key may do"), *((scope.value, f"{scope}: {scope.label}") for scope in Scope)],
        widget=ScopeSelect(attrs={"class": "scope"}),
    )
    accounts = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    rules = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    source = forms.TypedChoiceField(required=False, empty_value=None, label="From")
    target = forms.TypedChoiceField(required=False, empty_value=None, label="To")
    max_amount_cents = _dollars("max_amount_cents")
    max_amount_per_day_cents = _dollars("max_amount_per_day_cents")
    max_amount_per_week_cents = _dollars("max_amount_per_week_cents")
    max_amount_per_month_cents = _dollars("max_amount_per_month_cents")
    approval_above_cents = _dollars("approval_above_cents")
    max_execute_amount_cents = _dollars("max_execute_amount_cents", "Of TRIGGER_RULES; 0: nothing may be said.")
    max_count_per_day = _times("max_count_per_day")
    max_count_per_week = _times("max_count_per_week")
    max_count_per_month = _times("max_count_per_month")
    requires_reason = forms.BooleanField(
        required=False,
        label="Each transfer must say why",
        help_text="In the header X-Called-Reason; whoever approves reads it.",
    )
    no_limit = forms.BooleanField(
        required=False,
        label="No limit, on purpose",
        help_text="Without any limit above, the key may move all there is, at once, without a person.",
    )

    class Meta:
        model = PermissionEntry
        fields = ["scope", "source", "target", *_COLUMNS]

    def __init__(self, *args: Any, choices: dict[ResourceKind, Choices], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entry = self.instance
        kind = Scope(entry.scope).resource_kind if entry.scope in Scope.values else ResourceKind.NONE
        for of_kind, name in _CHOSEN_IN.items():
            stored = entry.resources if kind is of_kind else []
            self._offer(name, _offered(of_kind, choices[of_kind], stored))
            self.initial[name] = stored
        for name in ("source", "target"):
            stored = [getattr(entry, name)] if getattr(entry, name) else []
            offered = _offered(ResourceKind.ACCOUNT, choices[ResourceKind.ACCOUNT], stored)
            self._offer(name, [("", "Choose an account"), *offered])
        self.initial["no_limit"] = entry.pk is not None and kind is ResourceKind.ACCOUNT_PAIR and not entry.has_limit

    def _offer(self, name: str, choices: Choices) -> None:
        # Staff who may only look have none of these fields.
        if name in self.fields:
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> Context:
        cleaned = super().clean() or self.cleaned_data
        if "scope" not in cleaned:
            return cleaned
        scope = Scope(cleaned["scope"])
        self._refuse_what_the_scope_has_not(scope)
        self._require_what_the_scope_needs(scope)
        self._require_a_word_for_no_limit(scope)
        if not self.errors:
            self.instance.resources = self.cleaned_data.get(_CHOSEN_IN.get(scope.resource_kind, ""), [])
        return cleaned

    def _refuse_what_the_scope_has_not(self, scope: Scope) -> None:
        for name in sorted(_OPTIONAL - set(fields_of(scope))):
            if self.cleaned_data.get(name) not in (None, "", [], False):
                self.add_error(name, f"{scope} has no such field. Clear it, or choose another scope.")

    def _require_what_the_scope_needs(self, scope: Scope) -> None:
        for name in fields_of(scope):
            if (
                name not in (*LIMITS, *TRIGGER_FIELDS, "no_limit")
                and name not in self.errors
                and not self.cleaned_data.get(name)
            ):
                self.add_error(name, f"{scope} needs this. Choose what it reaches; * reaches everything.")
        for name in _CHOSEN_IN.values():
            if EVERYTHING in self.cleaned_data.get(name, []) and len(self.cleaned_data[name]) > 1:
                self.add_error(name, "* already reaches all of them. Choose it alone, or choose single ones.")

    def _require_a_word_for_no_limit(self, scope: Scope) -> None:
        is_pair = scope.resource_kind is ResourceKind.ACCOUNT_PAIR and not self.errors
        has_limit = any(self.cleaned_data.get(name) is not None for name in _BOUNDS)
        if is_pair and not has_limit and not self.cleaned_data.get("no_limit"):
            self.add_error("no_limit", "This lets the key move any amount. Give a limit, or tick this.")

    def _post_clean(self) -> None:
        """Fill the entry in, as Django does, and let the domain have the last word on it."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            self.instance.as_permission()
        except InvalidPermission as refusal:
            self.add_error(None, refusal.text)


def _offered(kind: ResourceKind, known: Choices, stored: list[str]) -> Choices:
    """Return ``*``, what the organization has, and what an entry names that is not there (any more)."""
    names = {EVERYTHING: _EVERY_NAME[kind], **dict(known)}
    gone = [(id, f"{id} (matches nothing: deleted, or never there)") for id in stored if id not in names]
    return [*names.items(), *gone]


class EntryFormSet(forms.BaseInlineFormSet):
    """All entries of one key."""

    def get_form_kwargs(self, index: int | None) -> Context:
        return {**super().get_form_kwargs(index), "choices": self._choices()}

    def _choices(self) -> dict[ResourceKind, Choices]:
        """Ask once for the whole page, not once for each entry."""
        if not hasattr(self, "_asked"):
            organization_id = self.instance.organization_id
            self._asked = {kind: resources_of(kind, organization_id) for kind in _EVERY_NAME}
        return self._asked

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        granted = self.granted()
        if not granted:
            raise forms.ValidationError(
                "Give the key at least one permission. To close it, revoke it.", code="no_permission"
            )
        if len(set(granted)) < len(granted):
            raise forms.ValidationError("Two entries are the same. Remove one of them.", code="repeated_permission")

    def granted(self) -> list[Permission]:
        """Return what the valid forms let the key do."""
        entries = cast(list[EntryForm], self.forms)
        filled = [form for form in entries if form.has_changed() or form.instance.pk]
        kept = [form.instance.as_permission() for form in filled if form not in self.deleted_forms]
        # Which counter an entry goes on with is the service's matter: a row may now be about another pair.
        return [replace(permission, spend_id=None) for permission in kept]


class EntryInline(admin.StackedInline):
    model = PermissionEntry
    form = EntryForm
    formset = EntryFormSet
    fk_name = "api_key"
    template = "admin/sequence/entries.html"
    fields = ["scope", "accounts", "rules", ("source", "target"), *_ROWS, "no_limit"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Who may only look reads the entry in words: a form without its fields would say "None" and raw cents."""
        return list(super().get_fields(request, obj)) if self._may_edit(request, obj) else ["shown"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return [] if self._may_edit(request, obj) else ["shown"]

    def _may_edit(self, request: HttpRequest, obj: ApiKey | None) -> bool:
        return self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request, obj))

    @admin.display(description="it may")
    def shown(self, obj: PermissionEntry) -> SafeString:
        kinds = (ResourceKind.ACCOUNT, ResourceKind.RULE)
        names = {id: name for kind in kinds for id, name in resources_of(kind, obj.organization_id)}
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in in_full(obj.as_permission(), names)))

    def get_extra(self, request: HttpRequest, obj: ApiKey | None = None, **kwargs: object) -> int:
        return 0 if obj else 1
