"""Accounts for staff: open, connect, rename, delete. What is in them changes only by transfers."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString

from accounts import services
from accounts.admin.statements import RecordStatement
from accounts.descriptions import describe
from accounts.models import Account, AccountType, ExternalAccountType
from apikeys.admin.choosing import ChooseOrganization
from apikeys.admin.organizations import ORGANIZATION_FILTER
from apikeys.models import Organization
from sequence.core.admin.base import ObjectPage, StaffAdmin
from sequence.core.admin.display import UNKNOWN, amount, badge, code
from sequence.core.admin.fields import Dollars, PlainText
from sequence.core.admin.filters import Named, OneOf
from sequence.core.admin.period_filters import period
from sequence.core.money import MAX_CENTS
from sequence.core.typing import Context

_LIABILITY_FACTS = {
    "interest_rate_percent": "interest rate",
    "last_statement_balance_cents": "statement balance",
    "next_payment_minimum_cents": "minimum payment",
    "next_payment_due_on": "due date",
}


def account_filter(*columns: str, condition: Callable[[Account], Q] | None = None) -> Named:
    """Return the filter for rows of one account, which may stand in any of the columns."""
    return Named("account", "Account", Account, *columns, condition=condition)


# Open accounts unless asked otherwise: the deleted ones are history.
STATE_FILTER = OneOf(
    "state",
    "State",
    {"deleted": ("Deleted", Q(deleted_at__isnull=False)), "any": ("Open and deleted", Q())},
    unasked=("Open", Q(deleted_at=None)),
)
KIND_FILTER = OneOf(
    "kind",
    "Kind",
    {
        **{str(kind.value): (kind.label, Q(type=kind)) for kind in AccountType},
        **{
            str(kind.value): (f"External {kind.label.lower()}", Q(external_account_type=kind))
            for kind in ExternalAccountType
        },
    },
)


class ChooseAccount(ChooseOrganization):
    """Which kind of account is to be made, and for which organization."""

    kind = forms.ChoiceField(
        choices=[
            (AccountType.INCOME_SOURCE.value, "Income source: money enters here"),
            (AccountType.POD.value, "Pod: a sub-account with a purpose"),
            (AccountType.EXTERNAL_ACCOUNT.value, "External account: one at another institution"),
        ],
        widget=forms.RadioSelect,
        initial=AccountType.POD.value,
    )


class DeleteAccount(ObjectPage[Account]):
    name = "delete"
    label = "Delete"
    permission = "delete"
    is_dangerous = True

    def offered(self, obj: Account) -> bool:
        return obj.deleted_at is None

    def consequences(self, obj: Account) -> list[str]:
        return [
            f"{obj.name} disappears from every list and answer of the API. This cannot be undone.",
            "Its transfers stay and keep its name. Permission entries that name it match nothing from then on.",
            "It is refused while there is money in it or something still uses it.",
        ]

    def perform(self, request: HttpRequest, obj: Account, choices: Context) -> str:
        services.delete_account(organization_id=obj.organization_id, account_id=obj.id)
        return f"{obj.name} is deleted."


class AccountForm(forms.ModelForm):
    """What may be edited later on: how people call it, and what a pod is to reach."""

    savings_target_cents = Dollars(
        required=False, label="Savings target in US dollars", help_text="What the pod is to reach. Empty means none."
    )

    class Meta:
        model = Account
        fields = ["name", "icon", "description", "savings_target_cents"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"icon": "An icon's name, such as briefcase, shown to people here."}


def _optional_dollars(label: str, *, min_cents: int = 0) -> Dollars:
    return Dollars(
        required=False, min_cents=min_cents, label=f"{label} in US dollars", help_text="Empty means unknown."
    )


class ExternalAccountForm(AccountForm):
    """An account at another institution, with the last balance that is known of it."""

    external_account_type = forms.ChoiceField(choices=[("", "Choose one"), *ExternalAccountType.choices], label="Kind")
    institution_name = PlainText(max_length=100, label="Institution")
    last_seen_balance_cents = _optional_dollars("Balance, as last seen,", min_cents=-MAX_CENTS)
    interest_rate_percent = forms.DecimalField(
        required=False, min_value=0, max_digits=6, decimal_places=3, label="Interest rate in percent a year"
    )
    last_statement_balance_cents = _optional_dollars("Last statement's balance", min_cents=-MAX_CENTS)
    next_payment_minimum_cents = _optional_dollars("Next minimum payment")
    next_payment_due_on = forms.DateField(required=False, label="Next payment due on", widget=AdminDateWidget)

    class Meta(AccountForm.Meta):
        fields = ["name", "icon", "description", "external_account_type", "institution_name", *_LIABILITY_FACTS]

    savings_target_cents = None  # type: ignore[assignment]

    def clean(self) -> Context:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("external_account_type")
        for name, words in _LIABILITY_FACTS.items():
            if kind not in (None, ExternalAccountType.LIABILITY) and cleaned.get(name) is not None:
                self.add_error(name, f"Only a liability has a {words}. Clear it, or choose Liability as the kind.")
        return cleaned


def _open_income_source(organization: Organization, given: Context) -> Account:
    return services.create_income_source(
        organization_id=organization.id,
        beneficiary_name=organization.legal_name,
        nickname=given["name"],
        icon=given["icon"] or None,
    )


def _open_pod(organization: Organization, given: Context) -> Account:
    return services.create_pod(
        organization_id=organization.id,
        beneficiary_name=organization.legal_name,
        nickname=given["name"],
        icon=given["icon"] or None,
        description=given["description"] or None,
        savings_target_in_cents=given["savings_target_cents"],
    )


def _connect(organization: Organization, given: Context) -> Account:
    texts = {name: given[name] or None for name in ("icon", "description")}
    return services.connect_external_account(
        organization_id=organization.id,
        name=given["name"],
        external_account_type=ExternalAccountType(given["external_account_type"]),
        institution_name=given["institution_name"],
        balance_cents=given["last_seen_balance_cents"],
        **texts,
        **{name: given[name] for name in _LIABILITY_FACTS},
    )


_MAKERS: dict[str, Callable[[Organization, Context], Account]] = {
    AccountType.INCOME_SOURCE: _open_income_source,
    AccountType.POD: _open_pod,
    AccountType.EXTERNAL_ACCOUNT: _connect,
}
_NEW_FIELDS: dict[str, list[str]] = {
    AccountType.INCOME_SOURCE: ["name", "icon"],
    AccountType.POD: ["name", "icon", "description", "savings_target_cents"],
    AccountType.EXTERNAL_ACCOUNT: [
        "name",
        "external_account_type",
        "institution_name",
        "last_seen_balance_cents",
        *_LIABILITY_FACTS,
        "icon",
        "description",
    ],
}


@admin.register(Account)
class AccountAdmin(StaffAdmin[Account]):
    form = AccountForm
    object_pages = [RecordStatement(), DeleteAccount()]
    list_display = ["name", "organization", "kind", "balance", "available", "state", "created_at"]
    list_select_related = ["organization"]
    filters = [ORGANIZATION_FILTER, STATE_FILTER, KIND_FILTER, *period("created_at")]
    search_fields = ["name", "institution_name", "id__is", "organization__name"]
    search_help_text = "Name, institution, organization, or the whole id."
    ordering = ["-created_at", "-id"]
    _facts = ["state", "shown_id", "organization", "kind", "beneficiary_name", "institution_name", "created_at"]
    _numbers = ["masked_routing_number", "masked_bank_account_number"]
    _money = ["balance", "available", "held", "balance_updated_at"]
    _debt = ["interest_rate_percent", "statement_balance", "minimum_payment", "next_payment_due_on"]

    def facts_about(self, obj: Account) -> list[str]:
        return [description.line for description in describe([obj]).values()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        # Nobody sees a full number here, so none is read and decrypted.
        accounts = super().get_queryset(request).select_related("organization")
        return accounts.defer("routing_number", "bank_account_number")

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": _NEW_FIELDS[request.GET["kind"]]})]
        own = ["name", "icon", "description"]
        if obj.type == AccountType.POD:
            own.append("savings_target_cents")
        sections = [(None, {"fields": own}), ("Money", {"fields": self._money})]
        if obj.external_account_type == ExternalAccountType.LIABILITY:
            sections.append(("Liability", {"fields": self._debt}))
        if obj.type == AccountType.INCOME_SOURCE:
            sections.append(("Bank numbers", {"fields": self._numbers}))
        return [*sections, ("Facts", {"fields": [*self._facts, "updated_at", "deleted_at"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        """What is given once, when the account is made, only tells from then on."""
        if obj is None:
            return []
        return [*self._facts, *self._numbers, *self._money, *self._debt, "updated_at", "deleted_at"]

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """A deleted account stays as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Django's own deletion would remove the row; the button's page deletes through the service."""
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None) -> HttpResponse:
        """Ask first which kind of account is to be made, and for which organization."""
        choosing = ChooseAccount(request.GET or None)
        if not self.has_add_permission(request) or choosing.is_valid():
            return super().add_view(request, form_url, extra_context)
        title = "New account: of which kind, for which organization?"
        return self.page(request, "admin/sequence/choose.html", title=title, form=choosing)

    def get_form(
        self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm]:
        if obj is None and request.GET.get("kind") == AccountType.EXTERNAL_ACCOUNT:
            kwargs["form"] = ExternalAccountForm
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Account, form: forms.ModelForm, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            if changes:
                changes = {name: None if value == "" else value for name, value in changes.items()}
                services.edit_account(organization_id=obj.organization_id, account_id=obj.id, **changes)
            return
        organization = Organization.objects.get(id=request.GET["organization"])
        obj.pk = _MAKERS[request.GET["kind"]](organization, form.cleaned_data).pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Account, post_url_continue: str | None = None) -> HttpResponse:
        """Show what was made: its numbers and facts are what staff want to see next."""
        self.message_user(request, f"{obj.name} is ready.")
        return HttpResponseRedirect(self.address_of(obj))

    @admin.display(description="kind", ordering="type")
    def kind(self, obj: Account) -> str:
        return obj.kind

    @admin.display(description="balance", ordering="balance_cents")
    def balance(self, obj: Account) -> SafeString:
        return amount(obj.balance_cents)

    @admin.display(description="available")
    def available(self, obj: Account) -> SafeString:
        return amount(obj.available_cents)

    @admin.display(description="held by pending transfers", ordering="held_cents")
    def held(self, obj: Account) -> SafeString:
        return amount(obj.held_cents)

    @admin.display(description="last statement's balance")
    def statement_balance(self, obj: Account) -> SafeString:
        return amount(obj.last_statement_balance_cents)

    @admin.display(description="next minimum payment")
    def minimum_payment(self, obj: Account) -> SafeString:
        return amount(obj.next_payment_minimum_cents)

    @admin.display(description="state", ordering="deleted_at")
    def state(self, obj: Account) -> SafeString:
        return badge("Open", "good") if obj.deleted_at is None else badge("Deleted", "quiet")

    @admin.display(description="id")
    def shown_id(self, obj: Account) -> SafeString:
        return code(obj.id)

    @admin.display(description="routing number")
    def masked_routing_number(self, obj: Account) -> str:
        return obj.masked_routing_number or UNKNOWN

    @admin.display(description="account number")
    def masked_bank_account_number(self, obj: Account) -> str:
        return obj.masked_bank_account_number or UNKNOWN
