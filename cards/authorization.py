"""Authorization of a purchase: what the simulated network asks about a card and its pod, both locked."""

from datetime import UTC, datetime, time

from django.db.models import Sum

from accounts.models import Account
from apikeys.limits import SpendPeriod, starts_on
from cards.models import Card, CardStatus, DeclineReason
from cards.names import is_among


def reason_to_decline(
    card: Card, pod: Account, *, amount_cents: int, merchant_name: str, at: datetime
) -> DeclineReason | None:
    """Return the first thing in the way of the purchase, or None.

    The caller holds the locks of the pod and the card until the purchase is written, so that what is true here stays
    true.
    """
    if card.status != CardStatus.ACTIVE:
        return DeclineReason.CARD_NOT_ACTIVE
    if card.is_expired(at):
        return DeclineReason.CARD_EXPIRED
    broken = _broken_merchant_control(card, merchant_name) or _broken_limit(card, amount_cents, at)
    if broken is None and amount_cents > (pod.available_cents or 0):
        return DeclineReason.INSUFFICIENT_FUNDS
    return broken


def _broken_merchant_control(card: Card, merchant_name: str) -> DeclineReason | None:
    if is_among(merchant_name, card.blocked_merchants):
        return DeclineReason.MERCHANT_BLOCKED
    if card.allowed_merchants and not is_among(merchant_name, card.allowed_merchants):
        return DeclineReason.MERCHANT_NOT_ALLOWED
    return None


def _broken_limit(card: Card, amount_cents: int, at: datetime) -> DeclineReason | None:
    limit = card.limit_per_transaction_cents
    if limit is not None and amount_cents > limit:
        return DeclineReason.ABOVE_TRANSACTION_LIMIT
    limit = card.limit_per_day_cents
    if limit is not None and _spent_cents(card, SpendPeriod.DAY, at) + amount_cents > limit:
        return DeclineReason.ABOVE_DAILY_LIMIT
    limit = card.limit_per_month_cents
    if limit is not None and _spent_cents(card, SpendPeriod.MONTH, at) + amount_cents > limit:
        return DeclineReason.ABOVE_MONTHLY_LIMIT
    return None


def _spent_cents(card: Card, period: SpendPeriod, at: datetime) -> int:
    """Return what the card's purchases add up to since the period began.

    Refunds give nothing back: a limit bounds what a thief can take, and one who had a merchant's help could otherwise
    spend without end.
    """
    began_at = datetime.combine(starts_on(period, at), time.min, UTC)
    purchases = card.transactions.purchases().filter(created_at__gte=began_at)
    return purchases.aggregate(total=Sum("amount_cents"))["total"] or 0
