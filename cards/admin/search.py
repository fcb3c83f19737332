"""What the search finds of cards, of what they paid and of what they were refused."""

from collections.abc import Iterable, Iterator

from django.db.models import Q

from cards.models import Card, CardDirection, CardTransaction
from sequence.core.admin.display import dollars
from sequence.core.admin.searching import MOST_HITS, Asked, Hit, Hits, address_of_list, gather, moment
from sequence.core.admin.timeline import address_of
from sequence.core.typing import Rows

# A word from the middle of a merchant's name has no index: it is looked for in the newest transactions alone.
NEWEST_READ = 10_000
_NEWEST = ("-created_at", "-id")


def find_cards(asked: Asked) -> Iterable[Hits]:
    """Find cards by holder or last four digits."""
    if not asked.is_word:
        return ()
    rows = Card.objects.filter(Q(holder_name__icontains=asked.text) | Q(last_four=asked.text))
    return gather("Cards", rows.select_related("organization", "account").order_by(*_NEWEST), _card)


def find_card_transactions(asked: Asked) -> Iterator[Hits]:
    """Find card transactions by amount, day and merchant."""
    rows = CardTransaction.objects.select_related("organization", "account")
    if asked.cents:
        found = rows.filter(amount_cents=asked.cents).order_by(*_NEWEST)
        address = address_of_list(CardTransaction, amount=asked.text)
        yield from gather(f"Card transactions of {dollars(asked.cents)}", found, _transaction, address=address)
    if asked.span:
        span = asked.span
        found = rows.filter(created_at__gte=span.begins_at, created_at__lt=span.ends_at).order_by(*_NEWEST)
        address = address_of_list(CardTransaction, **{"from": span.text, "to": span.text})
        yield from gather(f"Card transactions of {span.text}", found, _transaction, address=address)
    if asked.is_word:
        yield from _at_merchant(rows, asked.text)


def _at_merchant(rows: Rows, text: str) -> Iterable[Hits]:
    """Yield the newest whose merchant's name holds the text; where there are few, older ones that begin with it too."""
    newest = CardTransaction.objects.order_by("-created_at").values("pk")[:NEWEST_READ]
    holding = rows.filter(pk__in=newest, merchant_name__icontains=text)
    found = list(holding.order_by(*_NEWEST)[: MOST_HITS + 1])
    if len(found) <= MOST_HITS:
        # In no order: the index has them by their names, and there may be any number.
        older = rows.filter(merchant_name__istartswith=text).exclude(pk__in=[row.pk for row in found])
        found += older[: MOST_HITS + 1 - len(found)]
    if found:
        address = address_of_list(CardTransaction, q=text)
        hits = [_transaction(row) for row in found[:MOST_HITS]]
        yield Hits("Card transactions by merchant", hits, len(found) > MOST_HITS, address)


def _card(card: Card) -> Hit:
    return Hit(str(card), f"on {card.account} of {card.organization}", address_of(card))


def _transaction(row: CardTransaction) -> Hit:
    verb = "at" if row.direction == CardDirection.DEBIT else "back from"
    text = f"{dollars(row.amount_cents)} {verb} {row.merchant_name}"
    return Hit(text, f"{moment(row.created_at)} · from {row.account} of {row.organization}", address_of(row))
