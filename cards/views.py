"""Card endpoints."""

from rest_framework.request import Request

from accounts.errors import AccountNotFound, unfit
from accounts.models import Account, AccountType
from accounts.services import get_account
from apikeys.operations import operation
from apikeys.resolvers import Found, Named
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from cards import services
from cards.errors import CardNotFound
from cards.models import Card
from cards.serializers import CardDetail, CardListQuery, CardTransactionDetail, CardTransactionListQuery
from sequence.core.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject

_TRANSACTION_FILTERS = {"direction": "direction", "from": "created_at__gte", "to": "created_at__lte"}

CARD = Found("card_id", services.get_card, lambda card: (card.account_id,))


def find_pod(*, organization_id: str, account_id: str) -> Account:
    """Return a pod. An account that can have no cards is the caller's mistake, which an empty list would hide."""
    account = get_account(organization_id=organization_id, account_id=account_id)
    if account.type != AccountType.POD:
        message = "Name a pod: other accounts have no cards."
        raise InvalidRequest.with_details([unfit("account_id", "not_a_pod", message, account_id=account.id)])
    return account


class CardViewSet(KeyedViewSet):
    """Cards are read here; staff and commands issue, freeze and charge them."""

    @operation(
        scope=Scope.READ_CARDS,
        action="LIST_CARDS",
        summary="List the cards of a pod",
        query=CardListQuery,
        resource=Named("account_id"),
        response=CardDetail,
        is_list=True,
        refusals=(AccountNotFound,),
    )
    def list(self, request: Request) -> Page:
        pod = find_pod(organization_id=self.caller.organization_id, account_id=self.query["account_id"])
        filters = {name: self.query[name] for name in ("status", "type") if name in self.query}
        return paginate(
            Card.objects.filter(account=pod, **filters),
            show=CardDetail().to_representation,
            list_name="cards",
            newest_first=False,
            first=self.query.get("first"),
            after=self.query.get("after"),
        )

    @operation(
        scope=Scope.READ_CARDS,
        action="GET_CARD",
        summary="Read a card of a pod whose cards the key may read",
        resource=CARD,
        description="A card of a deleted pod can still be read.",
        response=CardDetail,
        refusals=(CardNotFound,),
    )
    def retrieve(self, request: Request, card_id: str) -> JsonObject:
        return CardDetail().to_representation(self.found)

    @operation(
        scope=Scope.READ_CARDS,
        action="LIST_CARD_TRANSACTIONS",
        summary="List the purchases and refunds of a card, newest first",
        resource=CARD,
        description="Declined purchases are not listed.",
        query=CardTransactionListQuery,
        response=CardTransactionDetail,
        is_list=True,
        has_pages=True,
        refusals=(CardNotFound,),
    )
    def transactions(self, request: Request, card_id: str) -> Page:
        filters = {column: self.query[name] for name, column in _TRANSACTION_FILTERS.items() if name in self.query}
        return paginate(
            self.found.transactions.filter(**filters),
            show=CardTransactionDetail().to_representation,
            list_name="card-transactions",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
        )
