"""Console, cards: what they spent today."""

from django.db.models import Count, Q, Sum

from cards.models import CardDirection, CardTransaction
from sequence.core.admin.console import ConsoleQuery, Metric


def spent_today(look: ConsoleQuery) -> Metric:
    """Return what cards paid today, less what came back to them."""
    rows = look.of(CardTransaction.objects.filter(created_at__gte=look.midnight))
    sums = rows.aggregate(
        debits=Sum("amount_cents", filter=Q(direction=CardDirection.DEBIT)),
        credits=Sum("amount_cents", filter=Q(direction=CardDirection.CREDIT)),
        number=Count("id"),
    )
    detail = f"{sums['number']} card transaction{'' if sums['number'] == 1 else 's'}"
    cents = (sums["debits"] or 0) - (sums["credits"] or 0)
    return Metric("Spent by card", cents, detail, look.list_of(CardTransaction))
