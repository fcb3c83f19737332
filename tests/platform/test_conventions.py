"""Conventions of the vendor's dialect, and what it lets pass that ``/api/v1`` refuses."""

from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from apikeys.models import ApiKey
from apikeys.services import pause_api_key
from sequence.platform.table import OPERATIONS, declared
from sequence.wiring import DIALECTS
from tests.platform.client import Platform, plain
from tests.platform.steps import pay, refusal

EVERY = [declared(*one) for one in OPERATIONS]


def url(operation) -> str:
    path = operation.path
    for name in operation.variables:
        path = path.replace(f"{{{name}}}", str(uuid4()))
    return path


# Addresses, and methods of addresses, that there are not.
NOWHERE = [
    *[("GET", path) for path in ("", "/", "/nothing", "/accounts/", "/rules/x/trigger", "/accounts/x/y")],
    *[("DELETE", "/accounts"), ("PUT", "/rules/x"), ("OPTIONS", "/accounts"), ("POST", "/accounts/x")],
    *[("BREW", "/transfers"), ("POST", "/schema")],
]
PAGES_THAT_ARE_NONE = [
    *("page=0", "page=-1", "page=x", "page=1.5", "page=", "pageSize=0", "pageSize=101", "page=1&page=1"),
    *("pageSize=10&pageSize=10", "page=%D9%A1"),
]
TIMES = [
    *("2026-01-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00.123456789012Z"),
    *("2026-01-01T00:00:00%2B02:00", "2026-01-01T00:00:00+02:00", "2026-01-01 00:00:00-11:30"),
    *("2016-12-31T23:59:60Z", "2026-01-01T00:00:00.1Z"),
]
TIMES_THAT_ARE_NONE = [
    *("yesterday", "", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "1767225600", "2026-W01-1T00:00:00Z"),
    *("2026-01-01", "2026-01-01T00:00:00"),
]


class TestAddress:
    def test_that_does_not_exist_says_so_before_it_asks_who_calls(self, db):
        for method, path in NOWHERE:
            response = Platform(None).request(method, path, headers={"X-Request-ID": "mine-1"})

            assert (response.status_code, response.headers["Content-Type"]) == (404, "text/plain"), (method, path)
            assert response.content == b"Not Found"
            assert response.headers["X-Request-ID"] == "mine-1"

    def test_that_exists_wants_a_key(self, db):
        for operation in EVERY:
            response = Platform(None).request(operation.method, url(operation))

            assert refusal(response) == (401, "UNAUTHORIZED"), operation.name
            assert response.headers["WWW-Authenticate"] == "Bearer"

    def test_is_gone_where_the_dialect_is_off(self, platform, settings):
        settings.PLATFORM_API = False

        for path in ("/accounts", "/schema", "/nothing"):
            response = platform.get(path)
            assert (response.status_code, response.content) == (404, b"Not Found")

    def test_is_looked_at_without_a_body(self, platform):
        assert platform.request("HEAD", "/accounts").status_code == 200


class TestKey:
    def test_comes_under_either_scheme_and_no_other(self, platform):
        token = platform.headers["Authorization"].partition(" ")[2]

        for scheme in ("Bearer", "bearer", "BEARER", "ApiKey", "apikey"):
            assert Platform(token, scheme).get("/beneficiaries").status_code == 200
        for scheme in ("Basic", "Token", ""):
            assert refusal(Platform(token, scheme).get("/beneficiaries")) == (401, "UNAUTHORIZED")

    def test_keeps_its_own_scheme_under_the_own_api(self, platform, api):
        api.headers["Authorization"] = platform.headers["Authorization"]

        assert api.get("/key").status_code == 401

    def test_may_be_paused(self, platform):
        pause_api_key(key_id=ApiKey.objects.get().id, by="test")

        assert refusal(platform.get("/beneficiaries")) == (403, "KEY_PAUSED")

    def test_has_one_budget_in_both_dialects(self, api, platform, settings):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 2
        api.get("/key")
        platform.get("/beneficiaries")

        response = platform.get("/beneficiaries")

        assert refusal(response) == (429, "RATE_LIMIT_EXCEEDED")
        assert int(response.headers["Retry-After"]) >= 1

    def test_that_may_nothing_is_refused_by_name(self, platform_with):
        client = platform_with("READ_EVENTS")
        for operation in EVERY:
            response = client.request(operation.method, url(operation))

            if operation.scope is None:
                assert response.status_code == 200
            else:
                assert refusal(response) == (403, "ACCESS_DENIED"), operation.name


class TestRequestId:
    def test_is_echoed_if_it_is_well_formed(self, platform):
        response = platform.get("/beneficiaries", headers={"X-Request-ID": "req-42"})

        assert response.json()["requestId"] == response.headers["X-Request-ID"] == "req-42"

    def test_is_replaced_if_it_is_not(self, platform):
        for given in ("with space", "x" * 129, "", "é"):
            response = platform.get("/beneficiaries", headers={"X-Request-ID": given})

            assert response.status_code == 200
            assert response.json()["requestId"] == response.headers["X-Request-ID"] != given


