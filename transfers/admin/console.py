"""What the console tells of money: what waits for a person, what moved today, and whether the books are right."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.timesince import timesince

from accounts.descriptions import Description, describe_accounts
from sequence.core.admin.console import (
    SHOWN,
    Figure,
    Item,
    Look,
    Sign,
    Waiting,
    wait_for_person,
)
from sequence.core.admin.display import ago, dollars
from transfers.ledger_checks import EVERY
from transfers.models import Clearing, Direction, LedgerCheck, Posting, RailTrouble, Status, Transfer
from transfers.settlement import APPROVAL_LIFETIME

RECENT = timedelta(days=1)
# A worker takes a transfer within a second. After this nobody works, or something is in its way.
LATE = timedelta(minutes=1)
# A rail that breaks is asked again every second, and a worker that breaks rests for ten.
TROUBLE_SHOWN = timedelta(minutes=1)
# The daily check may begin a little later than a day after the last one.
CHECK_LATE = EVERY + timedelta(hours=2)


def _item(transfer: Transfer, detail: str, since: datetime, described: Mapping[str, Description] | None = None) -> Item:
    """Return the transfer, its accounts told by facts where they are ``described``, because a person decides."""
    accounts = [end for end in (transfer.source, transfer.destination) if end is not None]
    ends = [described[end.id].short if described else str(end) for end in accounts]
    text = f"{dollars(transfer.amount_cents)} {' → '.join(ends)}"
    return Item(text, detail, reverse("admin:transfers_transfer_change", args=[transfer.id]), since)


def approvals(look: Look) -> Waiting:
    """Transfers that a person is to approve or reject, the oldest first: it is cancelled first."""
    rows = look.of(Transfer.objects.filter(status=Status.PENDING_APPROVAL).with_accounts().select_related("api_key"))
    shown = list(rows.order_by("created_at", "id")[:SHOWN])
    described = describe_accounts(id for transfer in shown for id in (transfer.source_id, transfer.destination_id))

    def item(transfer: Transfer) -> Item:
        left = timesince(look.at, transfer.created_at + APPROVAL_LIFETIME)
        detail = f"asked for by {transfer.api_key}; cancelled undecided in {left}"
        return _item(transfer, detail, transfer.created_at, described)

    address = look.list_of(Transfer, waits="person")
    return Waiting("Transfers to approve or reject", rows.count(), address, [item(transfer) for transfer in shown])


def failures(look: Look) -> Waiting:
    """Transfers that failed, or came back, within a day, the newest first."""
    rows = look.of(Transfer.objects.failed_since(look.at - RECENT).with_accounts())

    def item(transfer: Transfer) -> Item:
        return _item(transfer, transfer.get_error_code_display(), transfer.updated_at)

    ordered = rows.order_by("-updated_at", "-id")
    return wait_for_person(
        "Transfers that failed in the last day",
        ordered,
        item,
        address=look.list_of(Transfer, waits="failed"),
        tone="bad",
    )


def stalled(look: Look) -> Waiting:
    """Transfers that workers broke on, and those that no worker takes."""
    not_taken = Q(status=Status.PROCESSING) | Q(status=Status.PENDING, submitted_at=None)
    rows = look.of(Transfer.objects.under_way().with_accounts())
    rows = rows.filter(Q(stalled_at__isnull=False) | (not_taken & Q(updated_at__lt=look.at - LATE)))

    def item(transfer: Transfer) -> Item:
        why = "a worker broke on it and tries again" if transfer.stalled_at else "no worker has taken it"
        return _item(transfer, why, transfer.updated_at)

    ordered = rows.order_by("updated_at", "id")
    return wait_for_person(
        "Transfers that stand still", ordered, item, address=look.list_of(Transfer, waits="worker"), tone="bad"
    )


def suspense(look: Look) -> Waiting:
    """What came back to an account that could not take it, or, below zero, was owed by one that had spent it."""
    rows = look.of(Posting.objects.filter(clearing=Clearing.SUSPENSE))
    owed = rows.values("organization_id", "organization__name").annotate(cents=Sum("amount_cents")).exclude(cents=0)
    address = look.list_of(Posting, clearing=Clearing.SUSPENSE.value)

    def item(row: dict[str, Any]) -> Item:
        why = "came back to a deleted account" if row["cents"] > 0 else "is owed: its account had spent it"
        return Item(dollars(row["cents"]), f"{row['organization__name']}, {why}", address, look.at)

    return wait_for_person("Money in suspense", owed.order_by("organization__name"), item, address=address)


def _moved(direction: Direction, label: str) -> Callable[[Look], Figure]:
    def figure(look: Look) -> Figure:
        rows = look.of(Transfer.objects.filter(status=Status.COMPLETE, completed_at__gte=look.midnight))
        sums = rows.filter(direction=direction).aggregate(cents=Sum("amount_cents"), number=Count("id"))
        number = sums["number"]
        return Figure(
            label, sums["cents"] or 0, f"{number} transfer{'' if number == 1 else 's'}", look.list_of(Transfer)
        )

    return figure


moved_in = _moved(Direction.MONEY_IN, "In")
moved_out = _moved(Direction.MONEY_OUT, "Out")
moved_between = _moved(Direction.INTERNAL, "Between own accounts")


def ledger(look: Look) -> Sign:
    """Say when the ledger was last proved right, or what is wrong in it."""
    address = reverse("admin:transfers_ledgercheck_changelist")
    check = LedgerCheck.objects.order_by("-started_at").first()
    if check is None:
        return Sign(
            "Ledger", "warn", "It was never checked. A worker does it once a day; so does check_ledger.", address
        )
    when = ago(check.started_at, look.at)
    if not check.is_clean:
        words = f"{len(check.faults)} faults were found {when}. Stop the workers and look at them now."
        return Sign("Ledger", "bad", words, reverse("admin:transfers_ledgercheck_change", args=[check.id]))
    if check.started_at < look.at - CHECK_LATE:
        return Sign(
            "Ledger", "warn", f"Overdue: it was last checked {when}. Run check_ledger, or start a worker.", address
        )
    return Sign("Ledger", "good", f"Proved right by {check.checks} checks, {when}.", address)


def rails(look: Look) -> Sign | None:
    """Name the rails that break when they are asked what became of payments; nothing while all of them answer."""
    broken = (
        RailTrouble.objects.filter(broke_at__gt=look.at - TROUBLE_SHOWN).order_by("rail").values_list("rail", flat=True)
    )
    if not broken:
        return None
    words = f"Asking {', '.join(broken)} what became of payments breaks, so they stay pending. The log has the cause."
    return Sign("Rails", "bad", words, look.list_of(Transfer, status__exact=Status.PENDING.value))
