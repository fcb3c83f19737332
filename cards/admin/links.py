"""Links from other apps' pages to those of cards."""

from django.http import HttpRequest

from cards.models import CardTransaction
from sequence.core.admin.links import Link
from sequence.core.admin.timeline import address_of, may_see
from transfers.models import SuspenseItem


def refund_in_suspense(request: HttpRequest, item: SuspenseItem) -> list[Link]:
    """Lead from money in suspense to the card's refund that it came from."""
    if item.posting.entry_set.transfer_id is not None or not may_see(request, CardTransaction):
        return []
    refund = CardTransaction.objects.filter(entry_set=item.posting.entry_set).only("id").first()
    return [("Its card transaction", address_of(refund))] if refund else []
