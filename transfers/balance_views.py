"""Endpoint by which one asks what an account held at an instant. It stands here, where the postings are known."""

from datetime import datetime

from rest_framework.request import Request

from accounts.errors import AccountNotFound
from accounts.models import Account, AccountType
from accounts.services import get_account
from apikeys.operations import operation
from apikeys.resolvers import Named
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.errors import InvalidRequest
from sequence.core.typing import JsonObject
from transfers.ledger import balance_at
from transfers.serializers import BalanceAt, BalanceQuery


class AccountBalanceViewSet(KeyedViewSet):
    """The past of an account's balance, from its postings."""

    @operation(
        scope=Scope.READ_ACCOUNTS,
        action="GET_ACCOUNT_BALANCE",
        summary="Tell what an account held at an instant",
        description=(
            "From the postings, up to and including the instant; what is being booked at this very moment may still be "
            "missing. An external account has no postings, so there is nothing to tell of it."
        ),
        query=BalanceQuery,
        resource=Named("account_id"),
        response=BalanceAt,
        refusals=(AccountNotFound,),
    )
    def retrieve(self, request: Request, account_id: str) -> JsonObject:
        account = get_account(organization_id=self.caller.organization_id, account_id=account_id)
        at = self.query["at"]
        _check_instant(account, at)
        return {"account_id": account.id, "at": show_time(at), "balance_in_cents": balance_at(account, at)}


def _check_instant(account: Account, at: datetime) -> None:
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        raise InvalidRequest.of(
            "account_id", "external_account", "An external account has no postings to tell it from."
        )
    if at < account.created_at:
        message = f"The account was opened at {show_time(account.created_at)}. Give that or a later time."
        raise InvalidRequest.of("at", "before_creation", message)
    if at > clock.now():
        raise InvalidRequest.of("at", "in_the_future", "This is in the future. Give now or an earlier time.")
