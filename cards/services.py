"""Services of cards: issue, control, charge, refund. Each is one transaction.

Locks are taken in one order: the pod, then the card. A purchase's own row needs none, since whoever refunds it holds
its card.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from accounts.errors import AccountNotFound
from accounts.models import Account, AccountType
from accounts.services import find_accounts_for_reference
from cards.authorization import reason_to_decline
from cards.errors import (
    CardNotFound,
    CardStatusNotPossible,
    CardTransactionNotFound,
    NothingToRefund,
    PurchaseNotFound,
    RefundTooLarge,
)
from cards.models import (
    FINAL,
    TRANSITIONS,
    Card,
    CardDecline,
    CardDirection,
    CardStatus,
    CardTransaction,
    CardType,
    DeclineReason,
)
from cards.names import clean_name
from sequence.core import clock
from sequence.core.errors import InvalidRequest
from sequence.core.money import MAX_CENTS
from sequence.core.transactions import transactional
from transfers.errors import AccountTypeNotAllowed, BalanceTooLarge
from transfers.ledger import Leg, Movement, post
from transfers.models import Clearing, EntrySet, EntrySetKind

# As long as cards usually last.
VALID_YEARS = 4


def get_card_transaction(*, organization_id: str, card_transaction_id: str) -> CardTransaction:
    """Return the organization's card transaction with its pod. Raises CardTransactionNotFound."""
    rows = CardTransaction.objects.filter(organization_id=organization_id).select_related("account")
    found = rows.filter(id=card_transaction_id).first()
    if found is None:
        raise CardTransactionNotFound()
    return found


@transactional
def issue_card(*, account_id: str, type: CardType, holder_name: str) -> Card:
    """Return a new card on a pod, active at once and valid for four years, until the end of the month.

    Raises AccountNotFound, AccountTypeNotAllowed for an account that is no pod, InvalidRequest for the holder's name.
    """
    name = clean_name(holder_name, field="holder_name")
    pod = _find_pod(account_id)
    now = clock.now()
    today = now.astimezone(UTC)
    return Card.objects.create(
        organization_id=pod.organization_id,
        account=pod,
        type=type,
        holder_name=name,
        last_four=f"{secrets.randbelow(10_000):04}",
        expiry_year=today.year + VALID_YEARS,
        expiry_month=today.month,
        created_at=now,
    )


def _find_pod(account_id: str) -> Account:
    """Return the account, kept from being deleted until the transaction ends."""
    account = Account.objects.filter(id=account_id).first()
    if account is None:
        raise AccountNotFound()
    [account] = find_accounts_for_reference(account_id, organization_id=account.organization_id)
    if account.type != AccountType.POD:
        raise AccountTypeNotAllowed(
            name=account.private_name, kind="no pod", advice="Only pods have cards: name a pod instead."
        )
    return account


def get_card(*, organization_id: str, card_id: str) -> Card:
    """Return the organization's card, also one whose pod is deleted. Raises CardNotFound."""
    card = Card.objects.for_organization(organization_id).filter(id=card_id).first()
    if card is None:
        raise CardNotFound()
    return card


@transactional
def set_card_status(*, card_id: str, status: CardStatus) -> Card:
    """Change the card's status, and return the card; one that has it already stays as it is.

    Raises CardNotFound, and CardStatusNotPossible for a way that the status cannot go, or when a card shall be active
    whose pod is deleted.
    """
    pod, card = _lock(card_id)
    if card.status != status:
        _check_transition(card, pod, status)
        card.set_status(status)
    return card


@transactional
def unfreeze_card(*, card_id: str) -> Card:
    """Let a frozen card pay again, and return it; one that is active stays so.

    Raises CardNotFound, CardStatusNotPossible. A card that is switched off is not frozen, and stays off.
    """
    _, card = _lock(card_id)
    if card.status == CardStatus.INACTIVE:
        raise CardStatusNotPossible(status=card.status, advice="Only a frozen card is unfrozen; activate this one.")
    return set_card_status(card_id=card_id, status=CardStatus.ACTIVE)


def _check_transition(card: Card, pod: Account, status: CardStatus) -> None:
    if card.status in FINAL:
        raise CardStatusNotPossible(status=card.status, advice="That is final: issue a new card.")
    if status == CardStatus.ACTIVE and pod.deleted_at is not None:
        raise CardStatusNotPossible(status=card.status, advice="Its pod is deleted: issue a new card on another one.")
    if (card.status, status) not in TRANSITIONS:
        raise CardStatusNotPossible(status=card.status, advice=f"Make it active first, then {status}.")


@transactional
def set_card_controls(
    *,
    card_id: str,
    limit_per_transaction_cents: int | None = None,
    limit_per_day_cents: int | None = None,
    limit_per_month_cents: int | None = None,
    allowed_merchants: Iterable[str] = (),
    blocked_merchants: Iterable[str] = (),
) -> Card:
    """Replace all controls of the card, and return it. What is left out is no limit, and any merchant.

    Raises CardNotFound, and InvalidRequest for a limit below 1 cent or a merchant's name that is none.
    """
    limits = {
        "limit_per_transaction_cents": limit_per_transaction_cents,
        "limit_per_day_cents": limit_per_day_cents,
        "limit_per_month_cents": limit_per_month_cents,
    }
    for field, cents in limits.items():
        if cents is not None and not 1 <= cents <= MAX_CENTS:
            raise InvalidRequest.of(field, "range", f"Give a whole number of cents from 1 to {MAX_CENTS}, or nothing.")
    card = _lock_card(card_id)
    card.set_controls(
        **limits,
        allowed_merchants=[clean_name(name, field="allowed_merchants") for name in allowed_merchants],
        blocked_merchants=[clean_name(name, field="blocked_merchants") for name in blocked_merchants],
    )
    return card


