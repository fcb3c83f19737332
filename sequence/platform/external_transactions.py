"""External transactions in this dialect: there are none yet, and asking for them works."""

from typing import NoReturn

from rest_framework import serializers
from rest_framework.request import Request

from accounts.errors import AccountNotFound
from accounts.services import find_accounts
from apikeys.resolvers import EachNamed, Found
from apikeys.scopes import Scope
from sequence.core.api.fields import StoredCents
from sequence.core.typing import JsonObject
from sequence.platform.errors import ExternalTransactionNotFound
from sequence.platform.ids import PlainId, PlainIdText
from sequence.platform.names import Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import Listed, ListOf, Pagination, PeriodQuery
from sequence.platform.viewsets import PlatformViewSet
from sequence.platform.windows import DateWindow, window_of

_DIRECTIONS, _STATUSES = ("MONEY_IN", "MONEY_OUT"), ("PENDING", "COMPLETE")


def _find(*, organization_id: str, external_transaction_id: str) -> NoReturn:
    raise ExternalTransactionNotFound()


class ExternalTransactionListQuery(PeriodQuery):
    """Query of ``GET /external-transactions``."""

    account_ids = ListOf(child=PlainIdText("acc"), min_length=1, max_length=100, help_text="At least one account.")
    direction = serializers.ChoiceField(choices=_DIRECTIONS, required=False)
    status = serializers.ChoiceField(choices=_STATUSES, required=False)


class ExternalTransactionDetail(Spelled):
    """What an institution told of one of its accounts."""

    id = PlainId()
    account_id = PlainId()
    amount_in_cents = StoredCents()
    direction = serializers.ChoiceField(choices=_DIRECTIONS)
    status = serializers.ChoiceField(choices=_STATUSES)
    description = serializers.CharField()
    transaction_date = serializers.DateTimeField()


class ExternalTransactionPage(Spelled):
    """Some external transactions, and the window they are of."""

    items = ExternalTransactionDetail(many=True)
    pagination = Pagination()
    window = DateWindow()


class ExternalTransactionViewSet(PlatformViewSet):
    """What institutions tell is read."""

    @platform_operation(
        name="listExternalTransactions",
        method="GET",
        path="/external-transactions",
        scope=Scope.READ_TRANSFERS,
        summary="List what institutions told of their accounts: nothing yet",
        query=ExternalTransactionListQuery,
        resource=EachNamed("account_ids"),
        response=ExternalTransactionPage,
        refusals=(AccountNotFound,),
    )
    def list_external_transactions(self, request: Request) -> JsonObject:
        find_accounts(*sorted(set(self.query["account_ids"])), organization_id=self.caller.organization_id)
        _, window = window_of(self.query)
        return {**Listed([], False).as_json(dict, self.query), "window": window}

    @platform_operation(
        name="getExternalTransaction",
        method="GET",
        path="/external-transactions/{id}",
        variables={"id": "external_transaction_id"},
        scope=Scope.READ_TRANSFERS,
        summary="Read what an institution told",
        resource=Found("external_transaction_id", _find, lambda found: ()),
        response=ExternalTransactionDetail,
        refusals=(ExternalTransactionNotFound,),
    )
    def get_external_transaction(self, request: Request, external_transaction_id: str) -> JsonObject:
        raise ExternalTransactionNotFound()
