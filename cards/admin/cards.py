"""Cards for staff: issue, freeze, switch off, control, charge and refund through the simulated network."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.accounts import account_filter
from accounts.descriptions import Description, describe, describe_accounts
from accounts.models import Account, AccountType
from apikeys.admin.choosing import ChooseOrganization
from apikeys.admin.organizations import ORGANIZATION_FILTER
from cards import services
from cards.models import (
    FINAL,
    Card,
    CardDecline,
    CardDirection,
    CardStatus,
    CardTransaction,
    CardType,
    DeclineReason,
)
from cards.names import MAX_NAME
from sequence.core.admin.amount_filters import Amount
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin, attempt
from sequence.core.admin.display import UNKNOWN, amount, badge, code, dollars, short_id
from sequence.core.admin.fields import Dollars, PlainText
from sequence.core.admin.filters import Named, OneOf
from sequence.core.admin.period_filters import period
from sequence.core.typing import Context

TONES = {
    CardStatus.ACTIVE: "good",
    CardStatus.INACTIVE: "quiet",
    CardStatus.FROZEN: "warn",
    CardStatus.STOLEN: "bad",
    CardStatus.LOST: "bad",
}
RECENT = 20
CARD_FILTER = Named("card", "Card", Card, "card", called=("holder_name", "last_four"))


class PodChoice(forms.ModelChoiceField):
    """A choice of pods, each told by its description."""

    described: Mapping[str, Description] = {}

    def label_from_instance(self, obj: Account) -> str:
        return self.described[obj.id].line


class IssueForm(forms.Form):
    """A new card on a pod of the organization that was chosen before."""

    account = PodChoice(queryset=Account.objects.none(), label="Pod", help_text="What the card spends from.")
    type = forms.ChoiceField(choices=CardType.choices, widget=forms.RadioSelect, initial=CardType.VIRTUAL)
    holder_name = PlainText(max_length=MAX_NAME)

    def __init__(self, organization_id: str, given: QueryDict | None) -> None:
        super().__init__(given)
        pods = Account.objects.for_organization(organization_id).not_deleted().filter(type=AccountType.POD)
        field = self.fields["account"]
        assert isinstance(field, PodChoice)  # noqa: S101 - tells the type checker
        field.described = describe(pods)
        field.queryset = pods.order_by("name", "id")


class SetStatus(ObjectPage[Card]):
    """A page that gives the card one status."""

    permission = "change"

    def __init__(self, status: CardStatus, label: str, consequence: str, *from_statuses: CardStatus) -> None:
        self.status = status
        self.label = label  # type: ignore[misc]
        self.name = label.lower().replace(" ", "-")  # type: ignore[misc]
        self.is_dangerous = status in FINAL  # type: ignore[misc]
        self.consequence = consequence
        self.from_statuses = from_statuses

    def offered(self, obj: Card) -> bool:
        return obj.status in self.from_statuses

    def consequences(self, obj: Card) -> list[str]:
        return [self.consequence]

    def perform(self, request: HttpRequest, obj: Card, choices: Context) -> str:
        services.set_card_status(card_id=obj.id, status=self.status)
        return f"{obj} is {self.status.label.lower()}."


_OPEN = [status for status in CardStatus if status not in FINAL]
STATUS_PAGES = [
    SetStatus(CardStatus.FROZEN, "Freeze", "Purchases are declined until it is unfrozen.", CardStatus.ACTIVE),
    SetStatus(CardStatus.ACTIVE, "Unfreeze", "It pays again, from its next purchase on.", CardStatus.FROZEN),
    SetStatus(CardStatus.INACTIVE, "Switch off", "Purchases are declined until it is activated.", CardStatus.ACTIVE),
    SetStatus(CardStatus.ACTIVE, "Activate", "It pays, from its next purchase on.", CardStatus.INACTIVE),
    SetStatus(CardStatus.LOST, "Report lost", "It never pays again. Refunds still arrive.", *_OPEN),
    SetStatus(CardStatus.STOLEN, "Report stolen", "It never pays again. Refunds still arrive.", *_OPEN),
]


class ControlsForm(forms.Form):
    """All controls; what is left empty is no limit, and any merchant."""

    limit_per_transaction_cents = Dollars(required=False, min_cents=1, label="Most per purchase, in US dollars")
    limit_per_day_cents = Dollars(required=False, min_cents=1, label="Most per day (UTC), in US dollars")
    limit_per_month_cents = Dollars(required=False, min_cents=1, label="Most per calendar month, in US dollars")
    allowed_merchants = PlainText(required=False, multiline=True, help_text="One a line; empty means anywhere.")
    blocked_merchants = PlainText(required=False, multiline=True, help_text="One a line; wins over the allowed ones.")


class SetControls(ObjectPage[Card]):
    name = "controls"
    audit_action = "CHANGE_CARD_CONTROLS"
    label = "Replace controls"
    permission = "change"
    form_class = ControlsForm

    def consequences(self, obj: Card) -> list[str]:
        return [f"These replace all present controls: {controls_in_words(obj)}."]

    def perform(self, request: HttpRequest, obj: Card, choices: Context) -> str:
        lists = {name: choices.pop(name).splitlines() for name in ("allowed_merchants", "blocked_merchants")}
        merchants: Context = {name: [line for line in lines if line.strip()] for name, lines in lists.items()}
        services.set_card_controls(card_id=obj.id, **choices, **merchants)
        return f"The controls of {obj} are replaced."


class PurchaseForm(forms.Form):
    amount = Dollars(min_cents=1, label="Amount in US dollars")
    merchant_name = PlainText(max_length=MAX_NAME, label="Merchant")


class Charge(ObjectPage[Card]):
    name = "charge"
    label = "Charge"
    permission = "charge"
    form_class = PurchaseForm

    def consequences(self, obj: Card) -> list[str]:
        return ["The simulated network asks for the money. The card, its controls and its pod decide."]

    def perform(self, request: HttpRequest, obj: Card, choices: Context) -> str:
        outcome = services.charge_card(
            card_id=obj.id, amount_cents=choices["amount"], merchant_name=choices["merchant_name"]
        )
        if isinstance(outcome, CardDecline):
            return f"Declined: {outcome.get_reason_display()}. Nothing has moved."
        return f"{dollars(outcome.amount_cents)} is paid to {outcome.merchant_name}."


class Refund(ObjectPage[Card]):
    name = "refund"
    label = "Refund"
    permission = "charge"
    form_class = PurchaseForm

    def consequences(self, obj: Card) -> list[str]:
        return ["The merchant pays back its latest purchase that has so much left. The money goes to the card's pod."]

    def perform(self, request: HttpRequest, obj: Card, choices: Context) -> str:
        refund = services.refund_at_merchant(
            card_id=obj.id, amount_cents=choices["amount"], merchant_name=choices["merchant_name"]
        )
        return f"{dollars(refund.amount_cents)} is back from {refund.merchant_name}."


def controls_in_words(card: Card) -> str:
    """Return the card's controls on one line."""
    limits = {
        "a purchase": card.limit_per_transaction_cents,
        "a day": card.limit_per_day_cents,
        "a month": card.limit_per_month_cents,
    }
    words = [f"at most {dollars(cents)} {period}" for period, cents in limits.items() if cents is not None]
    if card.allowed_merchants:
        words.append(f"only at {', '.join(card.allowed_merchants)}")
    if card.blocked_merchants:
        words.append(f"never at {', '.join(card.blocked_merchants)}")
    return "; ".join(words) or "none"


