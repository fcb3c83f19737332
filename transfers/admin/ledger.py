"""Ledger for staff: every posting, and a balance as of any past instant. Read only, for everybody."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from accounts.admin.accounts import account_filter
from accounts.models import Account
from apikeys.admin.keys import key_filter
from apikeys.admin.organizations import ORGANIZATION_FILTER
from sequence.core import clock
from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import amount, dollars
from sequence.core.admin.exports import CURRENCY, Column
from sequence.core.admin.filters import Exact, OneOf
from sequence.core.admin.period_filters import period
from transfers.admin.transfers import show_transfer
from transfers.ledger import balance_at
from transfers.models import Clearing, EntrySet, EntrySetKind, Posting

SIDE_FILTER = OneOf(
    "side", "Side", {"gained": ("gained", Q(amount_cents__gt=0)), "lost": ("lost", Q(amount_cents__lt=0))}
)


class AsOfForm(forms.Form):
    account = forms.CharField(label="Account id", widget=forms.TextInput(attrs={"placeholder": "acc_…", "size": 34}))
    at = forms.DateTimeField(label="As of (UTC)", widget=forms.TextInput(attrs={"placeholder": "2026-01-31 12:00"}))


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin[Posting]):
    list_display = ["id", "posted_at", "organization", "place", "shown_amount", "kind", "transfer"]
    list_select_related = ["organization", "account", "entry_set__transfer"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter("account"),
        OneOf.of_column("clearing", "Clearing", Clearing.choices),
        OneOf.of_column("entry_set__kind", "Why", EntrySetKind.choices, name="kind"),
        key_filter("entry_set__transfer__api_key"),
        Exact("request", "Request id", "entry_set__transfer__request_id"),
        *period("posted_at"),
        SIDE_FILTER.linked_only(),
    ]
    export_columns = [
        Column("id", "id"),
        Column("posted_at", "posted_at"),
        Column("entry_set_id", "entry_set_id"),
        Column("kind", "entry_set__kind"),
        Column("organization_id", "organization_id"),
        Column("organization_name", "organization__name"),
        Column("account_id", "account_id"),
        Column("account_name", "account__name"),
        Column("clearing", "clearing"),
        Column("amount_in_cents", "amount_cents"),
        CURRENCY,
        Column("transfer_id", "entry_set__transfer_id"),
        Column("description", "entry_set__transfer__description"),
        Column("request_id", "entry_set__transfer__request_id"),
    ]
    search_fields = ["account__id__is", "entry_set__transfer__id__is", "entry_set__id__exact"]
    search_help_text = "The whole id of an account, transfer or entry set."
    ordering = ["-posted_at", "-id"]
    change_list_template = "admin/transfers/posting/change_list.html"
    readonly_fields = [
        "posted_at",
        "organization",
        "account",
        "clearing",
        "shown_amount",
        "kind",
        "transfer",
        "entry_set",
    ]
    fields = tuple(readonly_fields)

    def get_urls(self) -> list[URLPattern]:
        balance = self.admin_site.admin_view(self.balance_view)
        return [path("balance/", balance, name="transfers_posting_balance"), *super().get_urls()]

    def balance_view(self, request: HttpRequest) -> HttpResponse:
        """A pod's or income source's balance as of an instant, from its postings alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = AsOfForm(request.GET or {"at": f"{clock.now():%Y-%m-%d %H:%M:%S}"})
        answer, account = _answer(form) if request.GET and form.is_valid() else (None, None)
        title = "Balance as of a past instant"
        facts = {"form": form, "answer": answer, "account": account}
        return self.page(request, "admin/transfers/posting/balance.html", title=title, **facts)

    @admin.display(description="amount", ordering="amount_cents")
    def shown_amount(self, obj: Posting) -> SafeString:
        return amount(obj.amount_cents)

    @admin.display(description="on")
    def place(self, obj: Posting) -> str:
        return str(obj.account or obj.get_clearing_display())

    @admin.display(description="why")
    def kind(self, obj: Posting) -> str:
        return obj.entry_set.get_kind_display()

    @admin.display(description="transfer")
    def transfer(self, obj: Posting) -> str:
        return show_transfer(obj.entry_set.transfer)


def _answer(form: AsOfForm) -> tuple[str, Account | None]:
    account = Account.objects.filter(id=form.cleaned_data["account"].strip()).first()
    if account is None:
        return "There is no such account.", None
    at = form.cleaned_data["at"]
    return f"{account} held {dollars(balance_at(account, at))} at {at:%Y-%m-%d %H:%M:%S} UTC.", account


@admin.register(EntrySet)
class EntrySetAdmin(ReadOnlyAdmin[EntrySet]):
    list_display = ["id", "posted_at", "organization", "kind", "shown_transfer"]
    list_select_related = ["organization", "transfer"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter(condition=lambda account: Q(id__in=account.postings.values("entry_set"))),
        OneOf.of_column("kind", "Why", EntrySetKind.choices),
        key_filter("transfer__api_key"),
        Exact("request", "Request id", "transfer__request_id"),
        *period("posted_at"),
    ]
    search_fields = ["transfer__id__is"]
    search_help_text = "The whole id of a transfer."
    ordering = ["-posted_at", "-id"]
    readonly_fields = ["posted_at", "organization", "kind", "shown_transfer", "postings"]
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EntrySet]:
        return super().get_queryset(request).select_related("organization", "transfer")

    @admin.display(description="transfer")
    def shown_transfer(self, obj: EntrySet) -> str:
        return show_transfer(obj.transfer)

    @admin.display(description="postings")
    def postings(self, obj: EntrySet) -> str:
        rows = obj.postings.select_related("account").order_by("id")
        sides = [f"{row.account or row.get_clearing_display()} {dollars(row.amount_cents)}" for row in rows]
        return "; ".join(sides)
