"""The transfer endpoints."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.errors import AccountNotFound
from accounts.services import get_account
from apikeys.operations import operation
from apikeys.resolvers import Found, Named, PairInBody
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.fields import NoFields
from sequence.core.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.core.api.request_ids import request_id_of
from transfers import services
from transfers.errors import MaxAmountExceeded, TransferNotCancellable, TransferNotFound
from transfers.models import Transfer
from transfers.serializers import ROW, CreateTransfer, TransferDetail, TransferListQuery, show_row, show_transfer

_FILTERS = {
    "direction": "direction",
    "origin": "origin",
    "status": "status",
    "rule_execution_id": "rule_execution_id",
    "from": "created_at__gte",
    "to": "created_at__lte",
}

TRANSFER = Found("transfer_id", services.get_transfer, lambda transfer: (transfer.source_id, transfer.destination_id))


class TransferViewSet(KeyedViewSet):
    """Transfers are asked for, read and cancelled; workers carry them out."""

    @operation(
        scope=Scope.READ_TRANSFERS,
        summary="List the transfers of an account, newest first",
        query=TransferListQuery,
        resource=Named("account_id"),
        response=TransferDetail,
        is_list=True,
        has_pages=True,
        refusals=(AccountNotFound,),
    )
    def list(self, request: Request) -> Page:
        account = get_account(organization_id=self.caller.organization_id, account_id=self.query["account_id"])
        filters = {column: self.query[name] for name, column in _FILTERS.items() if name in self.query}
        transfers = Transfer.objects.of(self.caller.organization_id).filter(**filters)
        return paginate(
            _sides(transfers, account.id, role=self.query["account_role"]),
            show=show_row,
            list_name="transfers",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
            finish=lambda rows: rows.values_list(*ROW, named=True),
        )

    @operation(
        scope=Scope.READ_TRANSFERS,
        summary="Read a transfer from or to an account that the key may read",
        resource=TRANSFER,
        response=TransferDetail,
        refusals=(TransferNotFound,),
    )
    def retrieve(self, request: Request, transfer_id: str) -> dict[str, Any]:
        return show_transfer(self.found)

    @operation(
        scope=Scope.MANUAL_TRANSFER,
        summary="Move money between two accounts",
        resource=PairInBody("source_account_id", "destination_account_id"),
        body=CreateTransfer,
        response=TransferDetail,
        status=201,
        refusals=(MaxAmountExceeded, AccountNotFound),
    )
    def create(self, request: Request) -> dict[str, Any]:
        transfer = services.create_manual_transfer(key=self.caller, request_id=request_id_of(self.http), **self.body)
        return show_transfer(transfer)

    @operation(
        scope=Scope.MANUAL_TRANSFER,
        summary="Cancel a transfer that is not with the payment rail yet",
        resource=TRANSFER,
        body=NoFields,
        response=TransferDetail,
        refusals=(TransferNotFound, TransferNotCancellable),
    )
    def cancel(self, request: Request, transfer_id: str) -> dict[str, Any]:
        transfer = services.cancel_transfer(transfer_id=self.found.id, by=self.actor)
        return show_transfer(transfer)


def _sides(transfers: QuerySet[Transfer], account_id: str, *, role: str) -> list[QuerySet[Transfer]]:
    """Each side has an index in the order of the pages; their pages are merged."""
    sides = {
        "source": transfers.filter(source_id=account_id),
        "destination": transfers.filter(destination_id=account_id),
    }
    return [rows for side, rows in sides.items() if role in (side, "either")]