class TestLeniency:
    def test_ignores_parameters_that_it_does_not_know(self, platform):
        for query in ("?unknown=1", "?page[]=3&page%5B0%5D=x", "?first=x&after=y", "?utm_source=a&utm_source=b", "?"):
            assert platform.get(f"/beneficiaries{query}").status_code == 200, query

    def test_refuses_pages_that_are_none(self, platform):
        for query in PAGES_THAT_ARE_NONE:
            assert refusal(platform.get(f"/beneficiaries?{query}")) == (400, "INVALID_PARAMETERS"), query

    def test_has_empty_pages_beyond_the_end(self, platform, rent):
        for path in ("/accounts?", "/beneficiaries?", f"/transfers?accountIds={plain(rent.id)}&", "/rules?"):
            for page in ("2", "100000", "9" * 18, "9" * 30, "9" * 400):
                data = platform.data(f"{path}page={page}")
                assert (data["items"], data["pagination"]["hasNextPage"]) == ([], False)

    def test_takes_any_time_of_rfc_3339(self, platform, rent):
        for moment in TIMES:
            path = f"/accounts/{plain(rent.id)}/transfers?from={moment}&to={moment}"
            assert platform.get(path).status_code == 200, moment

    def test_says_which_time_is_none(self, platform, rent):
        for moment in TIMES_THAT_ARE_NONE:
            for name in ("from", "to"):
                response = platform.get(f"/accounts/{plain(rent.id)}/transfers?{name}={moment}")

                assert refusal(response) == (400, "INVALID_PARAMETERS")
                assert response.json()["error"]["message"] == f"{name} is not a valid date"

    def test_ignores_a_body_and_its_type_where_none_belongs(self, platform):
        response = platform.request("GET", "/beneficiaries", raw=b"<xml/>", content_type="text/xml, x/y")

        assert response.status_code == 200

    @pytest.mark.parametrize("raw", [b"", b"{}"])
    def test_takes_no_body_for_an_empty_one(self, platform, raw):
        response = platform.request("POST", f"/rules/{uuid4()}/trigger", raw=raw, content_type="application/json")

        assert refusal(response) == (404, "RULE_NOT_FOUND")

    @pytest.mark.parametrize(
        ("raw", "content_type", "expected"),
        [
            (b"[]", "application/json", (400, "INVALID_PARAMETERS")),
            (b"{", "application/json", (400, "INVALID_PARAMETERS")),
            (b'{"a": 1, "a": 2}', "application/json", (400, "INVALID_PARAMETERS")),
            (b"a=1", "application/x-www-form-urlencoded", (415, "UNSUPPORTED_MEDIA_TYPE")),
            (b" " * (1024 * 1024 + 1), "application/json", (413, "PAYLOAD_TOO_LARGE")),
        ],
    )
    def test_takes_no_body_that_is_none(self, platform, raw, content_type, expected):
        assert refusal(platform.request("POST", "/accounts", raw=raw, content_type=content_type)) == expected

    def test_says_what_it_cannot_answer_with(self, platform):
        assert refusal(platform.get("/accounts", headers={"Accept": "text/html"})) == (406, "NOT_ACCEPTABLE")


class TestTrouble:
    def test_is_told_without_internals(self, platform, monkeypatch):
        def break_down(*args, **options):
            raise ValueError("secret")

        monkeypatch.setattr("accounts.services.get_account", break_down)

        response = platform.get(f"/accounts/{uuid4()}")

        assert refusal(response) == (500, "UNEXPECTED_ERROR")
        assert b"secret" not in response.content

    def test_says_when_to_come_back(self, platform, monkeypatch):
        def go_away(*args, **options):
            raise OperationalError("connection refused")

        monkeypatch.setattr("apikeys.authentication.fetch", go_away)

        response = platform.get("/beneficiaries")

        assert refusal(response) == (503, "TEMPORARILY_UNAVAILABLE")
        assert int(response.headers["Retry-After"]) >= 1

    def test_is_told_in_the_dialect_of_the_address(self):
        from sequence.core.errors import TemporarilyUnavailable

        told = DIALECTS["/platform/v1"]("req-1", TemporarilyUnavailable(retry_after=1))

        assert (told.status, told.headers["Retry-After"]) == (503, "1")
        assert b'"requestId":"req-1"' in told.content

    def test_of_a_wrong_host_is_told_in_the_dialect(self, db):
        response = Client().get("/platform/v1/accounts", headers={"Host": "evil.example"})

        assert refusal(response) == (400, "INVALID_PARAMETERS")


class TestIdempotencyKey:
    @pytest.mark.parametrize("key", ["x" * 78, "dry-" + "a" * 251, "~!#$%&'()*+-./:;<=>?@[]^_`{|}"])
    def test_may_be_long_and_of_any_visible_characters(self, platform, income, rent, key):
        assert pay(platform, income, rent, 500, idempotency_key=key).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a,b"])
    def test_may_not_be_anything_else(self, platform, income, rent, key):
        assert refusal(pay(platform, income, rent, 500, idempotency_key=key)) == (400, "INVALID_PARAMETERS")
