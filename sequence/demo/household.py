"""The demo's household: what it owns, what its rules do, and what has happened so far."""

from typing import Any

from accounts.models import Account, ExternalAccountType
from accounts.services import connect_external_account, create_income_source, create_pod
from apikeys.models import ApiKey, Organization
from apikeys.permissions import Permission
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from apikeys.services import create_api_key, create_organization
from rules.models import Rule
from rules.services import create_rule, enable_rule
from sequence.transactions import transactional
from sequence.worker import run_once
from transfers.models import Origin
from transfers.services import deposit

# What a person approves in the demo; smaller transfers of its key go ahead at once.
APPROVAL_ABOVE_CENTS = 500_000
PAYCHECK_CENTS = 325_000
BY = "command:seed_demo"


def make_household() -> tuple[Organization, ApiKey, str]:
    """Make the organization, its accounts, rules and a paycheck that was routed, and return it with a key's secret."""
    organization = create_organization(name="Demo household", legal_name="John Smith")
    accounts = make_accounts(organization)
    make_rules(accounts)
    key, token = create_api_key(
        organization=organization, name="Demo key", permissions=demo_permissions(), created_by=BY
    )
    deposit(account_id=accounts["income"].id, amount_cents=PAYCHECK_CENTS, origin=Origin.PAYCHECK, by=BY)
    run_once()
    return organization, key, token


def demo_permissions() -> list[Permission]:
    """Return entries for everything, with a cap above which a person decides."""
    return [_everything(scope) for scope in Scope]


def _everything(scope: Scope) -> Permission:
    if scope.resource_kind is ResourceKind.NONE:
        return Permission(scope=scope)
    if scope.resource_kind is ResourceKind.ACCOUNT_PAIR:
        return Permission(scope=scope, source=EVERYTHING, target=EVERYTHING, approval_above=APPROVAL_ABOVE_CENTS)
    return Permission(scope=scope, resources=(EVERYTHING,))


@transactional
def make_accounts(organization: Organization) -> dict[str, Account]:
    """Return the household's accounts by a short name."""
    own: dict[str, Any] = {"organization_id": organization.id, "beneficiary_name": organization.legal_name}
    outside: dict[str, Any] = {"organization_id": organization.id}
    return {
        "income": create_income_source(nickname="Main Payroll", icon="briefcase", **own),
        "rent": create_pod(nickname="Rent", icon="house", **own),
        "taxes": create_pod(nickname="Taxes", icon="landmark", **own),
        "savings": create_pod(
            nickname="Rainy days", icon="umbrella", savings_target_in_cents=1_000_000, description="Six months", **own
        ),
        "checking": connect_external_account(
            name="Everyday checking",
            external_account_type=ExternalAccountType.DEPOSITORY,
            institution_name="First Bank",
            balance_cents=120_000,
            **outside,
        ),
        "card": connect_external_account(
            name="Credit card",
            external_account_type=ExternalAccountType.LIABILITY,
            institution_name="Card Bank",
            balance_cents=184_250,
            last_statement_balance_cents=150_000,
            next_payment_minimum_cents=4_500,
            **outside,
        ),
    }


def make_rules(accounts: dict[str, Account]) -> None:
    """Make a rule that splits each paycheck, enabled, and one that pays the card, which waits for a person."""
    split = _rule(
        accounts["income"],
        "Split the paycheck",
        {"type": "ON_FUNDS_TRANSFERRED", "account_id": accounts["income"].id},
        [
            _action("percentage", accounts["income"], accounts["taxes"], "20", "INCOMING_AMOUNT"),
            _action("percentage", accounts["income"], accounts["rent"], "40", "INCOMING_AMOUNT"),
            _action("percentage", accounts["income"], accounts["savings"], "15", "INCOMING_AMOUNT"),
        ],
    )
    enable_rule(rule_id=split.id, by=BY)
    _rule(
        accounts["income"],
        "Pay the card's minimum",
        {
            "type": "SCHEDULED",
            "schedule_type": "MONTHLY",
            "start_date": "2026-01-15T09:00:00Z",
            "account_id": accounts["income"].id,
        },
        [_action("next_payment_minimum", accounts["income"], accounts["card"])],
    )


def _rule(account: Account, nickname: str, trigger: dict[str, Any], actions: list[dict[str, Any]]) -> Rule:
    steps = [{"conditions": None, "actions": actions}]
    return create_rule(organization_id=account.organization_id, trigger=trigger, steps=steps, nickname=nickname, by=BY)


def _action(
    kind: str, source: Account, destination: Account, percentage: str | None = None, target: str | None = None
) -> dict[str, Any]:
    """Return an action in the normal form that validated bodies have."""
    spec = {
        "type": kind,
        "source": {"id": source.id, "type": source.type},
        "destination": {"id": destination.id, "type": destination.type},
        "group_index": 0,
        "up_to_enabled": False,
        "limit": None,
        "ach_description": None,
        "is_direct_deposit": False,
    }
    return spec | ({"percentage_value": percentage, "percentage_target": target} if percentage else {})