@transactional
def charge_card(*, card_id: str, amount_cents: int, merchant_name: str) -> CardTransaction | CardDecline:
    """Buy something in the simulated network. Return the purchase, its money gone from the pod, or the decline.

    A decline is kept too, hence it is returned and not raised. Raises CardNotFound, InvalidRequest for the merchant.
    """
    merchant_name = clean_name(merchant_name, field="merchant_name")
    pod, card = _lock(card_id)
    now = clock.now()  # Not before the locks: limits count what was written while this waited.
    reason = reason_to_decline(card, pod, amount_cents=amount_cents, merchant_name=merchant_name, at=now)
    if reason is not None:
        return _decline(card, amount_cents, merchant_name, reason, now)
    legs = [Leg(-amount_cents, account_id=pod.id), Leg(amount_cents, clearing=Clearing.CARDS)]
    return CardTransaction.objects.create(
        organization_id=card.organization_id,
        card=card,
        account=pod,
        direction=CardDirection.DEBIT,
        amount_cents=amount_cents,
        merchant_name=merchant_name,
        entry_set=_post(card, legs, now),
        created_at=now,
    )


def _decline(card: Card, amount_cents: int, merchant_name: str, reason: DeclineReason, now: datetime) -> CardDecline:
    return CardDecline.objects.create(
        organization_id=card.organization_id,
        card=card,
        amount_cents=amount_cents,
        merchant_name=merchant_name,
        reason=reason,
        created_at=now,
    )


@transactional
def refund_purchase(*, card_id: str, purchase_id: str, amount_cents: int) -> CardTransaction:
    """Return the refund of a purchase, or of a part of it, whatever the card's status is by now.

    The money goes to the pod, or to suspense when the pod is deleted. Raises CardNotFound, PurchaseNotFound,
    RefundTooLarge, BalanceTooLarge.
    """
    pod, card = _lock(card_id)
    purchase = card.transactions.purchases().filter(id=purchase_id).first()
    if purchase is None:
        raise PurchaseNotFound()
    if amount_cents > purchase.left_cents:
        raise RefundTooLarge(left_cents=purchase.left_cents, amount_cents=amount_cents)
    return _refund(purchase, card, pod, amount_cents)


@transactional
def refund_at_merchant(*, card_id: str, merchant_name: str, amount_cents: int) -> CardTransaction:
    """Refund the latest of the card's purchases at the merchant that has the whole amount left.

    A refund belongs to one purchase: an amount that only several together have left is refused. The merchant's name
    counts in whatever case. Raises CardNotFound, InvalidRequest, NothingToRefund; otherwise as ``refund_purchase``.
    """
    merchant_name = clean_name(merchant_name, field="merchant_name")
    pod, card = _lock(card_id)
    purchases = card.transactions.with_left(amount_cents).at_merchant(merchant_name)
    purchase = purchases.newest_first().first()
    if purchase is None:
        raise NothingToRefund(merchant_name=merchant_name, amount_cents=amount_cents)
    return _refund(purchase, card, pod, amount_cents)


def _refund(purchase: CardTransaction, card: Card, pod: Account, amount_cents: int) -> CardTransaction:
    now = clock.now()
    if (pod.balance_cents or 0) + amount_cents > MAX_CENTS:
        raise BalanceTooLarge(name=pod.private_name, most_cents=MAX_CENTS)
    to_pod = Leg(amount_cents, account_id=pod.id)
    # A deleted account takes no money; it waits where a person sees it.
    gain = to_pod if pod.deleted_at is None else Leg(amount_cents, clearing=Clearing.SUSPENSE)
    return CardTransaction.objects.create(
        organization_id=card.organization_id,
        card=card,
        account=pod,
        direction=CardDirection.CREDIT,
        amount_cents=amount_cents,
        merchant_name=purchase.merchant_name,
        purchase=purchase,
        entry_set=_post(card, [gain, Leg(-amount_cents, clearing=Clearing.CARDS)], now),
        created_at=now,
    )


def _post(card: Card, legs: list[Leg], now: datetime) -> EntrySet:
    [entry_set] = post([Movement(card.organization_id, EntrySetKind.CARD, legs)], at=now)
    return entry_set


def _lock(card_id: str) -> tuple[Account, Card]:
    """Return the card's pod, deleted or not, and the card, both locked. Raises CardNotFound."""
    pod = Account.objects.filter(cards=card_id).select_for_update(no_key=True, of=("self",)).first()
    if pod is None:
        raise CardNotFound()
    return pod, _lock_card(card_id)


def _lock_card(card_id: str) -> Card:
    card = Card.objects.filter(id=card_id).select_for_update(no_key=True).first()
    if card is None:
        raise CardNotFound()
    return card
