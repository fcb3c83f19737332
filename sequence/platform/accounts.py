"""Accounts in this dialect."""

import unicodedata
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts import services
from accounts.errors import AccountNotFound
from accounts.models import Account, AccountType, ExternalAccountType
from accounts.serializers import MaskedNumber
from apikeys.resolvers import Named
from apikeys.scopes import Scope
from sequence.core.api.fields import Cents, Shown, StoredCents, Text, show_time
from sequence.core.api.schemas import NULL
from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject
from sequence.platform.enums import UpperWord, upper, upper_or_none
from sequence.platform.ids import PlainId, PlainIdText, plain_id
from sequence.platform.names import OpenBody, Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import ListQuery, Pagination, oldest_first
from sequence.platform.viewsets import PlatformViewSet

_CREATABLE = (AccountType.POD.value, AccountType.INCOME_SOURCE.value)


class AccountListQuery(ListQuery):
    """Query of ``GET /accounts``."""

    type = UpperWord(AccountType, name="AccountType", required=False, help_text="Only accounts of this type.")
    state = serializers.ChoiceField(
        choices=["ACTIVE", "ALL"], default="ACTIVE", help_text="`ALL` includes deleted accounts."
    )


class AccountName(Text):
    """Letters of any script, digits, spaces and hyphens."""

    default_error_messages = {"account_name": "Use letters, digits, spaces and hyphens."}

    def to_internal_value(self, data: object) -> str:
        text = super().to_internal_value(data)
        # Letters are often written with marks of their own. Fractions and superscripts (No) are no digits.
        kinds = {unicodedata.category(sign) for sign in text if sign not in " -"}
        if any(kind[0] not in "LMN" or kind == "No" for kind in kinds):
            self.fail("account_name")
        return text


class CreateAccount(OpenBody):
    """Body of ``POST /accounts``."""

    type = UpperWord(_CREATABLE, name="CreatableAccountType")
    name = AccountName(max_length=100, help_text="Unique among the accounts of its type.")
    icon = Text(max_length=50, required=False, help_text="An emoji, shown to people.")
    beneficiary_id = PlainIdText("org", required=False, help_text="The owner; the organization where it is left out.")
    savings_target_in_cents = Cents(required=False, help_text="What a pod is to reach.")

    def validate(self, attrs: JsonObject) -> JsonObject:
        if attrs["type"] != AccountType.POD and attrs.get("savings_target_in_cents") is not None:
            fault = "savingsTargetInCents is only valid for pods"
            raise serializers.ValidationError({"savingsTargetInCents": [fault]})
        return attrs


