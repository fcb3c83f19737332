"""Request look-ups of transfers and the ledger. A rule's transfers carry the id of the request that led to them."""

from collections.abc import Iterator

from sequence.core.admin.display import dollars
from sequence.core.admin.timeline import MAX_ENTRIES, Stage, TimelineEntry
from transfers.admin.transfers import TONES
from transfers.models import Posting, Status, Transfer


def find_transfers(request_id: str) -> Iterator[TimelineEntry]:
    """Tell the transfers of the request with their postings, and the key that asked for them."""
    rows = Transfer.objects.filter(request_id=request_id).select_related("source", "destination", "api_key")
    transfers = list(rows.defer("api_key__digest").order_by("created_at", "id")[:MAX_ENTRIES])
    for transfer in transfers:
        if transfer.api_key is not None:
            yield TimelineEntry(Stage.CALLER, transfer.created_at, "asked for the transfer", transfer.api_key)
        stage = Stage.FOLLOWED if transfer.rule_execution_id else Stage.MADE
        state = (transfer.get_status_display(), TONES[Status(transfer.status)])
        yield TimelineEntry(stage, transfer.created_at, _course(transfer), transfer, state=state)
    yield from _postings(transfers)


def _course(transfer: Transfer) -> str:
    source, destination = transfer.source or "outside", transfer.destination or "outside"
    because = f", by rule execution {transfer.rule_execution_id}" if transfer.rule_execution_id else ""
    why = f": {transfer.get_error_code_display()}" if transfer.error_code else ""
    return f"{dollars(transfer.amount_cents)} from {source} to {destination}{because}{why}"


def _postings(transfers: list[Transfer]) -> Iterator[TimelineEntry]:
    if not transfers:
        return
    rows = Posting.objects.filter(entry_set__transfer__in=transfers).select_related("account", "entry_set")
    for posting in rows.order_by("id")[: 2 * MAX_ENTRIES]:  # A movement has two sides at least.
        title = f"{dollars(posting.amount_cents)} on {posting.account or posting.get_clearing_display()}"
        words = f"{posting.entry_set.get_kind_display()} of {posting.entry_set.transfer_id}"
        yield TimelineEntry(Stage.FOLLOWED, posting.posted_at, words, posting, title=title)
