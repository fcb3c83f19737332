"""Suspense for staff: how each item came there, and two persons who post it where it belongs."""

from collections.abc import Sequence

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.descriptions import describe_accounts
from apikeys.admin.organizations import ORGANIZATION_FILTER
from sequence.core.admin.base import ObjectPage, ReadOnlyAdmin, actor_of
from sequence.core.admin.console import ConsoleQuery, Item, Queue, queue_of
from sequence.core.admin.deciders import Deciders, tell_deciders
from sequence.core.admin.display import UNKNOWN, amount, badge, dollars
from sequence.core.admin.exports import CURRENCY, Column
from sequence.core.admin.fields import PlainText
from sequence.core.admin.filters import OneOf
from sequence.core.admin.links import Link
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.admin.period_filters import period
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.typing import Context
from transfers import suspense
from transfers.models import SuspenseItem

ACCOUNT, WRITE_OFF = "account", "write_off"
STATES = OneOf(
    "state",
    "State",
    {
        "undecided": ("Nobody has proposed", Q(posted_at=None, proposed_at=None)),
        "proposed": ("Proposed, to be confirmed", Q(posted_at=None, proposed_at__isnull=False)),
        "posted": ("Posted", Q(posted_at__isnull=False)),
        "all": ("All of them", Q()),
    },
    unasked=("Open", Q(posted_at=None)),
)


class ProposalForm(forms.Form):
    where = forms.ChoiceField(
        choices=[(ACCOUNT, "Post it to an account"), (WRITE_OFF, "Write it off")],
        widget=forms.RadioSelect,
        initial=ACCOUNT,
        label="Where it goes",
    )
    account = forms.CharField(
        required=False, max_length=100, help_text="The id or name of an income source or a pod of its organization."
    )
    note = PlainText(max_length=MAX_NOTE_LENGTH, help_text="Why there, for whoever confirms it and the audit trail.")

    def clean(self) -> Context:
        cleaned = super().clean() or {}
        if cleaned.get("where") == ACCOUNT and not cleaned.get("account"):
            self.add_error("account", "Which account?")
        return cleaned


def where_in_words(item: SuspenseItem) -> str:
    """Return where a proposed item goes: to an account as facts describe it, or nowhere any more."""
    if item.account_id is None:
        return "It is written off: nobody gets it." if item.amount_cents > 0 else "It is written off: nobody pays it."
    verb = "goes to" if item.amount_cents > 0 else "is taken from"
    return f"It {verb} {describe_accounts([item.account_id])[item.account_id].line}"


class Propose(ObjectPage[SuspenseItem]):
    name = "propose"
    label = "Propose where it goes"
    permission = "propose"
    audit_action = "PROPOSE_SUSPENSE"
    form_class = ProposalForm

    def offered(self, obj: SuspenseItem) -> bool:
        return obj.is_open

    def consequences(self, obj: SuspenseItem) -> Sequence[str]:
        told = [suspense.cause_of(obj), "No money moves until another person confirms it."]
        if not obj.is_proposed:
            return told
        return [*told, f"It replaces what {obj.proposed_by} proposed: {where_in_words(obj)}"]

    def perform(self, request: HttpRequest, obj: SuspenseItem, choices: Context) -> str:
        note = note_of(request, choices) or ""
        account_id = suspense.find_taker_called(obj, choices["account"]) if choices["where"] == ACCOUNT else None
        suspense.propose_suspense(item_id=obj.id, account_id=account_id, by=actor_of(request), note=note)
        return "It is proposed. Another person has to confirm it."


class Confirm(ObjectPage[SuspenseItem]):
    name = "confirm"
    label = "Post it as proposed"
    permission = "confirm"
    audit_action = "CONFIRM_SUSPENSE"
    form_class = NoteForm

    def offered(self, obj: SuspenseItem) -> bool:
        return obj.is_open and obj.is_proposed

    def consequences(self, obj: SuspenseItem) -> Sequence[str]:
        return [
            suspense.cause_of(obj),
            where_in_words(obj),
            f"{obj.proposed_by} proposed it: {obj.proposal_note}",
            "It is posted at once and for good. No rule takes it for money that arrived.",
        ]

    def deciders(self, obj: SuspenseItem) -> Deciders:
        needed = ["transfers.view_suspenseitem", "transfers.confirm_suspenseitem"]
        barred = {obj.proposed_by or ""}
        against = f"{obj.proposed_by} proposed it, so somebody else must post it."
        return Deciders([against, tell_deciders(needed, but=barred)], barred)

    def perform(self, request: HttpRequest, obj: SuspenseItem, choices: Context) -> str:
        suspense.confirm_suspense(item_id=obj.id, by=actor_of(request), note=note_of(request, choices))
        return f"{dollars(abs(obj.amount_cents))} left suspense."


