"""Refusals of cards. A declined purchase is none of them: it is an outcome, which is kept."""

from sequence.core.errors import Conflict, NotFound


class CardNotFound(NotFound):
    message = "Card not found."


class CardTransactionNotFound(NotFound):
    message = "Card transaction not found."


class PurchaseNotFound(NotFound):
    message = "This card has no such purchase."


class CardStatusNotPossible(Conflict):
    code = "card_status_not_possible"
    message = "The card is {status}. {advice}"
    remedy = "Choose a status that follows on the present one."


class RefundTooLarge(Conflict):
    code = "refund_too_large"
    message = "Only {left_cents} cents of this purchase are left to refund, not {amount_cents}."
    remedy = "Refund at most what is left of the purchase."


class NothingToRefund(Conflict):
    code = "nothing_to_refund"
    message = "No purchase of this card at {merchant_name} has {amount_cents} cents left to refund."
    remedy = "Nothing: all of it is back."
