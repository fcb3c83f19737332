"""Transfers in this dialect, simulated ones too."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.errors import AccountNotFound
from accounts.services import find_accounts
from apikeys.resolvers import EachNamed, Named, PairInBody
from apikeys.scopes import Scope
from rules.serializers.fields import Flag
from sequence.core.api.called_reasons import called_reason_of
from sequence.core.api.fields import Cents, StoredCents, show_time
from sequence.core.api.request_ids import request_id_of
from sequence.core.errors import DomainError
from sequence.core.money import MIN_TRANSFER_CENTS
from sequence.core.typing import JsonObject, Rows
from sequence.platform.enums import UpperWord, upper, upper_or_none
from sequence.platform.errors import TransferDestinationNotFound, TransferInProgress, TransferSourceNotFound
from sequence.platform.ids import PlainId, PlainIdText, plain_id, plain_id_or_none
from sequence.platform.names import ClosedBody, Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import ListOf, Pagination, PeriodQuery, newest_of
from sequence.platform.references import AccountReference, show_reference
from sequence.platform.viewsets import PlatformViewSet
from transfers import services
from transfers.asking import TransferRequest
from transfers.errors import MaxAmountExceeded, TransferNotFound
from transfers.fields import StatementText
from transfers.models import Direction, Origin, SimulatedTransfer, Status, Transfer
from transfers.serializers import ModeFilter
from transfers.simulation import simulate_manual_transfer
from transfers.views import ANY_TRANSFER, rows_of, sides

_FILTERS = {
    "direction": "direction",
    "origin": "origin",
    "status": "status",
    "rule_execution_id": "rule_execution_id",
    "from": "created_at__gte",
    "to": "created_at__lte",
}
_LIVE, _SIMULATION = "LIVE", "SIMULATION"


class TransferQuery(PeriodQuery):
    """What narrows a list of transfers down."""

    direction = UpperWord(Direction, name="TransferDirection", required=False)
    origin = UpperWord(Origin, name="TransferOrigin", required=False)
    status = UpperWord(Status, name="TransferStatus", required=False)
    execution_mode = UpperWord(
        ModeFilter, name="ExecutionModeFilter", default="LIVE", help_text="Whether simulated ones are listed."
    )
    rule_execution_id = PlainIdText("rex", required=False, help_text="Only transfers of this rule execution.")

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # How older clients of the vendor's spell it.
        old = PlainIdText(
            "rex",
            required=False,
            is_deprecated=True,
            help_text="How ruleExecutionId was called before.",
            source="old_execution_id",
        )
        return {**fields, "rule_execution_id": old}

    def validate(self, attrs: JsonObject) -> JsonObject:
        old = attrs.pop("old_execution_id", None)
        return attrs if old is None else {"rule_execution_id": old, **attrs}


class AccountTransferQuery(TransferQuery):
    """Query of ``GET /accounts/{accountId}/transfers``."""

    account_role = serializers.ChoiceField(
        choices=["source", "destination", "either"], default="either", help_text="On which side the account stands."
    )


class TransferListQuery(TransferQuery):
    """Query of ``GET /transfers``."""

    account_ids = ListOf(child=PlainIdText("acc"), min_length=1, max_length=100, help_text="At least one account.")


class CreateTransfer(ClosedBody):
    """Body of ``POST /transfers``."""

    source_account_id = PlainIdText("acc", help_text="The account that pays.")
    destination_account_id = PlainIdText("acc", help_text="The account that is paid.")
    amount_in_cents = Cents(min_value=MIN_TRANSFER_CENTS, help_text="How much, in cents; 100 or more.")
    description = StatementText(required=False, allow_blank=True, help_text="At most 10 letters, digits and spaces.")
    simulation = Flag(required=False, default=False, help_text="Plan the transfer, and move nothing.")

    def validate(self, attrs: JsonObject) -> JsonObject:
        if attrs["source_account_id"] == attrs["destination_account_id"]:
            fault = serializers.ErrorDetail("This is the source. Name another account.", code="same_account")
            raise serializers.ValidationError({"destinationAccountId": [fault]})
        return {**attrs, "description": attrs.get("description") or None}


class TransferDetail(Spelled):
    """A transfer."""

    id = PlainId()
    amount_in_cents = StoredCents()
    direction = UpperWord(Direction, name="TransferDirection")
    origin = UpperWord(Origin, name="TransferOrigin")
    source = AccountReference(allow_null=True)  # type: ignore[assignment]
    destination = AccountReference(allow_null=True)
    status = UpperWord(Status, name="TransferStatus")
    execution_mode = serializers.ChoiceField(choices=[_LIVE, _SIMULATION])
    rule_id = PlainId(allow_null=True)
    rule_execution_id = PlainId(allow_null=True)
    error_code = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    addenda = serializers.CharField(allow_null=True, help_text="Always null.")


class TransferPage(Spelled):
    """Some transfers."""

    items = TransferDetail(many=True)
    pagination = Pagination()


def show_transfer(transfer: Transfer | SimulatedTransfer) -> JsonObject:
    """Return a transfer as the dialect shows it; its amount is in cents."""
    return {
        "id": plain_id(transfer.id),
        "amountInCents": transfer.amount_cents,
        "direction": upper(transfer.direction),
        "origin": upper(transfer.origin),
        "source": transfer.source and show_reference(transfer.source),
        "destination": transfer.destination and show_reference(transfer.destination),
        "status": upper(transfer.status),
        "executionMode": _SIMULATION if isinstance(transfer, SimulatedTransfer) else _LIVE,
        "ruleId": plain_id_or_none(transfer.rule_id),
        "ruleExecutionId": plain_id_or_none(transfer.rule_execution_id),
        "errorCode": upper_or_none(transfer.error_code),
        "createdAt": show_time(transfer.created_at),
        "completedAt": show_time(transfer.completed_at) if transfer.completed_at else None,
        "description": transfer.description,
        "addenda": None,
    }


def _with_accounts(rows: Rows) -> Rows:
    return rows.select_related("source", "destination")


class TransferViewSet(PlatformViewSet):
    """Transfers are asked for and read; workers carry them out."""

    @platform_operation(
        name="listAccountTransfers",
        method="GET",
        path="/accounts/{accountId}/transfers",
        variables={"accountId": "account_id"},
        scope=Scope.READ_TRANSFERS,
        summary="List the transfers of an account, newest first",
        query=AccountTransferQuery,
        resource=Named("account_id"),
        response=TransferPage,
        refusals=(AccountNotFound,),
    )
    def list_account_transfers(self, request: Request, account_id: str) -> JsonObject:
        return self._listed([account_id], role=self.query["account_role"])

    @platform_operation(
        name="listTransfers",
        method="GET",
        path="/transfers",
        scope=Scope.READ_TRANSFERS,
        summary="List the transfers of some accounts, newest first",
        query=TransferListQuery,
        resource=EachNamed("account_ids"),
        response=TransferPage,
        refusals=(AccountNotFound,),
    )
    def list_transfers(self, request: Request) -> JsonObject:
        return self._listed(self.query["account_ids"], role="either")

    def _listed(self, account_ids: list[str], *, role: str) -> JsonObject:
        organization_id = self.caller.organization_id
        ids = sorted(set(account_ids))
        find_accounts(*ids, organization_id=organization_id)
        filters = {column: self.query[name] for name, column in _FILTERS.items() if name in self.query}
        tables = rows_of(self.query["execution_mode"], organization_id)
        parts = [sides(rows.filter(**filters), ids, role=role) for rows in tables]
        return newest_of(parts, self.query, finish=_with_accounts).as_json(show_transfer, self.query)

    @platform_operation(
        name="getTransfer",
        method="GET",
        path="/transfers/{id}",
        variables={"id": "transfer_id"},
        scope=Scope.READ_TRANSFERS,
        summary="Read a transfer from or to an account that the key may read",
        resource=ANY_TRANSFER,
        response=TransferDetail,
        refusals=(TransferNotFound,),
    )
    def get_transfer(self, request: Request, transfer_id: str) -> JsonObject:
        return show_transfer(self.found)

    @platform_operation(
        name="createTransfer",
        method="POST",
        path="/transfers",
        scope=Scope.MANUAL_TRANSFER,
        summary="Move money between two accounts, or plan to",
        description=(
            "With `simulation` nothing moves: the answer is what would become of the transfer, checked against every "
            "cap and counted by none."
        ),
        resource=PairInBody("source_account_id", "destination_account_id"),
        body=CreateTransfer,
        response=TransferDetail,
        status=201,
        refusals=(MaxAmountExceeded, TransferSourceNotFound, TransferDestinationNotFound),
        in_progress=TransferInProgress,
        makes="txr",
        is_destructive=True,
    )
    def create_transfer(self, request: Request) -> JsonObject:
        body = dict(self.body)
        create = simulate_manual_transfer if body.pop("simulation") else services.create_manual_transfer
        asked = TransferRequest(**body, called_reason=called_reason_of(self.http))
        transfer = create(key=self.caller, request=asked, request_id=request_id_of(self.http))
        return show_transfer(transfer)

    def called(self, refusal: DomainError) -> DomainError:
        """Name the end of a transfer's body that is missing: the source, where both are."""
        if isinstance(refusal, AccountNotFound) and self.action == "create_transfer":
            is_source = self.body["source_account_id"] in refusal.missing
            place = "source_account_id" if is_source else "destination_account_id"
            return (TransferSourceNotFound() if is_source else TransferDestinationNotFound()).placed([place])
        return super().called(refusal)
