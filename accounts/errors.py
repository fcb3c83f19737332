"""Refusals of accounts."""

from sequence.core.errors import Conflict, Detail, InvalidRequest, NotFound, Private


def unfit(field: str, code: str, message: str, *, account_id: str) -> Detail:
    """Return the fault of a field whose account cannot be there; a caller who may not know the account hears no more.

    The code is private with the message, since ``not_a_liability`` tells what an account is.
    """
    return {
        "field": field,
        "code": Private(code, about=account_id, otherwise="wrong_account"),
        "message": Private(message, about=account_id, otherwise="This account cannot be used here."),
    }


class AccountNotFound(NotFound):
    message = "Account not found."


class AccountNotEmpty(Conflict):
    code = "account_not_empty"
    message = "{name} still has {what}. {advice}"
    remedy = "Move the money away, wait for what is under way, then delete it."
    sample_names = {
        "name": "Rent",
        "what": "a balance of 5000 cents",
        "advice": "Move the money to another account, then delete this one.",
    }


class AccountInUse(Conflict):
    code = "account_in_use"
    message = "{name} is used by {users}. Disable or change that first, then delete the account."
    remedy = "Disable or change the rules that use it, cancel its cards, then delete it."
    sample_names = {"name": "Rent", "users": "the rule Pay the rent"}


class LiabilityFieldNotAllowed(InvalidRequest):
    message = "Interest rate, statement balance, minimum payment and due date are those of a LIABILITY, not of {type}."


class NotAnExternalAccount(Conflict):
    code = "not_at_an_institution"
    message = "{name} is no account at another institution: its balance is what the ledger says."
    remedy = "Name an account at another institution."
