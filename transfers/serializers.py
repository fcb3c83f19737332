"""Transfers on the wire. Fields stand in the order of the contract."""

from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from rest_framework import serializers

from accounts.models import Account, AccountType
from sequence.core.api.fields import (
    Cents,
    Constant,
    Id,
    IdText,
    PageQuery,
    StoredCents,
    StrictSerializer,
    Time,
    Word,
    show_time,
)
from sequence.core.api.reading_time import reading_time
from sequence.core.money import MIN_TRANSFER_CENTS
from sequence.core.typing import JsonObject
from transfers.fields import StatementText
from transfers.models import (
    OUT_OF_REACH,
    CancelReason,
    Direction,
    ErrorCode,
    Origin,
    SimulatedTransfer,
    Status,
    Transfer,
    is_in_reach,
)


class DueTime(Time):
    """A time from now on at which a transfer may be due. Of a request that is only repeated it was in reach then."""

    default_error_messages = {"out_of_reach": OUT_OF_REACH}

    def to_internal_value(self, data: object) -> datetime:
        due_at = super().to_internal_value(data)
        now = reading_time()
        if now is not None and not is_in_reach(due_at, now):
            self.fail("out_of_reach")
        return due_at


class CreateTransfer(StrictSerializer):
    """Body of ``POST /transfers``."""

    is_stateless = True

    source_account_id = IdText(help_text="The account that pays.")
    destination_account_id = IdText(help_text="The account that is paid.")
    amount_in_cents = Cents(min_value=MIN_TRANSFER_CENTS, help_text="How much, in cents; 100 or more.")
    description = StatementText(required=False, help_text="At most 10 letters, digits and spaces, for the statement.")
    not_before = DueTime(
        required=False,
        help_text="Let no money move before this time: after now, and at most 90 days ahead. Left out: at once.",
    )

    def validate(self, attrs: JsonObject) -> JsonObject:
        if attrs["source_account_id"] == attrs["destination_account_id"]:
            fault = serializers.ErrorDetail("This is the source. Name another account.", code="same_account")
            raise serializers.ValidationError({"destination_account_id": [fault]})
        return attrs


class ModeFilter(TextChoices):
    """Which of them a list shows."""

    LIVE = "live"
    SIMULATION = "simulation"
    ALL = "all"


class TransferListQuery(PageQuery):
    """Query of ``GET /transfers``."""

    is_stateless = True

    account_id = IdText(help_text="The account whose transfers are listed.")
    account_role = serializers.ChoiceField(
        choices=["source", "destination", "either"], default="either", help_text="On which side the account stands."
    )
    direction = Word(Direction, name="TransferDirection", required=False)
    origin = Word(Origin, name="TransferOrigin", required=False)
    status = Word(Status, name="TransferStatus", required=False)
    rule_execution_id = IdText(required=False, help_text="Only transfers of this rule execution.")
    mode = Word(ModeFilter, default=ModeFilter.LIVE.value, help_text="Whether simulated ones are listed.")
    # "from" is no name that Python lets an attribute have.
    vars()["from"] = Time(required=False, help_text="Created at this time or later.")
    to = Time(required=False, help_text="Created at this time or earlier.")


class AccountReference(serializers.Serializer):
    """An account as a transfer names it; a deleted one keeps its last name."""

    id = Id("acc")
    name = serializers.CharField()
    type = Word(AccountType)

    def to_representation(self, instance: Account) -> JsonObject:
        return show_reference(instance)


def show_reference(account: Account) -> JsonObject:
    """Return an account as other objects name it."""
    return {"id": account.id, "name": account.name, "type": account.type}


# What tells a simulated transfer from one that moves money.
_SIMULATED = {"mode": "simulation"}


class TransferDetail(serializers.Serializer):
    """A transfer."""

    id = Id("txr")
    amount_in_cents = StoredCents()
    direction = Word(Direction, name="TransferDirection")
    origin = Word(Origin, name="TransferOrigin")
    status = Word(Status, name="TransferStatus")
    description = serializers.CharField(allow_null=True)
    source = AccountReference(allow_null=True)  # type: ignore[assignment]
    destination = AccountReference(allow_null=True)
    rule_id = Id("rule", allow_null=True)
    rule_execution_id = Id("rex", allow_null=True)
    error_code = Word(ErrorCode, name="TransferErrorCode", allow_null=True)
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = Word(CancelReason, allow_null=True)
    not_before = serializers.DateTimeField(allow_null=True)
    mode = Constant("simulation", required=False, help_text="Of a simulated transfer alone.")

    def to_representation(self, instance: Transfer | SimulatedTransfer) -> JsonObject:
        return {
            "id": instance.id,
            "amount_in_cents": instance.amount_cents,
            "direction": instance.direction,
            "origin": instance.origin,
            "status": instance.status,
            "description": instance.description,
            "source": instance.source and show_reference(instance.source),
            "destination": instance.destination and show_reference(instance.destination),
            "rule_id": instance.rule_id,
            "rule_execution_id": instance.rule_execution_id,
            "error_code": instance.error_code,
            "created_at": show_time(instance.created_at),
            "completed_at": show_time(instance.completed_at) if instance.completed_at else None,
            "cancel_reason": instance.cancel_reason,
            "not_before": show_time(instance.not_before) if instance.not_before else None,
            **(_SIMULATED if isinstance(instance, SimulatedTransfer) else {}),
        }


# One shows all: it holds nothing of what it shows.
show_transfer = TransferDetail().to_representation

# What a list reads of a transfer and its accounts, and nothing else of them.
ROW = (
    "id",
    "amount_cents",
    "direction",
    "origin",
    "status",
    "description",
    "source_id",
    "source__name",
    "source__type",
    "destination_id",
    "destination__name",
    "destination__type",
    "rule_id",
    "rule_execution_id",
    "error_code",
    "created_at",
    "completed_at",
    "cancel_reason",
    "not_before",
)


def show_row(row: Any) -> JsonObject:
    """Return ``TransferDetail`` of a named tuple of the columns ``ROW``: a page of 100 needs no 300 model instances."""
    return {
        "id": row.id,
        "amount_in_cents": row.amount_cents,
        "direction": row.direction,
        "origin": row.origin,
        "status": row.status,
        "description": row.description,
        "source": row.source_id and {"id": row.source_id, "name": row.source__name, "type": row.source__type},
        "destination": row.destination_id
        and {"id": row.destination_id, "name": row.destination__name, "type": row.destination__type},
        "rule_id": row.rule_id,
        "rule_execution_id": row.rule_execution_id,
        "error_code": row.error_code,
        "created_at": show_time(row.created_at),
        "completed_at": show_time(row.completed_at) if row.completed_at else None,
        "cancel_reason": row.cancel_reason,
        "not_before": show_time(row.not_before) if row.not_before else None,
    }


class BalanceQuery(StrictSerializer):
    """Query of ``GET /accounts/{id}/balance``."""

    at = Time(help_text="The instant, with its offset; not before the account was opened, and not in the future.")


class BalanceAt(serializers.Serializer):
    """What an account held at the end of an instant."""

    account_id = Id("acc")
    at = serializers.DateTimeField()
    balance_in_cents = StoredCents()