class Withdraw(ObjectPage[SuspenseItem]):
    name = "withdraw"
    label = "Drop the proposal"
    permission = "propose"
    audit_action = "WITHDRAW_SUSPENSE"
    form_class = NoteForm

    def offered(self, obj: SuspenseItem) -> bool:
        return obj.is_open and obj.is_proposed

    def consequences(self, obj: SuspenseItem) -> Sequence[str]:
        return [f"What {obj.proposed_by} proposed is dropped: {where_in_words(obj)}", "It stays in suspense."]

    def perform(self, request: HttpRequest, obj: SuspenseItem, choices: Context) -> str:
        note_of(request, choices)
        suspense.withdraw_suspense(item_id=obj.id)
        return "The proposal is dropped."


@admin.register(SuspenseItem)
class SuspenseItemAdmin(ReadOnlyAdmin[SuspenseItem]):
    object_pages = [Propose(), Confirm(), Withdraw()]
    list_display = ["shown_amount", "state", "arose_at", "organization", "cause", "where"]
    filters = [ORGANIZATION_FILTER, STATES, *period("arose_at")]
    export_columns = [
        Column("id", "id"),
        Column("arose_at", "arose_at"),
        Column("organization_id", "organization_id"),
        Column("organization_name", "organization__name"),
        Column("amount_in_cents", "amount_cents"),
        CURRENCY,
        Column("transfer_id", "posting__entry_set__transfer_id"),
        Column("account_id", "account_id"),
        Column("proposed_by", "proposed_by"),
        Column("proposed_at", "proposed_at"),
        Column("posted_by", "posted_by"),
        Column("posted_at", "posted_at"),
    ]
    ordering = ["-arose_at", "-id"]
    fieldsets = [
        (None, {"fields": ["shown_amount", "state", "cause", "organization", "arose_at"]}),
        ("Proposal", {"fields": ["where", "proposed_by", "proposed_at", "proposal_note"]}),
        ("Posted", {"fields": ["posted_by", "posted_at", "posting_note", "entry_set"]}),
    ]
    readonly_fields = [str(field) for _, section in fieldsets for field in section["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SuspenseItem]:
        return SuspenseItem.objects.with_cause()

    def links_of(self, request: HttpRequest, obj: SuspenseItem) -> list[Link]:
        transfer_id = obj.posting.entry_set.transfer_id
        links = [("Its posting", reverse("admin:transfers_posting_change", args=[obj.posting_id]))]
        if transfer_id is not None:
            links.insert(0, ("Its transfer", reverse("admin:transfers_transfer_change", args=[transfer_id])))
        return links

    @admin.display(description="amount", ordering="amount_cents")
    def shown_amount(self, obj: SuspenseItem) -> SafeString:
        return amount(obj.amount_cents)

    @admin.display(description="state")
    def state(self, obj: SuspenseItem) -> SafeString:
        if not obj.is_open:
            return badge("Posted", "good")
        return badge("To be confirmed", "warn") if obj.is_proposed else badge("Undecided", "bad")

    @admin.display(description="how it came there")
    def cause(self, obj: SuspenseItem) -> str:
        return suspense.cause_of(obj)

    @admin.display(description="where it goes")
    def where(self, obj: SuspenseItem) -> str:
        if not obj.is_proposed:
            return UNKNOWN
        return str(obj.account) if obj.account else "written off"


def suspense_queue(look: ConsoleQuery) -> Queue:
    """What lies in suspense, the oldest first: how it came there, and what was proposed."""
    rows = look.of(SuspenseItem.objects.open().with_cause())

    def item(row: SuspenseItem) -> Item:
        proposed = f" {row.proposed_by} proposed where it goes; another person confirms it." if row.is_proposed else ""
        address = reverse("admin:transfers_suspenseitem_change", args=[row.id])
        detail = f"{row.organization}: {suspense.cause_of(row)}{proposed}"
        return Item(dollars(row.amount_cents), detail, address, row.arose_at)

    return queue_of("Money in suspense", rows, item, address=look.list_of(SuspenseItem))
