"""The door of /api/mcp in its order, and the messages of both kinds of revisions."""

import json
from io import BytesIO

import pytest
from django.test import Client

from tests.mcp.conftest import META, MODERN, Assistant

pytestmark = pytest.mark.django_db

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def error_of(response):
    return response.status_code, response.json()["error"]["code"]


class TestTheDoor:
    @pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
    def test_takes_posts_alone(self, method):
        response = Client().generic(method, "/api/mcp")
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://testserver.evil.example", "file://testserver"]
    )
    def test_refuses_pages_of_others_before_it_asks_for_a_key(self, origin):
        assert Assistant(None).send(PING, Origin=origin).status_code == 403

    def test_lets_its_own_pages_in_and_those_that_are_named(self, assistant, settings):
        settings.MCP_ALLOWED_ORIGINS = ["https://app.example"]
        for origin in ("http://testserver", "https://app.example"):
            assert assistant.send(PING, Origin=origin).status_code == 200

    @pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic abc", "sk_1"])
    def test_wants_a_key(self, header):
        headers = {"Authorization": header} if header else {}
        response = Assistant(None).send("no JSON", **headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_knows_keys_under_both_schemes(self, assistant):
        token = assistant.authorization["Authorization"].removeprefix("Bearer ")
        assert assistant.send(PING, Authorization=f"ApiKey {token}").status_code == 200

    def test_counts_with_the_keys_one_budget(self, settings, assistant_with):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 2
        assistant = assistant_with("LIST_ACCOUNTS")
        assistant.client.get("/platform/v1/accounts", headers=assistant.authorization)
        assert assistant.send(PING).status_code == 200
        response = assistant.send("no JSON")
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) >= 1

    def test_refuses_what_is_too_large(self, assistant):
        assert assistant.send(b" " * (1024 * 1024 + 1), Accept="text/html").status_code == 413

    def test_takes_a_body_in_chunks(self, assistant):
        raw = json.dumps(PING).encode()
        headers = {**assistant.authorization, "Transfer-Encoding": "chunked"}
        response = assistant.client.generic(
            "POST", "/api/mcp", content_type="application/json", headers=headers, **{"wsgi.input": BytesIO(raw)}
        )
        assert response.json()["result"] == {}

    @pytest.mark.parametrize(
        ("accept", "status"),
        [
            *[("text/html", 406), ("text/event-stream", 406)],
            *[("*/*", 200), ("", 200), ("application/json; charset=utf-8", 200), ("application/json;q=0", 200)],
        ],
    )
    def test_answers_json(self, assistant, accept, status):
        assert assistant.send(PING, **({"Accept": accept} if accept else {})).status_code == status

    def test_ignores_what_sessions_need(self, assistant):
        response = assistant.send(PING, **{"Mcp-Session-Id": "x", "Last-Event-ID": "7"})
        assert response.json()["result"] == {}
        assert "Mcp-Session-Id" not in response.headers


class TestMessages:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("no JSON", -32700),
            ("", -32700),
            ('{"a": NaN}', -32700),
            ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": 1e999}}', -32700),
            ('{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', -32700),
            ('{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}', -32600),
            ('{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}', -32600),
            ("[" * 100_000, -32700),
            ([PING], -32600),
            (5, -32600),
            ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
            ({"jsonrpc": "2.0", "id": 1, "result": {}}, -32600),
            ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
            ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600),
            ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32602),
        ],
    )
    def test_that_are_none_are_refused(self, assistant, body, code):
        assert error_of(assistant.send(body)) == (400, code)

    def test_that_only_notify_get_no_answer(self, assistant):
        response = assistant.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (response.status_code, response.content) == (202, b"")
        assert "Content-Type" not in response.headers

    def test_keep_their_id(self, assistant):
        for id in ("seven", 7):
            assert assistant.send({**PING, "id": id}).json()["id"] == id


