"""What tests of the dialect do all the time: accounts as its bodies name them, rules, refusals."""

from typing import Any

from django.http import HttpResponse

from accounts.models import Account
from tests.platform.client import Platform, plain


def node(account: Account) -> dict[str, str]:
    return {"id": plain(account.id), "type": account.type.upper()}


def manual(account: Account) -> dict[str, str]:
    return {"type": "MANUAL", "accountId": plain(account.id)}


def action(kind: str, source: Account, destination: Account, **own: Any) -> dict[str, Any]:
    return {"type": kind, "source": node(source), "destination": node(destination), "groupIndex": 0, **own}


def step(*actions: dict[str, Any], conditions: Any = None) -> dict[str, Any]:
    return {"actions": list(actions), "conditions": conditions}


def pay(client: Platform, source: Account, destination: Account, cents: Any, **more: Any) -> HttpResponse:
    """Ask for a transfer; ``idempotency_key`` goes to the client, all else into the body."""
    key = more.pop("idempotency_key", None)
    ends = {"sourceAccountId": plain(source.id), "destinationAccountId": plain(destination.id)}
    return client.post("/transfers", {**ends, "amountInCents": cents, **more}, idempotency_key=key)


def refusal(response: HttpResponse) -> tuple[int, str]:
    assert set(response.json()) == {"requestId", "error"}
    assert set(response.json()["error"]) == {"code", "message"}
    return response.status_code, response.json()["error"]["code"]
