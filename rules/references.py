"""The accounts that a rule's definition names: found, and checked against what each can be, fault by fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.errors import unfit
from accounts.models import Account
from rules.actions import ACTIONS, Action, TopUp
from rules.engine.conditions import ValueFact
from sequence.core.errors import Detail, InvalidRequest
from transfers.pairs import route_between

_FACTS_OF_LIABILITIES = (ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT, ValueFact.LAST_STATEMENT_BALANCE)
_LIABILITY_TARGETS = ("next_payment_minimum_account", "last_statement_balance_account")


@dataclass(frozen=True)
class Reference:
    """An account id in a definition, where it stands, and the object that holds it."""

    path: str
    account_id: str
    holder: dict[str, Any]


def references_in(definition: dict[str, Any]) -> Iterator[Reference]:
    """Yield every account that the definition names."""
    trigger = definition["trigger"]
    if trigger.get("account_id"):
        yield Reference("trigger.account_id", trigger["account_id"], trigger)
    for step_path, step in _steps(definition):
        if step["conditions"]:
            yield from _in_conditions(step["conditions"], f"{step_path}.conditions")
        for path, spec in _actions(step_path, step):
            yield from _in_action(path, spec)


def _in_conditions(tree: dict[str, Any], path: str) -> Iterator[Reference]:
    for leaf_path, leaf in _leaves(tree, path):
        account_id = (leaf["params"] or {}).get("account_id")
        if account_id:
            yield Reference(f"{leaf_path}.params.account_id", account_id, leaf["params"])


def _in_action(path: str, spec: dict[str, Any]) -> Iterator[Reference]:
    for name, value in spec.items():
        if isinstance(value, dict) and "id" in value:
            yield Reference(f"{path}.{name}.id", value["id"], value)
        if name == "accounts":
            for index, account in enumerate(value):
                yield Reference(f"{path}.accounts[{index}].id", account["id"], account)


def resolve_references(definition: dict[str, Any], organization_id: str) -> list[str]:
    """Fill in the types of the accounts that the definition names, and return the accounts' ids.

    Raises InvalidRequest with every fault: an account that is unknown, deleted or somebody else's, a type that is not
    the account's, and a place that the account cannot take.
    """
    references = list(references_in(definition))
    ids = {reference.account_id for reference in references}
    accounts = {account.id: account for account in Account.objects.of(organization_id).open().filter(id__in=ids)}
    faults = [*_unknown(references, accounts), *_wrong_types(references, accounts)]
    if not faults:
        faults = [*_impossible_conditions(definition, accounts), *_impossible_actions(definition, accounts)]
    if faults:
        raise InvalidRequest.with_details(faults)
    return sorted(ids)


def _unknown(references: list[Reference], accounts: dict[str, Account]) -> Iterator[Detail]:
    for reference in references:
        if reference.account_id not in accounts:
            yield _fault(reference.path, "unknown_account", "There is no such account.")


def _wrong_types(references: list[Reference], accounts: dict[str, Account]) -> Iterator[Detail]:
    for reference in references:
        account = accounts.get(reference.account_id)
        if account is None or "id" not in reference.holder:
            continue
        given = reference.holder["type"]
        if given not in (None, account.type):
            path = reference.path.removesuffix(".id") + ".type"
            yield unfit(path, "wrong_type", f"{account.name} is a {account.type}.", account_id=account.id)
        reference.holder["type"] = account.type


def _impossible_conditions(definition: dict[str, Any], accounts: dict[str, Account]) -> Iterator[Detail]:
    default_id = definition["trigger"].get("account_id")
    for step_path, step in _steps(definition):
        for path, leaf in _leaves(step["conditions"], f"{step_path}.conditions") if step["conditions"] else ():
            account_id = (leaf["params"] or {}).get("account_id") or default_id
            if account_id is None and _needs_account(leaf):
                yield _fault(f"{path}.params", "required", "The trigger names no account: give params.account_id.")
            elif leaf["value_fact"] in _FACTS_OF_LIABILITIES and not accounts[account_id].is_liability:
                yield _not_a_liability(f"{path}.value_fact", accounts[account_id])


def _needs_account(leaf: dict[str, Any]) -> bool:
    facts = (leaf["fact"], leaf["value_fact"])
    return "BALANCE" in facts or leaf["value_fact"] in _FACTS_OF_LIABILITIES


def _impossible_actions(definition: dict[str, Any], accounts: dict[str, Account]) -> Iterator[Detail]:
    for step_path, step in _steps(definition):
        for path, spec in _actions(step_path, step):
            yield from _impossible_action(path, ACTIONS[spec["type"]](spec), accounts)


def _impossible_action(path: str, action: Action, accounts: dict[str, Account]) -> Iterator[Detail]:
    source = accounts[action.source_id]
    for place, account_id in action.destinations():
        destination = accounts[account_id]
        must_owe = action.destination_is_liability
        if must_owe is not None and destination.is_liability != must_owe:
            wanted = "must be a liability" if must_owe else "must not be a liability"
            message = f"{destination.name} {wanted} for {action.type}."
            yield unfit(f"{path}.{place}", "wrong_account", message, account_id=destination.id)
        yield from _impossible_pair(path, f"{path}.{place}", source, destination)
    if isinstance(action, TopUp):
        yield from _impossible_targets(path, action, accounts)


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


def _impossible_targets(path: str, action: Action, accounts: dict[str, Account]) -> Iterator[Detail]:
    for name in _LIABILITY_TARGETS:
        target = action.spec[name]
        if target and not accounts[target["id"]].is_liability:
            yield _not_a_liability(f"{path}.{name}", accounts[target["id"]])


def _steps(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, step in enumerate(definition["steps"]):
        yield f"steps[{index}]", step


def _actions(step_path: str, step: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, spec in enumerate(step["actions"]):
        yield f"{step_path}.actions[{index}]", spec


def _leaves(tree: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    [(kind, value)] = tree.items()
    if kind == "condition":
        yield f"{path}.condition", value
    else:
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}.{kind}[{index}]")


def _not_a_liability(field: str, account: Account) -> Detail:
    return unfit(field, "not_a_liability", f"{account.name} is no liability.", account_id=account.id)


def _fault(field: str, code: str, message: str) -> Detail:
    return {"field": field, "code": code, "message": message}
