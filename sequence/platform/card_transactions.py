"""Card transactions in this dialect."""

from rest_framework import serializers
from rest_framework.request import Request

from accounts.errors import AccountNotFound
from apikeys.resolvers import Found, Named
from apikeys.scopes import Scope
from cards import services
from cards.errors import CardTransactionNotFound
from cards.models import CardDirection, CardTransaction
from cards.views import find_pod
from sequence.core.api.fields import StoredCents, show_time
from sequence.core.typing import JsonObject
from sequence.platform.ids import PlainId, PlainIdText, plain_id
from sequence.platform.names import Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import Pagination, PeriodQuery, newest_first
from sequence.platform.references import AccountReference, show_reference
from sequence.platform.viewsets import PlatformViewSet

_FILTERS = {"card_id": "card_id", "from": "created_at__gte", "to": "created_at__lte"}
# What a purchase and a refund are called, and which way they go.
_WORDS = {CardDirection.DEBIT.value: ("MONEY_OUT", "PURCHASE"), CardDirection.CREDIT.value: ("MONEY_IN", "REFUND")}
_CARD_TYPE, _STATUS = "DEBIT_CARD", "COMPLETE"

CARD_TRANSACTION = Found("card_transaction_id", services.get_card_transaction, lambda one: (one.account_id,))


class CardTransactionListQuery(PeriodQuery):
    """Query of ``GET /card-transactions``."""

    account_id = PlainIdText("acc", help_text="The pod that paid or was paid.")
    card_id = PlainIdText("card", required=False, help_text="Only those of this card.")


class CardTransactionDetail(Spelled):
    """A purchase, or a refund of one."""

    id = PlainId()
    card_id = PlainId()
    card_type = serializers.ChoiceField(choices=[_CARD_TYPE])
    account = AccountReference()
    direction = serializers.ChoiceField(choices=["MONEY_IN", "MONEY_OUT"])
    subtype = serializers.ChoiceField(choices=["PURCHASE", "REFUND"])
    status = serializers.ChoiceField(choices=[_STATUS])
    amount_in_cents = StoredCents()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField()


class CardTransactionPage(Spelled):
    """Some card transactions."""

    items = CardTransactionDetail(many=True)
    pagination = Pagination()


def show_card_transaction(transaction: CardTransaction) -> JsonObject:
    """Return a card transaction as the dialect shows it; its amount is in cents."""
    direction, subtype = _WORDS[transaction.direction]
    return {
        "id": plain_id(transaction.id),
        "cardId": plain_id(transaction.card_id),
        "cardType": _CARD_TYPE,
        "account": show_reference(transaction.account),
        "direction": direction,
        "subtype": subtype,
        "status": _STATUS,
        "amountInCents": transaction.amount_cents,
        "description": transaction.description,
        "createdAt": show_time(transaction.created_at),
        "completedAt": show_time(transaction.created_at),
    }


class CardTransactionViewSet(PlatformViewSet):
    """What cards spent and got back is read."""

    @platform_operation(
        name="listTransactions",
        method="GET",
        path="/card-transactions",
        scope=Scope.READ_CARDS,
        summary="List the purchases and refunds of a pod's cards, newest first",
        query=CardTransactionListQuery,
        resource=Named("account_id"),
        response=CardTransactionPage,
        refusals=(AccountNotFound,),
    )
    def list_transactions(self, request: Request) -> JsonObject:
        pod = find_pod(organization_id=self.caller.organization_id, account_id=self.query["account_id"])
        filters = {column: self.query[name] for name, column in _FILTERS.items() if name in self.query}
        rows = CardTransaction.objects.filter(account=pod, **filters).select_related("account")
        return newest_first(rows, self.query).as_json(show_card_transaction, self.query)

    @platform_operation(
        name="getCardTransaction",
        method="GET",
        path="/card-transactions/{id}",
        variables={"id": "card_transaction_id"},
        scope=Scope.READ_CARDS,
        summary="Read a purchase or a refund",
        resource=CARD_TRANSACTION,
        response=CardTransactionDetail,
        refusals=(CardTransactionNotFound,),
    )
    def get_card_transaction(self, request: Request, card_transaction_id: str) -> JsonObject:
        return show_card_transaction(self.found)
