"""References: the accounts that a rule's definition names, found and checked against what each can be."""

from collections.abc import Iterator

from accounts.errors import unfit
from accounts.models import Account
from rules.engine.actions import Action
from rules.engine.definition import Comparison, Definition
from rules.engine.parameters import Reference, Role
from sequence.core.errors import Detail, InvalidRequest
from transfers.routes import route_between

_Accounts = dict[str, Account]


def resolve_references(definition: Definition, organization_id: str) -> tuple[Definition, list[str]]:
    """Return the definition with the types of its accounts, and the accounts' ids.

    Raises InvalidRequest with every fault: an account that is unknown, deleted or somebody else's, a type that is not
    the account's, and a place that the account cannot take.
    """
    ids = definition.account_ids()
    accounts = {
        account.id: account
        for account in Account.objects.for_organization(organization_id).not_deleted().filter(id__in=ids)
    }
    faults = [*_unknown(definition, accounts), *_wrong_types(definition, accounts)]
    if not faults:
        faults = [*_impossible_conditions(definition, accounts), *_impossible_actions(definition, accounts)]
    if faults:
        raise InvalidRequest.with_details(faults)
    return definition.with_types({account.id: account.type for account in accounts.values()}), sorted(ids)


def _unknown(definition: Definition, accounts: _Accounts) -> Iterator[Detail]:
    for path, reference in definition.references():
        if reference.account.id not in accounts:
            yield _fault(f"{path}.{reference.id_place}", "unknown_account", "There is no such account.")


def _wrong_types(definition: Definition, accounts: _Accounts) -> Iterator[Detail]:
    for path, reference in definition.references():
        account = accounts.get(reference.account.id)
        if account is not None and reference.account.type not in (None, account.type):
            message = f"{account.name} is of type {account.type}."
            yield unfit(f"{path}.{reference.place}.type", "wrong_type", message, account_id=account.id)


def _impossible_conditions(definition: Definition, accounts: _Accounts) -> Iterator[Detail]:
    for path, part in definition.walk():
        if isinstance(part, Comparison):
            account_id = part.account_id or definition.trigger.account_id
            if account_id is None:
                if part.needs_account:
                    yield _fault(f"{path}.params", "required", "The trigger names no account: give params.account_id.")
            elif part.needs_liability and not accounts[account_id].is_liability:
                yield _not_a_liability(f"{path}.value_fact", accounts[account_id])


def _impossible_actions(definition: Definition, accounts: _Accounts) -> Iterator[Detail]:
    for path, part in definition.walk():
        if isinstance(part, Action):
            for reference in part.references():
                yield from _impossible_reference(path, part, reference, accounts)


def _impossible_reference(path: str, action: Action, reference: Reference, accounts: _Accounts) -> Iterator[Detail]:
    account, place = accounts[reference.account.id], f"{path}.{reference.place}"
    is_wrong = reference.must_owe is not None and account.is_liability != reference.must_owe
    if reference.role is Role.DESTINATION:
        if is_wrong:
            wanted = "must be a liability" if reference.must_owe else "must not be a liability"
            message = f"{account.name} {wanted} for {action.type}."
            yield unfit(place, "wrong_account", message, account_id=account.id)
        yield from _impossible_pair(path, place, accounts[action.source.id], account)
    elif is_wrong:
        yield _not_a_liability(place, account)


def _impossible_pair(path: str, place: str, source: Account, destination: Account) -> Iterator[Detail]:
    if source.id == destination.id:
        yield _fault(place, "same_account", "This is the source. Name another account.")
        return
    try:
        route_between(source, destination)
    except InvalidRequest as refusal:
        [detail] = refusal.details
        where = f"{path}.source" if detail["field"] == "source_account_id" else place
        yield {**detail, "field": where}


def _not_a_liability(field: str, account: Account) -> Detail:
    return unfit(field, "not_a_liability", f"{account.name} is no liability.", account_id=account.id)


def _fault(field: str, code: str, message: str) -> Detail:
    return {"field": field, "code": code, "message": message}