class TestModern:
    @pytest.mark.parametrize(
        "headers",
        [
            {"MCP-Protocol-Version": "2025-11-25"},
            {"MCP-Protocol-Version": None},
            {"Mcp-Method": "tools/call"},
            {"Mcp-Method": None},
        ],
    )
    def test_refuses_headers_that_say_another_thing(self, assistant, headers):
        sent = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list", **headers}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
        response = assistant.send(body, **{name: value for name, value in sent.items() if value})
        assert error_of(response) == (400, -32020)

    def test_refuses_another_tools_name(self, assistant):
        params = {"name": "getKey", "arguments": {}}
        assert error_of(assistant.ask("tools/call", params, **{"Mcp-Name": "pauseMe"})) == (400, -32020)

    def test_wants_the_revision_in_the_body_too(self, assistant):
        response = assistant.ask(
            "tools/list", is_modern=False, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}
        )
        assert error_of(response) == (400, -32020)

    @pytest.mark.parametrize("version", ["2099-01-01", "1.0"])
    def test_names_the_revisions_that_there_are(self, assistant, version):
        meta = {**META, "io.modelcontextprotocol/protocolVersion": version}
        body = {"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"_meta": meta}}
        response = assistant.send(body, **{"MCP-Protocol-Version": version, "Mcp-Method": "tools/list"})
        assert error_of(response) == (400, -32022)
        assert response.json()["error"]["data"] == {
            "supported": [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"],
            "requested": version,
        }
        assert response.json()["id"] == 3

    @pytest.mark.parametrize("method", ["initialize", "ping", "resources/list"])
    def test_knows_no_other_methods(self, assistant, method):
        assert error_of(assistant.ask(method)) == (404, -32601)

    def test_says_what_it_is(self, assistant):
        found = assistant.ask("server/discover").json()["result"]
        assert found["supportedVersions"][0] == MODERN
        assert (found["resultType"], found["cacheScope"], found["ttlMs"]) == ("complete", "private", 60_000)
        assert found["capabilities"] == {"tools": {"listChanged": False}}

    def test_lets_a_list_be_kept(self, assistant):
        found = assistant.ask("tools/list").json()["result"]
        assert (found["resultType"], found["cacheScope"], found["ttlMs"]) == ("complete", "private", 60_000)

    @pytest.mark.parametrize("params", [{"name": "noSuchTool"}, {"name": "getKey", "arguments": []}, {}, {"name": 5}])
    def test_refuses_calls_of_nothing(self, assistant, params):
        response = assistant.ask("tools/call", params, **{"Mcp-Name": str(params.get("name"))})
        assert error_of(response) in [(400, -32602), (400, -32020)]


class TestLegacy:
    @pytest.mark.parametrize(
        ("wanted", "given"),
        [
            ("2025-06-18", "2025-06-18"),
            ("2025-03-26", "2025-03-26"),
            ("2024-11-05", "2025-11-25"),
            (None, "2025-11-25"),
        ],
    )
    def test_agrees_on_a_revision(self, assistant, wanted, given):
        found = assistant.ask("initialize", {"protocolVersion": wanted}, is_modern=False).json()["result"]
        assert found["protocolVersion"] == given
        assert found["serverInfo"]["name"] == "sequence"

    def test_answers_what_it_does_not_know_with_200(self, assistant):
        assert error_of(assistant.ask("resources/list", is_modern=False)) == (200, -32601)
        assert error_of(assistant.ask("tools/call", {"name": "noSuchTool"}, is_modern=False)) == (200, -32602)

    def test_has_no_marks_of_the_modern_one(self, assistant):
        found = assistant.ask("tools/list", is_modern=False).json()["result"]
        assert list(found) == ["tools"]

    def test_refuses_a_revision_that_it_does_not_speak(self, assistant):
        response = assistant.ask("tools/list", is_modern=False, **{"MCP-Protocol-Version": "2024-11-05"})
        assert error_of(response) == (400, -32022)
