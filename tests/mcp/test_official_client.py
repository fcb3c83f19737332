"""The protocol's own client, in each of its modes, against a server of ours."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.mcp.conftest import plain

pytestmark = pytest.mark.django_db(transaction=True)
MODES = ["auto", "legacy", "2026-07-28"]


@pytest.fixture
def connect(live_server, assistant):
    @asynccontextmanager
    async def open_client(mode):
        async with httpx2.AsyncClient(headers=assistant.authorization) as http:
            transport = streamable_http_client(f"{live_server.url}/api/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    return open_client


@pytest.mark.parametrize("mode", MODES)
class TestTheClient:
    def test_lists_the_tools_and_calls_each_that_needs_no_arguments(self, connect, mode):
        async def work():
            async with connect(mode) as client:
                tools = (await client.list_tools()).tools
                called = {}
                for tool in tools:
                    if not tool.input_schema.get("required") and tool.name not in ("pauseMe",):
                        called[tool.name] = await client.call_tool(tool.name, {})
                return tools, called

        tools, called = asyncio.run(work())
        assert len(tools) >= 25
        assert {name for name, result in called.items() if result.is_error} == set()
        assert called["getKey"].structured_content["status"] == "active"

    def test_pays_once_and_hears_why_not(self, connect, mode, income, rent):
        arguments = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 1_00}

        async def work():
            async with connect(mode) as client:
                first = await client.call_tool("createTransfer", arguments)
                again = await client.call_tool("createTransfer", arguments)
                refused = await client.call_tool("createTransfer", {**arguments, "amountInCents": 1})
                return first, again, refused

        first, again, refused = asyncio.run(work())
        assert first.structured_content == again.structured_content
        assert refused.is_error
        assert refused.structured_content["code"] == "INVALID_PARAMETERS"
