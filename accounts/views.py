"""Account endpoints."""

from django.http import HttpResponse
from rest_framework.request import Request

from accounts import services
from accounts.errors import AccountInUse, AccountNotEmpty, AccountNotFound
from accounts.models import Account
from accounts.serializers import (
    AccountDetail,
    AccountListQuery,
    AccountSummary,
    CreateIncomeSource,
    CreatePod,
    EditAccount,
    show_account,
)
from apikeys.operations import operation
from apikeys.resolvers import Named
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core.api.envelope import no_content
from sequence.core.api.pagination import Page, paginate
from sequence.core.typing import JsonObject

# The body's names for the model's fields.
_FIELD_NAMES = {"nickname": "name"}


class AccountViewSet(KeyedViewSet):
    """Accounts are created, read, renamed and deleted here; what is in them changes only by transfers."""

    @operation(
        scope=Scope.LIST_ACCOUNTS,
        action="LIST_ACCOUNTS",
        summary="List all accounts of the organization",
        query=AccountListQuery,
        response=AccountSummary,
        is_list=True,
    )
    def list(self, request: Request) -> Page:
        accounts = Account.objects.for_organization(self.caller.organization_id).not_deleted()
        if "type" in self.query:
            accounts = accounts.filter(type=self.query["type"])
        return paginate(
            accounts,
            show=AccountSummary().to_representation,
            list_name="accounts",
            newest_first=False,
            first=self.query.get("first"),
            after=self.query.get("after"),
        )

    @operation(
        scope=Scope.READ_ACCOUNTS,
        action="GET_ACCOUNT",
        summary="Read an account with its balance",
        resource=Named("account_id"),
        response=AccountDetail,
        refusals=(AccountNotFound,),
    )
    def retrieve(self, request: Request, account_id: str) -> JsonObject:
        account = services.get_account(organization_id=self.caller.organization_id, account_id=account_id)
        return show_account(account)

    @operation(
        scope=Scope.CREATE_ACCOUNTS,
        action="CREATE_ACCOUNT",
        summary="Create an income source for receiving payroll or other inflows",
        description="The account gets a routing and an account number of its own, and a balance of zero. Its "
        "beneficiary is the legal name of the organization.",
        body=CreateIncomeSource,
        response=AccountDetail,
        status=201,
    )
    def create_income_source(self, request: Request) -> JsonObject:
        account = services.create_income_source(
            organization_id=self.caller.organization_id, beneficiary_name=self.caller.legal_name, **self.body
        )
        return show_account(account)

    @operation(
        scope=Scope.CREATE_ACCOUNTS,
        action="CREATE_ACCOUNT",
        summary="Create a pod, a sub-account with a purpose",
        body=CreatePod,
        response=AccountDetail,
        status=201,
    )
    def create_pod(self, request: Request) -> JsonObject:
        body = {**self.body, "description": self.body.get("description") or None}
        account = services.create_pod(
            organization_id=self.caller.organization_id, beneficiary_name=self.caller.legal_name, **body
        )
        return show_account(account)

    @operation(
        scope=Scope.EDIT_ACCOUNTS,
        action="UPDATE_ACCOUNT",
        summary="Rename an account, or change its icon or description",
        description="Give at least one field; the others stay as they are. External accounts can be renamed too.",
        body=EditAccount,
        resource=Named("account_id"),
        response=AccountDetail,
        refusals=(AccountNotFound,),
    )
    def edit(self, request: Request, account_id: str) -> JsonObject:
        changes = {_FIELD_NAMES.get(name, name): value or None for name, value in self.body.items()}
        account = services.edit_account(organization_id=self.caller.organization_id, account_id=account_id, **changes)
        return show_account(account)

    @operation(
        scope=Scope.EDIT_ACCOUNTS,
        action="DELETE_ACCOUNT",
        summary="Delete an empty account for good",
        description="Its transfers keep showing its last name. An external account may have a balance, which stays "
        "where it is.",
        resource=Named("account_id"),
        status=204,
        refusals=(AccountNotFound, AccountNotEmpty, AccountInUse),
    )
    def destroy(self, request: Request, account_id: str) -> HttpResponse:
        services.delete_account(organization_id=self.caller.organization_id, account_id=account_id)
        return no_content()
