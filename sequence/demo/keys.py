"""Household's keys: one that may do everything, and an agent's, which is held short."""

from collections.abc import Callable

from apikeys.entries import Permission, parse_permissions
from apikeys.models import ApiKey
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from apikeys.services import create_api_key
from sequence.demo.household import Household

# What a person approves in the demo; smaller transfers of its key go ahead at once.
APPROVAL_ABOVE_CENTS = 500_000


def make_demo_key(household: Household) -> tuple[ApiKey, str]:
    """Return a key for everything, with a cap above which a person decides, and its secret."""
    return create_api_key(
        organization=household.organization,
        name="Demo key",
        permissions=[_everything(scope) for scope in Scope],
        created_by=household.actor,
    )


def _everything(scope: Scope) -> Permission:
    if scope.resource_kind is ResourceKind.NONE:
        return Permission(scope=scope)
    if scope.resource_kind is ResourceKind.ACCOUNT_PAIR:
        return Permission(scope=scope, source=EVERYTHING, target=EVERYTHING, approval_above=APPROVAL_ABOVE_CENTS)
    return Permission(scope=scope, resources=(EVERYTHING,))


def make_agent_key(household: Household) -> None:
    """Give the household's agent a key that sees everything, proposes rules, and moves little without a person."""
    _, household.agent_token = create_api_key(
        organization=household.organization,
        name="Budget agent",
        permissions=parse_permissions(_agent_permissions(household.id_of)),
        created_by=household.actor,
        rate_limit_per_minute=60,
    )


def _agent_permissions(id_of: Callable[[str], str]) -> list[str]:
    seen = ("READ_ACCOUNTS", "READ_RULES", "READ_RULE_EXECUTIONS", "READ_TRANSFERS", "READ_CARDS", "TRIGGER_RULES")
    pairs = [
        f"{id_of('groceries')}>{id_of('vacation')}@20000",
        f"{id_of('rainy')}>{id_of('groceries')}@10000;day=10000;month=40000",
        f"{id_of('rainy')}>{id_of('checking')}@150000;day=200000;month=300000;approval=30000",
        f"{id_of('vacation')}>{id_of('checking')}@200000;month=300000;approval=30000",
        f"{id_of('checking')}>{id_of('rainy')}@10000;day=20000",
    ]
    return [
        "LIST_ACCOUNTS",
        "LIST_RULES",
        "CREATE_AND_EDIT_RULES",
        *(f"{scope}:{EVERYTHING}" for scope in seen),
        f"MANUAL_TRANSFER:{','.join(pairs)}",
    ]
