"""Console, money: what waits for a person, what moved today, and whether the books are right."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.timesince import timesince

from accounts.descriptions import Description, describe_accounts
from sequence.core.admin.console import (
    SHOWN,
    ConsoleQuery,
    HealthStatus,
    Item,
    Metric,
    Queue,
    Tally,
    queue_of,
)
from sequence.core.admin.display import ago, dollars
from transfers.admin.desk import desk_address
from transfers.failures import REASONS
from transfers.ledger_audit import EVERY
from transfers.models import (
    APPROVAL_LIFETIME,
    Direction,
    ErrorCode,
    LedgerCheck,
    RailTrouble,
    Status,
    SuspenseItem,
    Transfer,
)
from transfers.models.transfer import TransferQuerySet

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


def _standing_still(look: ConsoleQuery) -> TransferQuerySet:
    not_taken = Q(status=Status.PROCESSING) | Q(status=Status.PENDING, submitted_at=None)
    late = look.at - LATE
    rows = Transfer.objects.under_way().due(late)
    return rows.filter(Q(stalled_at__isnull=False) | (not_taken & Q(updated_at__lt=late)))


FAILED_TALLY = Tally("Failed", "bad", lambda look: Transfer.objects.untaken(), Transfer, {"waits": "taker"})
STALLED_TALLY = Tally("Stand still", "bad", _standing_still, Transfer, {"waits": "worker"})
SUSPENSE_TALLY = Tally("In suspense", "bad", lambda look: SuspenseItem.objects.open(), SuspenseItem, {})
APPROVALS_TALLY = Tally(
    "To approve", "warn", lambda look: Transfer.objects.waiting_for_a_person(), Transfer, {"waits": "person"}
)


def approvals(look: ConsoleQuery) -> Queue:
    """Transfers that a person is to approve or reject, the oldest first: it is cancelled first."""
    rows = look.of(Transfer.objects.waiting_for_a_person().with_accounts().select_related("api_key"))
    shown = list(rows[:SHOWN])
    described = describe_accounts(id for transfer in shown for id in (transfer.source_id, transfer.destination_id))

    def item(transfer: Transfer) -> Item:
        left = timesince(look.at, transfer.created_at + APPROVAL_LIFETIME)
        detail = f"asked for by {transfer.api_key}; cancelled undecided in {left}"
        return _item(transfer, detail, transfer.created_at, described)

    address = desk_address(look.organization_id)
    return Queue("Transfers to approve or reject", rows.count(), address, [item(transfer) for transfer in shown])


def failures(look: ConsoleQuery) -> Queue:
    """Transfers that failed, or came back, until somebody takes them; the newest first."""
    rows = look.of(Transfer.objects.untaken().with_accounts())

    def item(transfer: Transfer) -> Item:
        return _item(
            transfer, f"Failed: {REASONS[transfer.error_code or ErrorCode.PAYMENT_FAILED]}.", transfer.updated_at
        )

    ordered = rows.order_by("-updated_at", "-id")
    return queue_of(
        "Failed transfers that nobody has taken",
        ordered,
        item,
        address=look.list_of(Transfer, waits="taker"),
        tone="bad",
    )


def stalled(look: ConsoleQuery) -> Queue:
    """Transfers that workers broke on, and those that no worker takes."""
    rows = look.of(_standing_still(look).with_accounts())

    def item(transfer: Transfer) -> Item:
        why = "a worker broke on it and tries again" if transfer.stalled_at else "no worker has taken it"
        return _item(transfer, why, transfer.updated_at)

    ordered = rows.order_by("updated_at", "id")
    return queue_of(
        "Transfers that stand still", ordered, item, address=look.list_of(Transfer, waits="worker"), tone="bad"
    )


def _moved(direction: Direction, label: str) -> Callable[[ConsoleQuery], Metric]:
    def figure(look: ConsoleQuery) -> Metric:
        rows = look.of(Transfer.objects.filter(status=Status.COMPLETE, completed_at__gte=look.midnight))
        sums = rows.filter(direction=direction).aggregate(cents=Sum("amount_cents"), number=Count("id"))
        number = sums["number"]
        return Metric(
            label, sums["cents"] or 0, f"{number} transfer{'' if number == 1 else 's'}", look.list_of(Transfer)
        )

    return figure


moved_in = _moved(Direction.MONEY_IN, "In")
moved_out = _moved(Direction.MONEY_OUT, "Out")
moved_between = _moved(Direction.INTERNAL, "Between own accounts")


def ledger(look: ConsoleQuery) -> HealthStatus:
    """Say when the ledger was last proved right, or what is wrong in it."""
    address = reverse("admin:transfers_ledgercheck_changelist")
    check = LedgerCheck.objects.order_by("-started_at").first()
    if check is None:
        return HealthStatus(
            "Ledger", "warn", "It was never checked. A worker does it once a day; so does check_ledger.", address
        )
    when = ago(check.started_at, look.at)
    if not check.is_clean:
        words = f"{len(check.faults)} faults were found {when}. Stop the workers and look at them now."
        return HealthStatus("Ledger", "bad", words, reverse("admin:transfers_ledgercheck_change", args=[check.id]))
    if check.started_at < look.at - CHECK_LATE:
        return HealthStatus(
            "Ledger", "warn", f"Overdue: it was last checked {when}. Run check_ledger, or start a worker.", address
        )
    return HealthStatus("Ledger", "good", f"Proved right by {check.checks} checks, {when}.", address)


def rails(look: ConsoleQuery) -> HealthStatus | None:
    """Name the rails that break when they are asked what became of payments; nothing while all of them answer."""
    broken = (
        RailTrouble.objects.filter(broke_at__gt=look.at - TROUBLE_SHOWN).order_by("rail").values_list("rail", flat=True)
    )
    if not broken:
        return None
    words = f"Asking {', '.join(broken)} what became of payments breaks, so they stay pending. The log has the cause."
    return HealthStatus("Rails", "bad", words, look.list_of(Transfer, status__exact=Status.PENDING.value))
