"""Cards on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from cards.models import Card, CardDirection, CardStatus, CardTransaction, CardType
from sequence.core.api.fields import Id, IdText, PageQuery, StoredCents, Time, Word, show_time
from sequence.core.typing import JsonObject

# A card transaction is made complete: the network's holds and declines are not listed.
_STATUS = "complete"


class CardListQuery(PageQuery):
    """Query of ``GET /cards``."""

    account_id = IdText(help_text="The pod whose cards are listed.")
    status = Word(CardStatus, required=False)
    type = Word(CardType, required=False)


class CardTransactionListQuery(PageQuery):
    """Query of ``GET /cards/{id}/transactions``."""

    direction = Word(CardDirection, required=False, help_text="`debit` for purchases, `credit` for refunds.")
    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(required=False, help_text="Created at this time or later.")
    to = Time(required=False, help_text="Created at this time or earlier.")


class ExpirationDate(serializers.CharField):
    """A month as a card shows it: ``09/28``."""

    def json_schema(self) -> JsonObject:
        return {"type": "string", "pattern": "^(0[1-9]|1[0-2])/[0-9]{2}$"}


class LastFour(serializers.CharField):
    """The last four digits of a number."""

    def json_schema(self) -> JsonObject:
        return {"type": "string", "pattern": "^[0-9]{4}$"}


class CardDetail(serializers.Serializer):
    """A card. No full number exists."""

    id = Id("card")
    type = Word(CardType)
    status = Word(CardStatus)
    last_four = LastFour()
    holder_name = serializers.CharField()
    expiration_date = ExpirationDate(help_text="The last month in which it pays, UTC.")
    account_id = Id("acc", help_text="The pod that it spends from.")
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Card) -> JsonObject:
        return {
            "id": instance.id,
            "type": instance.type,
            "status": instance.status,
            "last_four": instance.last_four,
            "holder_name": instance.holder_name,
            "expiration_date": instance.expiration_date,
            "account_id": instance.account_id,
            "created_at": show_time(instance.created_at),
        }


class CardTransactionDetail(serializers.Serializer):
    """A purchase (debit), or a refund of one (credit)."""

    id = Id("ctx")
    card_id = Id("card")
    account_id = Id("acc", help_text="The pod that paid, or was paid.")
    direction = Word(CardDirection)
    amount_in_cents = StoredCents()
    description = serializers.CharField()
    merchant_name = serializers.CharField()
    status = serializers.ChoiceField(choices=[_STATUS])
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField()

    def to_representation(self, instance: CardTransaction) -> JsonObject:
        return {
            "id": instance.id,
            "card_id": instance.card_id,
            "account_id": instance.account_id,
            "direction": instance.direction,
            "amount_in_cents": instance.amount_cents,
            "description": instance.description,
            "merchant_name": instance.merchant_name,
            "status": _STATUS,
            "created_at": show_time(instance.created_at),
            "completed_at": show_time(instance.created_at),
        }
