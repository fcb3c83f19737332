"""The transfer endpoints."""

from typing import Any

from django.db.models import QuerySet

from accounts.errors import AccountNotFound
from accounts.services import get_account
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet, Operation
from sequence.api.fields import NoFields
from sequence.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.api.request_ids import request_id_of
from sequence.errors import Forbidden
from transfers import services
from transfers.errors import MaxAmountExceeded, TransferNotCancellable, TransferNotFound
from transfers.models import Transfer
from transfers.serializers import CreateTransfer, TransferDetail, TransferListQuery

_FILTERS = {
    "direction": "direction",
    "origin": "origin",
    "status": "status",
    "rule_execution_id": "rule_execution_id",
    "from": "created_at__gte",
    "to": "created_at__lte",
}


class TransferViewSet(KeyedViewSet):
    """Transfers are asked for, read and cancelled; workers carry them out."""

    operations = {
        "list": Operation(
            scope=Scope.READ_TRANSFERS,
            summary="List the transfers of an account, newest first",
            query=TransferListQuery,
            resource="account_id",
            response=TransferDetail,
            is_list=True,
            has_pages=True,
            refusals=(AccountNotFound,),
        ),
        "retrieve": Operation(
            scope=Scope.READ_TRANSFERS,
            summary="Read a transfer from or to an account that the key may read",
            response=TransferDetail,
            refusals=(TransferNotFound,),
        ),
        "create": Operation(
            scope=Scope.MANUAL_TRANSFER,
            summary="Move money between two accounts",
            body=CreateTransfer,
            response=TransferDetail,
            status=201,
            refusals=(MaxAmountExceeded, AccountNotFound),
        ),
        "cancel": Operation(
            scope=Scope.MANUAL_TRANSFER,
            summary="Cancel a transfer that is not with the payment rail yet",
            body=NoFields,
            response=TransferDetail,
            refusals=(TransferNotFound, TransferNotCancellable),
        ),
    }

    def list(self) -> Page:
        account = get_account(organization_id=self.caller.organization_id, account_id=self.query["account_id"])
        filters = {column: self.query[name] for name, column in _FILTERS.items() if name in self.query}
        transfers = Transfer.objects.of(self.caller.organization_id).filter(**filters)
        return paginate(
            _sides(transfers, account.id, role=self.query["account_role"]),
            show=TransferDetail().to_representation,
            list_name="transfers",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
            finish=lambda rows: rows.with_accounts(),
        )

    def retrieve(self, transfer_id: str) -> dict[str, Any]:
        return TransferDetail().to_representation(self._find_readable(transfer_id))

    def _find_readable(self, transfer_id: str) -> Transfer:
        """Whose key names no ``*`` gets the same refusal for a transfer that is missing as for another account's."""
        try:
            transfer = services.get_transfer(organization_id=self.caller.organization_id, transfer_id=transfer_id)
        except TransferNotFound:
            if self.caller.reaches_everything(Scope.READ_TRANSFERS):
                raise
            raise Forbidden() from None
        if not any(
            self.caller.can(Scope.READ_TRANSFERS, id or "") for id in (transfer.source_id, transfer.destination_id)
        ):
            raise Forbidden()
        return transfer

    def create(self) -> dict[str, Any]:
        transfer = services.create_manual_transfer(key=self.caller, request_id=request_id_of(self.http), **self.body)
        return TransferDetail().to_representation(transfer)

    def cancel(self, transfer_id: str) -> dict[str, Any]:
        transfer = services.cancel_transfer(transfer_id=self._find_movable(transfer_id).id, by=f"key:{self.caller.id}")
        return TransferDetail().to_representation(transfer)

    def _find_movable(self, transfer_id: str) -> Transfer:
        try:
            transfer = services.get_transfer(organization_id=self.caller.organization_id, transfer_id=transfer_id)
        except TransferNotFound:
            if services.matching_entries(self.caller.permissions, None, None):
                raise
            raise Forbidden() from None
        self._require_pair(transfer.source_id, transfer.destination_id)
        return transfer

    def _check_resource(self, operation: Operation) -> None:
        super()._check_resource(operation)
        if self.action == "create":
            self._require_pair(self.body["source_account_id"], self.body["destination_account_id"])

    def _require_pair(self, source_id: str | None, destination_id: str | None) -> None:
        if not services.matching_entries(self.caller.permissions, source_id, destination_id):
            raise Forbidden()


def _sides(transfers: QuerySet[Transfer], account_id: str, *, role: str) -> list[QuerySet[Transfer]]:
    """Each side has an index in the order of the pages; their pages are merged."""
    sides = {
        "source": transfers.filter(source_id=account_id),
        "destination": transfers.filter(destination_id=account_id),
    }
    return [rows for side, rows in sides.items() if role in (side, "either")]
