"""An assistant's client that speaks to /api/mcp, and accounts that money moves between."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import Account
from sequence.core.api.ids import parse_id
from tests.client import Api
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Assistant:
    """Sends JSON-RPC with one key, in the modern way unless told otherwise."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.authorization = {} if token is None else {"Authorization": f"Bearer {token}"}

    def send(self, body: Any, **headers: str):
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.client.post(
            "/api/mcp", raw, content_type="application/json", headers={**self.authorization, **headers}
        )

    def ask(self, method: str, params: dict[str, Any] | None = None, *, is_modern: bool = True, **headers: str):
        given = dict(params or {})
        sent: dict[str, str] = {}
        if is_modern:
            given["_meta"] = META
            sent = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            if method == "tools/call":
                sent["Mcp-Name"] = str(given.get("name"))
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": given}
        return self.send(body, **{**sent, **headers})

    def tools(self) -> dict[str, dict[str, Any]]:
        return {tool["name"]: tool for tool in self.ask("tools/list").json()["result"]["tools"]}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the whole result of a tool."""
        response = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert response.status_code == 200, response.content
        result = response.json()["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result

    def read(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return what a tool answers, which must be no refusal."""
        result = self.call(tool, **arguments)
        assert not result["isError"], result
        return result["structuredContent"]

    def refusal(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.call(tool, **arguments)
        assert result["isError"], result
        return result["structuredContent"]


def plain(row_or_id: Any) -> str:
    """Return the id as assistants know it."""
    id = row_or_id if isinstance(row_or_id, str) else row_or_id.id
    found = parse_id(id.partition("_")[0], id)
    assert isinstance(found, UUID)
    return str(found)


def token_of(api: Api) -> str:
    return api.headers["Authorization"].removeprefix("ApiKey ")


@pytest.fixture
def assistant_with(client_with):
    def make(*permissions: str) -> Assistant:
        return Assistant(token_of(client_with(*permissions)))

    return make


@pytest.fixture
def assistant(api) -> Assistant:
    """One that may do everything."""
    return Assistant(token_of(api))


@pytest.fixture
def income(acme) -> Account:
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 100_00)
    account.refresh_from_db()
    return account


@pytest.fixture
def rent(acme) -> Account:
    return PodFactory(organization=acme, name="Rent")