class AccountSummary(Spelled):
    """An account in a list."""

    id = PlainId()
    name = serializers.CharField()
    type = UpperWord(AccountType, name="AccountType")
    description = serializers.CharField(allow_null=True)
    external_account_type = UpperWord(ExternalAccountType, name="ExternalAccountType", allow_null=True)
    beneficiary_name = serializers.CharField(allow_null=True)
    institution_name = serializers.CharField(allow_null=True)
    can_be_source = serializers.BooleanField()
    can_be_destination = serializers.BooleanField()
    linked_account = Shown(NULL, help_text="Always null.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)


class Balance(Spelled):
    """What an account holds or owes, in cents."""

    balance_in_cents = StoredCents(allow_null=True)
    available_balance_in_cents = StoredCents(allow_null=True)
    last_statement_balance_in_cents = StoredCents(allow_null=True)
    last_statement_date = serializers.DateField(allow_null=True)
    next_payment_minimum_in_cents = StoredCents(allow_null=True)
    next_payment_due_date = serializers.DateField(allow_null=True)
    balance_last_updated_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    interest_rate_percentage = serializers.FloatField(allow_null=True)
    original_loan_amount_in_cents = StoredCents(allow_null=True)


class AccountDetail(AccountSummary):
    """A full account. Bank numbers show their last four digits."""

    routing_number = MaskedNumber(allow_null=True)
    bank_account_number = MaskedNumber(allow_null=True)
    balance = Balance(allow_null=True)
    savings_target_in_cents = StoredCents(allow_null=True)


class AccountPage(Spelled):
    """Some accounts."""

    items = AccountSummary(many=True)
    pagination = Pagination()


def show_summary(account: Account) -> JsonObject:
    """Return an account as the dialect lists it."""
    return {
        "id": plain_id(account.id),
        "name": account.name,
        "type": upper(account.type),
        "description": account.description,
        "externalAccountType": upper_or_none(account.external_account_type),
        "beneficiaryName": account.beneficiary_name,
        "institutionName": account.institution_name,
        "canBeSource": account.can_be_source,
        "canBeDestination": account.can_be_destination,
        "linkedAccount": None,
        "createdAt": show_time(account.created_at),
        "updatedAt": show_time(account.updated_at),
        "deletedAt": show_time(account.deleted_at) if account.deleted_at else None,
    }


def show_account(account: Account) -> JsonObject:
    """Return an account as the dialect shows one: the summary, masked numbers, its balance in cents."""
    return {
        **show_summary(account),
        "routingNumber": account.masked_routing_number,
        "bankAccountNumber": account.masked_bank_account_number,
        "balance": None if account.balance_cents is None else _show_balance(account),
        "savingsTargetInCents": account.savings_target_cents,
    }


def _show_balance(account: Account) -> JsonObject:
    due_on, rate = account.next_payment_due_on, account.interest_rate_percent
    return {
        "balanceInCents": account.balance_cents,
        "availableBalanceInCents": account.available_cents,
        "lastStatementBalanceInCents": account.last_statement_balance_cents,
        "lastStatementDate": None,
        "nextPaymentMinimumInCents": account.next_payment_minimum_cents,
        "nextPaymentDueDate": due_on.isoformat() if due_on else None,
        "balanceLastUpdatedAt": show_time(account.balance_updated_at),
        "error": None,
        # Exact until here: JSON has nothing better.
        "interestRatePercentage": None if rate is None else float(rate),
        "originalLoanAmountInCents": None,
    }


class AccountViewSet(PlatformViewSet):
    """Accounts are listed, read and created."""

    @platform_operation(
        name="listAccounts",
        method="GET",
        path="/accounts",
        scope=Scope.LIST_ACCOUNTS,
        named_by=Scope.READ_ACCOUNTS,
        summary="List the accounts that the key may list",
        description="A key without `LIST_ACCOUNTS` is told of those accounts alone that `READ_ACCOUNTS` names.",
        query=AccountListQuery,
        response=AccountPage,
    )
    def list_accounts(self, request: Request) -> JsonObject:
        accounts = Account.objects.for_organization(self.caller.organization_id)
        if self.query["state"] != "ALL":
            accounts = accounts.not_deleted()
        if "type" in self.query:
            accounts = accounts.filter(type=self.query["type"])
        if self.narrowed_to is not None:
            accounts = accounts.filter(id__in=self.narrowed_to)
        return oldest_first(accounts, self.query).as_json(show_summary, self.query)

    @platform_operation(
        name="getAccount",
        method="GET",
        path="/accounts/{id}",
        variables={"id": "account_id"},
        scope=Scope.READ_ACCOUNTS,
        summary="Read an account with its balance",
        resource=Named("account_id"),
        response=AccountDetail,
        refusals=(AccountNotFound,),
    )
    def get_account(self, request: Request, account_id: str) -> JsonObject:
        account = services.get_account(organization_id=self.caller.organization_id, account_id=account_id)
        return show_account(account)

    @platform_operation(
        name="createAccount",
        method="POST",
        path="/accounts",
        scope=Scope.CREATE_ACCOUNTS,
        summary="Create a pod or an income source",
        body=CreateAccount,
        response=AccountDetail,
        status=201,
        makes="acc",
    )
    def create_account(self, request: Request) -> JsonObject:
        body: dict[str, Any] = dict(self.body)
        self._check_beneficiary(body.pop("beneficiary_id", None))
        kind, name = body.pop("type"), body.pop("name")
        services.keep_name_free(organization_id=self.caller.organization_id, type=kind, name=name)
        create = services.create_pod if kind == AccountType.POD else services.create_income_source
        account = create(
            organization_id=self.caller.organization_id,
            beneficiary_name=self.caller.legal_name,
            nickname=name,
            **body,
        )
        return show_account(account)

    def _check_beneficiary(self, beneficiary_id: str | None) -> None:
        if beneficiary_id not in (None, self.caller.organization_id):
            raise InvalidRequest.of("beneficiaryId", "unknown_beneficiary", "There is no such beneficiary.")