@admin.register(Card)
class CardAdmin(ReadOnlyAdmin[Card]):
    object_pages = [*STATUS_PAGES, SetControls(), Charge(), Refund()]
    list_display = ["__str__", "organization", "account", "type", "shown_status", "expires", "created_at"]
    list_select_related = ["organization", "account"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter("account"),
        OneOf.of_column("status", "Status", CardStatus.choices),
        OneOf.of_column("type", "Type", CardType.choices),
    ]
    search_fields = ["holder_name", "last_four", "id__is", "account__id__is"]
    search_help_text = "Holder, last four digits, or the whole id of a card or pod."
    ordering = ["-created_at", "-id"]
    fieldsets = [
        (None, {"fields": ["shown_status", "holder_name", "last_four", "expires", "type"]}),
        ("Controls", {"fields": ["controls"]}),
        ("Course", {"fields": ["transactions", "declines"]}),
        ("Facts", {"fields": ["shown_id", "organization", "account", "created_at"]}),
    ]
    readonly_fields = [str(field) for _, section in fieldsets for field in section["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        return super().get_queryset(request).select_related("organization", "account")

    def facts_about(self, obj: Card) -> list[str]:
        return [f"Its pod is {description.line}" for description in describe_accounts([obj.account_id]).values()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cards.add_card")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None) -> HttpResponse:
        """Ask for the organization, then for the pod and the holder, and issue the card."""
        choosing = ChooseOrganization(request.GET or None)
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        if not choosing.is_valid():
            title = "New card: for which organization?"
            return self.page(request, "admin/sequence/choose.html", title=title, form=choosing)
        form = IssueForm(choosing.cleaned_data["organization"].id, request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            card = attempt(
                request,
                lambda: services.issue_card(
                    account_id=given["account"].id, type=CardType(given["type"]), holder_name=given["holder_name"]
                ),
            )
            if card is not None:
                self.message_user(request, f"{card} is issued and active.")
                return HttpResponseRedirect(self.address_of(card))
        return self.page(request, "admin/cards/issue.html", title="New card", form=form)

    @admin.display(description="status", ordering="status")
    def shown_status(self, obj: Card) -> SafeString:
        return badge(obj.get_status_display(), TONES[CardStatus(obj.status)])

    @admin.display(description="valid through", ordering="expiry_year")
    def expires(self, obj: Card) -> str:
        return obj.expiration_date

    @admin.display(description="controls")
    def controls(self, obj: Card) -> str:
        return controls_in_words(obj)

    @admin.display(description="id")
    def shown_id(self, obj: Card) -> SafeString:
        return code(obj.id)

    @admin.display(description="latest transactions")
    def transactions(self, obj: Card) -> str:
        rows = obj.transactions.order_by("-created_at", "-id")[:RECENT]
        return _lines(rows) or "None yet."

    @admin.display(description="latest declines")
    def declines(self, obj: Card) -> str:
        rows = obj.declines.order_by("-created_at", "-id")[:RECENT]
        return _lines(rows) or "None."


def _lines(rows: Iterable[CardTransaction | CardDecline]) -> SafeString:
    return format_html_join("", "<p>{}</p>", ((_line(row),) for row in rows))


def _line(row: CardTransaction | CardDecline) -> str:
    what = row.get_reason_display() if isinstance(row, CardDecline) else row.get_direction_display()
    return f"{row.created_at:%Y-%m-%d %H:%M} UTC: {dollars(row.amount_cents)} at {row.merchant_name} ({what})"


R = TypeVar("R", CardTransaction, CardDecline)


class _CardRowAdmin(ReadOnlyAdmin[R]):
    """What happened on cards."""

    list_select_related = ["organization", "card"]
    ordering = ["-created_at", "-id"]
    search_fields = ["card__id__is", "merchant_name"]
    search_help_text = "The whole id of a card, or a merchant."

    @admin.display(description="amount", ordering="amount_cents")
    def shown_amount(self, obj: R) -> SafeString:
        return amount(obj.amount_cents)

    @admin.display(description="card")
    def shown_card(self, obj: R) -> str:
        address = reverse("admin:cards_card_change", args=[obj.card_id])
        return format_html('<a href="{}">{}</a>', address, obj.card) if obj.card_id else UNKNOWN


@admin.register(CardTransaction)
class CardTransactionAdmin(_CardRowAdmin[CardTransaction]):
    list_display = [
        "short_id",
        "organization",
        "shown_card",
        "direction",
        "shown_amount",
        "merchant_name",
        "created_at",
    ]
    filters = [
        ORGANIZATION_FILTER,
        account_filter("account"),
        CARD_FILTER,
        OneOf.of_column("direction", "Direction", CardDirection.choices),
        Amount(),
        *period("created_at"),
    ]
    readonly_fields = [
        "organization",
        "shown_card",
        "account",
        "direction",
        "shown_amount",
        "merchant_name",
        "purchase",
        "entry_set",
        "created_at",
    ]
    fields = tuple(readonly_fields)

    @admin.display(description="id", ordering="id")
    def short_id(self, obj: CardTransaction) -> SafeString:
        return short_id(obj.id)


@admin.register(CardDecline)
class CardDeclineAdmin(_CardRowAdmin[CardDecline]):
    list_display = ["created_at", "organization", "shown_card", "reason", "shown_amount", "merchant_name"]
    filters = [
        ORGANIZATION_FILTER,
        account_filter("card__account"),
        CARD_FILTER,
        OneOf.of_column("reason", "Reason", DeclineReason.choices),
        *period("created_at"),
    ]
    readonly_fields = ["organization", "shown_card", "reason", "shown_amount", "merchant_name", "created_at"]
    fields = tuple(readonly_fields)
