"""Transfer endpoints."""

from collections.abc import Iterable, Mapping, Sequence

from rest_framework.request import Request

from accounts.errors import AccountNotFound
from accounts.services import get_account
from apikeys.operations import operation
from apikeys.resolvers import Found, Named, PairInBody
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.called_reasons import called_reason_of
from sequence.core.api.fields import NoFields
from sequence.core.api.pagination import DEFAULT_SIZE, Page, merge_pages, paginate
from sequence.core.api.request_ids import request_id_of
from sequence.core.typing import JsonObject, Rows
from transfers import services
from transfers.asking import TransferRequest
from transfers.dry_run import dry_run
from transfers.dry_run_serializers import DryRunDetail, show_dry_run
from transfers.errors import MaxAmountExceeded, TransferNotCancellable, TransferNotFound
from transfers.models import SimulatedTransfer, Transfer
from transfers.serializers import (
    ROW,
    CreateTransfer,
    ModeFilter,
    TransferDetail,
    TransferListQuery,
    show_row,
    show_transfer,
)

_FILTERS = {
    "direction": "direction",
    "origin": "origin",
    "status": "status",
    "rule_execution_id": "rule_execution_id",
    "from": "created_at__gte",
    "to": "created_at__lte",
}

# Live transfers alone, and simulated ones too.
TRANSFER = Found("transfer_id", services.get_transfer, lambda transfer: (transfer.source_id, transfer.destination_id))
ANY_TRANSFER = Found(
    "transfer_id", services.get_any_transfer, lambda transfer: (transfer.source_id, transfer.destination_id)
)
LIST_NAME = "transfers"


class TransferViewSet(KeyedViewSet):
    """Transfers are asked for, read and cancelled; workers carry them out."""

    @operation(
        scope=Scope.READ_TRANSFERS,
        action="LIST_TRANSFERS",
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
        pages = [
            self._page(sides(rows.filter(**filters), [account.id], role=self.query["account_role"]))
            for rows in rows_of(self.query["mode"], self.caller.organization_id)
        ]
        return pages[0] if len(pages) == 1 else merge_pages(pages, self._first, LIST_NAME)

    def _page(self, parts: Sequence[Rows]) -> Page:
        is_live = parts[0].model is Transfer
        return paginate(
            parts,
            show=show_row if is_live else show_transfer,
            list_name=LIST_NAME,
            newest_first=True,
            first=self._first,
            after=self.query.get("after"),
            finish=self._finish,
        )

    def _finish(self, rows: Rows) -> Rows:
        own = rows.filter(organization_id=self.caller.organization_id)
        is_live = rows.model is Transfer
        return own.values_list(*ROW, named=True) if is_live else own.select_related("source", "destination")

    @property
    def _first(self) -> int:
        first: int = self.query.get("first", DEFAULT_SIZE)
        return first

    @operation(
        scope=Scope.READ_TRANSFERS,
        action="GET_TRANSFER",
        summary="Read a transfer from or to an account that the key may read",
        resource=ANY_TRANSFER,
        response=TransferDetail,
        refusals=(TransferNotFound,),
    )
    def retrieve(self, request: Request, transfer_id: str) -> JsonObject:
        return show_transfer(self.found)

    @operation(
        scope=Scope.MANUAL_TRANSFER,
        action="CREATE_TRANSFER",
        summary="Move money between two accounts",
        resource=PairInBody("source_account_id", "destination_account_id"),
        body=CreateTransfer,
        response=TransferDetail,
        status=201,
        refusals=(MaxAmountExceeded, AccountNotFound),
    )
    def create(self, request: Request) -> JsonObject:
        transfer = services.create_manual_transfer(
            key=self.caller, request=self._asked(), request_id=request_id_of(self.http)
        )
        return show_transfer(transfer)

    @operation(
        scope=Scope.MANUAL_TRANSFER,
        action="DRY_RUN_TRANSFER",
        summary="Ask what moving money between two accounts would meet",
        description=(
            "Takes the body of POST /transfers, writes nothing and locks nothing. What POST refuses at the door is "
            "refused here in the same way; everything after that is an answer: every check, and the smallest changes "
            "of which each is enough alone."
        ),
        resource=PairInBody("source_account_id", "destination_account_id"),
        body=CreateTransfer,
        response=DryRunDetail,
        only_asks=True,
        refusals=(AccountNotFound,),
    )
    def dry_run(self, request: Request) -> JsonObject:
        return show_dry_run(dry_run(self.caller, self._asked()), self.may_know_account)

    def _asked(self) -> TransferRequest:
        return TransferRequest(**self.body, called_reason=called_reason_of(self.http))

    @operation(
        scope=Scope.MANUAL_TRANSFER,
        action="CANCEL_TRANSFER",
        summary="Cancel a transfer that is not with the payment rail yet",
        resource=TRANSFER,
        body=NoFields,
        response=TransferDetail,
        refusals=(TransferNotFound, TransferNotCancellable),
    )
    def cancel(self, request: Request, transfer_id: str) -> JsonObject:
        transfer = services.cancel_transfer(
            transfer_id=self.found.id, by=self.actor, organization_id=self.caller.organization_id
        )
        return show_transfer(transfer)


def rows_of(mode: str, organization_id: str) -> Sequence[Rows]:
    """Return what a list of this mode holds of the organization's transfers, by table."""
    live = Transfer.objects.for_organization(organization_id)
    simulated = SimulatedTransfer.objects.for_organization(organization_id)
    by_mode: Mapping[str, Sequence[Rows]] = {
        ModeFilter.LIVE.value: [live],
        ModeFilter.SIMULATION.value: [simulated],
        ModeFilter.ALL.value: [live, simulated],
    }
    return by_mode[mode]


def sides(transfers: Rows, account_ids: Iterable[str], *, role: str) -> Sequence[Rows]:
    """Each side has an index in the order of the pages; their pages are merged."""
    parts = []
    for account_id in account_ids:
        by_side = {
            "source": transfers.filter(source_id=account_id),
            "destination": transfers.filter(destination_id=account_id),
        }
        parts += [rows for side, rows in by_side.items() if role in (side, "either")]
    return parts
