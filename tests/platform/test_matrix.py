"""Who may do what: whatever a key can do in the vendor's dialect, it can do under ``/api/v1``."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from apikeys.scopes import Scope
from sequence.platform.table import OPERATIONS, declared
from tests.cards.steps import buy, issue
from tests.client import Api
from tests.platform.client import Platform, plain
from tests.platform.conftest import in_dialect
from tests.platform.steps import action, manual, step
from tests.rules.definitions import rule as own_rule
from tests.rules.definitions import step as own_step
from tests.rules.steps import enable, move
from transfers.models import Transfer


@dataclass
class World:
    """Two of each thing, by the names of the variables."""

    accounts: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    card_transactions: list[str] = field(default_factory=list)


@pytest.fixture
def world(api, platform, income, rent, savings, acme) -> World:
    """Acme with two pods, a rule on each, a run of each, a payment into each and a purchase from each."""
    found = World(accounts=[rent.id, savings.id])
    for pod in (rent, savings):
        body = own_rule(own_step(move(income, pod, 500)), trigger={"type": "MANUAL", "account_id": pod.id})
        found.rules.append(api.post("/rules", body).json()["data"]["id"])
        ends = {"source_account_id": income.id, "destination_account_id": pod.id, "amount_in_cents": 1000}
        found.transfers.append(api.post("/transfers", ends).json()["data"]["id"])
    from rules.models import Rule
    from sequence.core.worker import run_once

    run_once()
    for pod, rule_id in zip((rent, savings), found.rules, strict=True):
        enable(Rule.objects.get(id=rule_id))
        answer = api.post(f"/rules/{rule_id}/trigger", {"simulation": True}).json()
        found.executions.append(answer["data"]["execution_id"])
        found.card_transactions.append(buy(issue(pod), 100).id)
    return found


def twins(world: World, which: int) -> dict[str, tuple[Any, Any]]:
    """Return, for each operation, the same request in both dialects: a call of the dialect's and one of our own.

    What our own API needs several requests for is several; each must be allowed. None is one that anybody may make.
    """
    account, rule = world.accounts[which], world.rules[which]
    execution, transfer = world.executions[which], world.transfers[which]
    income = Transfer.objects.get(id=transfer).source
    pod = Transfer.objects.get(id=transfer).destination
    card_id = _card_of(world.card_transactions[which])
    trigger = {"type": "MANUAL", "account_id": account}
    own_body = own_rule(own_step(move(income, pod, 500)), trigger=trigger)
    body = {"trigger": manual(pod), "steps": [step(action("FIXED", income, pod, amountInCents=500))]}
    ends = {"source_account_id": income.id, "destination_account_id": account, "amount_in_cents": 500}
    plain_ends = {"sourceAccountId": plain(income.id), "destinationAccountId": plain(account), "amountInCents": 500}
    return {
        "getAccount": (("GET", f"/accounts/{plain(account)}"), [("GET", f"/accounts/{account}")]),
        "createAccount": (
            ("POST", "/accounts", {"type": "POD", "name": "New"}),
            [("POST", "/accounts/pods", {"nickname": "New"})],
        ),
        "listAccountTransfers": (
            ("GET", f"/accounts/{plain(account)}/transfers"),
            [("GET", f"/transfers?account_id={account}")],
        ),
        "listTransfers": (
            ("GET", f"/transfers?accountIds={plain(account)}&accountIds={plain(income.id)}"),
            [("GET", f"/transfers?account_id={account}"), ("GET", f"/transfers?account_id={income.id}")],
        ),
        "getTransfer": (("GET", f"/transfers/{plain(transfer)}"), [("GET", f"/transfers/{transfer}")]),
        "createTransfer": (("POST", "/transfers", plain_ends), [("POST", "/transfers", ends)]),
        "getRule": (("GET", f"/rules/{plain(rule)}"), [("GET", f"/rules/{rule}")]),
        "createRule": (("POST", "/rules", body), [("POST", "/rules", own_body)]),
        "updateRule": (("PATCH", f"/rules/{plain(rule)}", {"name": "x"}), [("PUT", f"/rules/{rule}", own_body)]),
        "triggerRule": (
            ("POST", f"/rules/{plain(rule)}/trigger", {"simulation": True}),
            [("POST", f"/rules/{rule}/trigger", {"simulation": True})],
        ),
        "listRuleExecutions": (
            ("GET", f"/rules/{plain(rule)}/executions"),
            [("GET", f"/rule-executions?rule_id={rule}")],
        ),
        "getRuleExecution": (
            ("GET", f"/rules/{plain(rule)}/executions/{plain(execution)}"),
            [("GET", f"/rule-executions/{execution}")],
        ),
        "listTransactions": (
            ("GET", f"/card-transactions?accountId={plain(account)}"),
            [("GET", f"/cards?account_id={account}")],
        ),
        "getCardTransaction": (
            ("GET", f"/card-transactions/{plain(world.card_transactions[which])}"),
            [("GET", f"/cards/{card_id}/transactions")],
        ),
        "listExternalTransactions": (
            ("GET", f"/external-transactions?accountIds={plain(account)}"),
            [("GET", f"/transfers?account_id={account}")],
        ),
    }


def _card_of(card_transaction_id: str) -> str:
    from cards.models import CardTransaction

    return CardTransaction.objects.get(id=card_transaction_id).card_id


# Lists that are narrowed for a key that only reads some, and what nobody has yet: these have tests of their own.
APART = {"listAccounts", "listAuditLog", "listRules", "listBeneficiaries", "getExternalTransaction"}


def random_permissions(dice: random.Random, world: World) -> list[str]:
    """Return what some key may do."""
    of_accounts = ["*", *world.accounts]
    chosen = []
    for scope in Scope:
        if dice.random() < 0.45:
            continue
        if scope is Scope.MANUAL_TRANSFER:
            chosen.append(f"{scope}:{dice.choice(['*'])}>{dice.choice(of_accounts)}")
        elif scope.resource_kind.name == "NONE":
            chosen.append(scope.value)
        else:
            of = of_accounts if scope.resource_kind.name == "ACCOUNT" else ["*", *world.rules]
            chosen.append(f"{scope}:{dice.choice(of)}")
    return chosen or ["LIST_RULES"]


def allowed(client: Api | Platform, request: tuple[Any, ...]) -> bool:
    return client.request(*request).status_code < 400


def test_every_operation_has_a_twin_or_stands_apart(world):
    assert {*twins(world, 0), *APART} == {declared(*one).name for one in OPERATIONS}


def test_a_random_key_can_do_the_same_in_both_dialects(world, client_with, by_length):
    seed = random.randrange(10**9)  # noqa: S311 - chance of the run
    dice = random.Random(seed)  # noqa: S311 - chance, not a secret
    seen = set()
    for _ in range(by_length(6, 40, 300)):
        permissions = random_permissions(dice, world)
        api = client_with(*permissions)
        platform = in_dialect(api)
        for name, (theirs, own) in twins(world, dice.randrange(2)).items():
            may_here, may_there = allowed(platform, theirs), all(allowed(api, request) for request in own)
            # The second account of the same name is refused here for its name, not for the key.
            is_taken = name == "createAccount" and not may_here
            assert may_here == may_there or is_taken, (seed, name, permissions)
            seen.add((name, may_here))
    assert len({name for name, _ in seen}) == len(twins(world, 0))


@pytest.mark.parametrize(("path", "listing", "reading"), [("accounts", "LIST_ACCOUNTS", "READ_ACCOUNTS")])
def test_a_list_tells_nothing_that_the_key_cannot_read(world, client_with, path, listing, reading):
    for permissions in ([listing], [f"{reading}:{world.accounts[0]}"], [f"{reading}:*"], [listing, f"{reading}:*"]):
        api = client_with(*permissions)
        response = in_dialect(api).get(f"/{path}?pageSize=100")
        if response.status_code == 403:
            assert api.get(f"/{path}").status_code == 403
            continue
        listed = {item["id"] for item in response.json()["data"]["items"]}
        if api.get(f"/{path}").status_code == 200:
            assert listed == {plain(item["id"]) for item in api.get(f"/{path}").json()["data"]}
        else:
            assert listed == {plain(id) for id in world.accounts if api.get(f"/{path}/{id}").status_code == 200}
