"""What the search finds of transfers. Each way of looking has an index of its own, so that none reads the table."""

from collections.abc import Iterable, Iterator

from django.db.models.functions import Upper

from sequence.core.admin.display import dollars
from sequence.core.admin.searching import MOST_HITS, Asked, Hit, Hits, address_of_list, gather, moment
from sequence.core.admin.timeline import address_of
from transfers.admin.transfers import TONES
from transfers.models import Status, Transfer
from transfers.models.transfer import TransferQuerySet

_NEWEST = ("-created_at", "-id")


def find_transfers_like(asked: Asked) -> Iterator[Hits]:
    """Find transfers by amount, by the day or minute that they were asked for, and by description."""
    rows = Transfer.objects.with_accounts()
    if asked.cents:
        found = rows.filter(amount_cents=asked.cents).order_by(*_NEWEST)
        address = address_of_list(Transfer, amount=asked.text)
        yield from gather(f"Transfers of {dollars(asked.cents)}", found, _transfer, address=address)
    if asked.span:
        span = asked.span
        found = rows.filter(created_at__gte=span.begins_at, created_at__lt=span.ends_at).order_by(*_NEWEST)
        address = address_of_list(Transfer, **{"from": span.text, "to": span.text})
        yield from gather(f"Transfers of {span.text}", found, _transfer, address=address)
    if asked.is_word:
        yield from _described(rows, asked.text)


def _described(rows: TransferQuerySet, text: str) -> Iterable[Hits]:
    """Yield those of this very description, the newest first; where there are few, those that begin with it too."""
    described = rows.filter(description__isnull=False).annotate(said=Upper("description"))
    same = list(described.filter(said=text.upper()).order_by(*_NEWEST)[: MOST_HITS + 1])
    if len(same) <= MOST_HITS:
        # In no order: the index has them by their words, and there may be any number.
        others = described.filter(description__istartswith=text).exclude(pk__in=[row.pk for row in same])
        same += others[: MOST_HITS + 1 - len(same)]
    if same:
        address = address_of_list(Transfer, description=text)
        yield Hits(
            "Transfers by description", [_transfer(row) for row in same[:MOST_HITS]], len(same) > MOST_HITS, address
        )


def _transfer(transfer: Transfer) -> Hit:
    text = f"{dollars(transfer.amount_cents)} {transfer.source or 'outside'} → {transfer.destination or 'outside'}"
    detail = f"{moment(transfer.created_at)}{f' · {transfer.description}' if transfer.description else ''}"
    state = (transfer.get_status_display(), TONES[Status(transfer.status)])
    return Hit(text, detail, address_of(transfer), state)
