"""The refusals of accounts."""

from sequence.errors import Conflict, InvalidRequest, NotFound


class AccountNotFound(NotFound):
    message = "Account not found."


class AccountNotEmpty(Conflict):
    code = "account_not_empty"
    message = "{name} still has {what}. {advice}"


class AccountInUse(Conflict):
    code = "account_in_use"
    message = "{name} is used by {users}. Disable or change that first, then delete the account."


class OnlyOfLiabilities(InvalidRequest):
    message = "Interest rate, statement balance, minimum payment and due date are those of a LIABILITY, not of {type}."
