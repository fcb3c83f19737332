"""Cards and their transactions as commands tell them: as the API does."""

from cards.models import Card, CardTransaction
from cards.serializers import CardDetail, CardTransactionDetail
from sequence.core.typing import JsonObject


def card_as_dict(card: Card) -> JsonObject:
    """Return the card as ``GET /cards/{id}`` shows it."""
    return CardDetail().to_representation(card)


def card_transaction_as_dict(transaction: CardTransaction) -> JsonObject:
    """Return the transaction as ``GET /cards/{id}/transactions`` lists it."""
    return CardTransactionDetail().to_representation(transaction)
